"""What templates may say of the brand they wear."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from apps.branding.models import Brand


def brand(request: HttpRequest) -> dict[str, Any]:
    found: Brand | None = getattr(request, "brand", None)
    if found is None:
        return {}
    return {"brand": brand_view(found)}


def brand_view(found: Brand) -> dict[str, Any]:
    version = f"{found.primary_color}{found.accent_color}".replace("#", "").lower()
    logo = static("img/logo.svg") if found.is_installation else ""
    return {
        "id": found.pk,
        "name": found.name,
        "slug": found.slug,
        "css_url": reverse("brand_css", args=[version]),
        "logo_light_url": logo,
        "logo_dark_url": logo,
        "support_email": found.support_email,
        "terms_url": found.terms_url,
        "is_installation": found.is_installation,
        "language": found.language,
    }
