"""Writes and addresses of brands."""

import datetime as dt
from typing import Any
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


@step
def update_brand(*, brand: Brand, values: dict[str, Any], now: dt.datetime) -> list[str]:
    """Change fields of a brand. Returns the names of those that differ now. Raises ValidationError as `create_brand`."""
    changed = [name for name, value in values.items() if getattr(brand, name) != value]
    if changed:
        for name in changed:
            setattr(brand, name, values[name])
        brand.updated_at = now
        brand.full_clean()
        brand.save(update_fields=[*changed, "updated_at"])
    return changed


@step
def set_open(*, brand: Brand, is_open: bool, now: dt.datetime) -> bool:
    """Switch a brand's pages on or off. Returns whether that changed anything."""
    changed = Brand.objects.filter(pk=brand.pk).exclude(is_open=is_open).update(is_open=is_open, updated_at=now)
    brand.is_open = is_open
    return bool(changed)
