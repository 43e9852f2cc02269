"""What templates may say of the brand they wear."""

from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse

from apps.branding.models import Brand
from apps.branding.pictures import has_wordmark, logo_on, picture_url
from apps.branding.sheets import font_file, version_of


def brand(request: HttpRequest) -> dict[str, Any]:
    found: Brand | None = getattr(request, "brand", None)
    if found is None:
        return {}
    return {"brand": brand_view(found)}


def brand_view(found: Brand) -> dict[str, Any]:
    own_logo = static("img/logo.svg") if found.is_installation else ""
    own = {"url": own_logo, "plate": ""}
    light, dark = logo_on(found, "light") or own, logo_on(found, "dark") or own
    return {
        "id": found.pk,
        "name": found.name,
        "slug": found.slug,
        "css_url": reverse("brand_css", args=[version_of(found)]),
        "font_url": font_file(found.font),
        "logo_light_url": light["url"],
        "logo_light_plate": light["plate"],
        "has_logo": bool(light["url"]) and light["url"] != own_logo,
        "has_wordmark": has_wordmark(found),
        "logo_dark_url": dark["url"],
        "logo_dark_plate": dark["plate"],
        "icon_url": own_logo if own_logo and own_logo == light["url"] else picture_url(found, "favicon"),
        "icon_large_url": picture_url(found, "icon_192"),
        "sign_in_url": picture_url(found, "sign_in"),
        "sign_in_title": found.sign_in_title,
        "sign_in_text": found.sign_in_text,
        "support_email": found.support_email,
        "support_url": found.support_url,
        "terms_url": found.terms_url,
        "privacy_url": found.privacy_url,
        "help_url": found.help_url,
        "primary_color": found.primary_color,
        "is_installation": found.is_installation,
        "is_open": found.is_open,
        "language": found.language,
    }
