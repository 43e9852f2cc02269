"""What every host serves of its brand: stylesheet, pictures, icons, the web app's manifest, and word for robots."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from apps.branding.images import ICONS, Kind
from apps.branding.models import Brand, BrandImage
from apps.branding.pictures import picture_of, picture_url
from apps.branding.sheets import sheet_of, version_of
from apps.core.errors import NotFound

KEPT = "public, max-age=31536000, immutable"
# An old address, still in somebody's mail or open page: it shows what is there now, and asks again.
ASKED = "public, no-cache"


def brand_css(request: HttpRequest, version: str) -> HttpResponse:
    """Colours and font of the host's brand; the version in the address changes with them, so it may be kept for a year.

    On the installation's own host of the brand `?of=` names, for previews.
    """
    brand: Brand = request.brand  # type: ignore[attr-defined]
    if brand.is_installation and "of" in request.GET:
        brand = Brand.objects.filter(slug=request.GET["of"].replace("\0", "")).first() or brand
    answer = HttpResponse(sheet_of(brand), content_type="text/css; charset=utf-8")
    answer["Cache-Control"] = KEPT if version == version_of(brand) else ASKED
    return answer


@require_safe
def brand_picture(request: HttpRequest, kind: str, digest: str) -> HttpResponse:
    """A picture of the host's brand. On the installation's own host any brand's, for whoever edits it there."""
    brand: Brand = request.brand  # type: ignore[attr-defined]
    name = kind.replace("-", "_")
    if name not in Kind.values:
        raise NotFound
    if brand.is_installation:
        row = BrandImage.objects.filter(kind=name, digest__startswith=digest).first()
        if row:
            return _picture(bytes(row.content), row.content_type, KEPT)
    found = picture_of(brand, name)
    if found is None:
        raise NotFound
    return _picture(found.content, found.content_type, KEPT if digest in picture_url(brand, name) else ASKED)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """What browsers ask for without being told."""
    found = picture_of(request.brand, Kind.FAVICON)  # type: ignore[attr-defined]
    assert found is not None  # an icon is drawn when there is none
    return _picture(found.content, found.content_type, "public, max-age=3600")


@require_safe
def manifest(request: HttpRequest) -> JsonResponse:
    """The web app manifest: the brand as an app on a phone's home screen."""
    brand: Brand = request.brand  # type: ignore[attr-defined]
    icons = [
        {"src": picture_url(brand, kind), "sizes": f"{ICONS[kind]}x{ICONS[kind]}", "type": "image/png", "purpose": "any"}
        for kind in (Kind.ICON_192, Kind.ICON_512)
    ]
    body: dict[str, Any] = {
        "name": brand.name, "short_name": brand.name[:12].strip(), "start_url": "/", "scope": "/", "display": "standalone",
        "lang": brand.language or get_language() or settings.LANGUAGE_CODE, "theme_color": brand.primary_color,
        "background_color": "#ffffff", "icons": icons,
    }  # fmt: skip
    return JsonResponse(body, content_type="application/manifest+json", headers={"Cache-Control": "public, max-age=3600"})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Workspaces are nobody's search result."""
    return HttpResponse("User-agent: *\nDisallow: /\n", content_type="text/plain; charset=utf-8")


def _picture(content: bytes, content_type: str, kept: str) -> HttpResponse:
    headers = {"Cache-Control": kept, "Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff"}
    return HttpResponse(content, content_type=content_type, headers=headers)
