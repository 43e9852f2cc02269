"""Writes and addresses of brands."""

from urllib.parse import urlsplit, urlunsplit

from django.conf import settings

from apps.branding.models import Brand
from apps.core.db import step


def absolute_url(brand: Brand, path: str = "/") -> str:
    """A link that goes into a mail or an answer: built from the brand's stored address, never from a request."""
    base = urlsplit(settings.BASE_URL)
    if brand.is_installation:
        return settings.BASE_URL + path
    domain = brand.domains.serving().order_by("created_at").first()
    host = domain.host if domain else f"{brand.slug}.{settings.PORTAL_BASE_DOMAIN}"
    port = f":{base.port}" if base.port and not domain else ""
    return urlunsplit((base.scheme, host + port, path, "", ""))


@step
def create_brand(
    *, slug: str, name: str, primary_color: str, accent_color: str, support_email: str = "", language: str = ""
) -> Brand:
    """Make a brand. Raises ValidationError when the slug or a colour breaks its rule."""
    brand = Brand(
        slug=slug, name=name, primary_color=primary_color, accent_color=accent_color,
        support_email=support_email, language=language,
    )  # fmt: skip
    brand.full_clean()
    brand.save()
    return brand
