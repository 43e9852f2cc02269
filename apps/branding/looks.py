"""A brand as its documents and mails wear it."""

from __future__ import annotations

from typing import Any

from apps.branding.images import Kind
from apps.branding.models import Brand, BrandImage
from apps.branding.pictures import logo_on
from apps.branding.tones import PLATES, Tone
from apps.core.colour import WHITE, content_for
from apps.core.pdf import Look

MAIL_LOGO_HEIGHT, MAIL_LOGO_WIDTH = 36, 220


def look_of(brand: Brand, foot: str = "") -> Look:
    """The brand as a document wears it; the foot names it and whom to ask, unless another one is given."""
    foot = foot or " · ".join(filter(None, (brand.name, brand.support_email)))
    on_dark = content_for(brand.primary_color) == WHITE
    found = logo_on(brand, "dark" if on_dark else "light")
    if found is None:
        return Look(brand.name, brand.primary_color, brand.accent_color, foot)
    # The band has the brand's colour, not a theme's: a logo that was not made for such ground stands on white there.
    plate = found["plate"] or ("light" if on_dark and found["kind"] == Kind.LOGO_LIGHT and found["tone"] != Tone.LIGHT else "")
    return Look(brand.name, brand.primary_color, brand.accent_color, foot, _content(brand, found["kind"]), PLATES.get(plate, ""))


def _content(brand: Brand, kind: str) -> bytes:
    return bytes(BrandImage.objects.filter(brand=brand, kind=kind).values_list("content", flat=True).first() or b"")


def mail_logo(brand: Brand) -> dict[str, Any] | None:
    """Path, width and height of the logo as mails show it, and the colour of its plate ("": none); None without one."""
    found = logo_on(brand, "light")
    if found is None:
        return None
    scale = min(MAIL_LOGO_HEIGHT / found["height"], MAIL_LOGO_WIDTH / found["width"], 1)
    size = {name: max(1, round(found[name] * scale)) for name in ("width", "height")}
    return {"path": found["url"], "plate": PLATES.get(found["plate"], "")} | size
