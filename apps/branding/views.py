"""The stylesheet of a brand."""

from django.http import HttpRequest, HttpResponse

from apps.core.colour import brand_css as css_of


def brand_css(request: HttpRequest, version: str) -> HttpResponse:
    """Colours of the host's brand; the version in the address changes with them, so it may be kept for a year."""
    brand = request.brand  # type: ignore[attr-defined]
    answer = HttpResponse(css_of(brand.primary_color, brand.accent_color), content_type="text/css; charset=utf-8")
    answer["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer
