"""A brand as its documents and mails wear it."""

from __future__ import annotations

from typing import Any

from apps.branding.images import Kind
from apps.branding.models import Brand, BrandImage
from apps.branding.pictures import picture_url, pictures_of
from apps.core.colour import WHITE, content_for
from apps.core.pdf import Look

MAIL_LOGO_HEIGHT, MAIL_LOGO_WIDTH = 36, 220


def look_of(brand: Brand, foot: str = "") -> Look:
    """The brand as a document wears it; the foot names it and whom to ask, unless another one is given."""
    foot = foot or " · ".join(filter(None, (brand.name, brand.support_email)))
    on_dark = content_for(brand.primary_color) == WHITE
    held = {row.kind: bytes(row.content) for row in BrandImage.objects.filter(brand=brand, kind__in=(Kind.LOGO_LIGHT, Kind.LOGO_DARK))}
    light, dark = held.get(Kind.LOGO_LIGHT, b""), held.get(Kind.LOGO_DARK, b"")
    logo = (dark or light) if on_dark else (light or dark)
    # A logo made for the other ground stands on a plate of its own.
    plate = ("" if logo == dark else "#ffffff") if on_dark else ("" if logo == light else "#16181d")
    return Look(brand.name, brand.primary_color, brand.accent_color, foot, logo, plate if logo else "")


def mail_logo(brand: Brand) -> dict[str, Any] | None:
    """Path, width and height of the logo as mails show it; None without one."""
    found = pictures_of(brand).get(Kind.LOGO_LIGHT)
    if found is None:
        return None
    scale = min(MAIL_LOGO_HEIGHT / found["height"], MAIL_LOGO_WIDTH / found["width"], 1)
    size = {name: max(1, round(found[name] * scale)) for name in ("width", "height")}
    return {"path": picture_url(brand, Kind.LOGO_LIGHT)} | size
