"""Pictures of a brand as bytes: judged by what they are, never kept as they came, and drawn where there is none.

What was uploaded is decoded and encoded anew: nothing of the file but its pixels survives, no script, no metadata.
"""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from django.utils.translation import gettext as _
from PIL import Image, ImageChops, ImageDraw, ImageFont, ImageOps

from apps.branding.models import BrandImage
from apps.branding.tones import Tone, tone_of
from apps.core.colour import DARK_SURFACES, content_for
from apps.core.errors import Invalid

MAX_BYTES = 2 * 1024 * 1024
# Judged from the file's head, before anything is unpacked: a small file can hold a huge picture.
MAX_SIDE, MAX_PIXELS, MIN_SIDE = 6000, 16_000_000, 16
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
Kind = BrandImage.Kind
LARGEST = {Kind.LOGO_LIGHT: (640, 200), Kind.LOGO_DARK: (640, 200), Kind.SIGN_IN: (1600, 1600)}
ICONS = {Kind.FAVICON: 32, Kind.ICON_192: 192, Kind.ICON_512: 512}
LETTERS = Path(__file__).parent.parent / "core" / "fonts" / "Inter-SemiBold.ttf"


@dataclass(frozen=True)
class Picture:
    content: bytes
    content_type: str
    width: int
    height: int

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def read_picture(content: bytes, *, kind: str) -> Picture:
    """What an uploaded file shows, in the largest size that `kind` is shown in.

    Logos become PNG (mails and documents show them, too), the sign-in picture WebP. Raises Invalid with a sentence that
    says what to do.
    """
    image = _opened(content)
    if kind != Kind.SIGN_IN:
        # An empty border would make every logo look small.
        image = image.crop(image.getchannel("A").getbbox() or (0, 0, *image.size))
    image.thumbnail(LARGEST[Kind(kind)], Image.Resampling.LANCZOS)
    if kind == Kind.SIGN_IN:
        return _encoded(image.convert("RGB") if image.getextrema()[3] == (255, 255) else image, "WEBP")
    return _encoded(image, "PNG")


def icons_of(logo: Picture) -> dict[str, Picture]:
    """Favicon and app icons from a logo: its leading mark where it has one, else all of it; a light one on dark ground."""
    mark = _mark(Image.open(io.BytesIO(logo.content)).convert("RGBA"))
    ground = DARK_SURFACES[0] if tone_of(logo.content) == Tone.LIGHT else ""
    return {kind: _encoded(_on_square(mark, size, padding=0 if size < 64 else 0.14, ground=ground), "PNG") for kind, size in ICONS.items()}


@lru_cache(maxsize=256)
def drawn_icon(initials: str, colour: str, size: int) -> Picture:
    """An icon for a brand without a logo: its initials on its colour."""
    scale = 4 if size < 64 else 1
    side = size * scale
    image = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, side - 1, side - 1), radius=side * 0.25, fill=colour)
    font = ImageFont.truetype(str(LETTERS), round(side * (0.46 if len(initials) > 1 else 0.58)))
    draw.text((side / 2, side / 2), initials, font=font, fill=content_for(colour), anchor="mm")
    return _encoded(image.resize((size, size), Image.Resampling.LANCZOS), "PNG")


def _opened(content: bytes) -> Image.Image:
    if len(content) > MAX_BYTES:
        raise Invalid(_("The file is larger than 2 MB. Save it smaller and try again."), param="file")
    if _is_svg(content):
        raise Invalid(_("SVG files can hold scripts and are not taken. Save the picture as PNG or WebP."), param="file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            image: Image.Image = Image.open(io.BytesIO(content), formats=FORMATS)
            _judge_size(*image.size)
            image.seek(0)
            return ImageOps.exif_transpose(image).convert("RGBA")
    except Invalid:
        raise
    except Exception as error:  # whatever a decoder says of a file from outside
        raise Invalid(_("This is not a picture that can be read. Use PNG, JPEG, WebP or GIF."), param="file") from error


def _judge_size(width: int, height: int) -> None:
    if min(width, height) < MIN_SIDE:
        raise Invalid(_("The picture is too small: it needs at least 16 pixels on each side."), param="file")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise Invalid(_("The picture is too large: at most 6000 pixels on a side, 16 million in all."), param="file")


def _is_svg(content: bytes) -> bool:
    head = content[:2048].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return head.startswith((b"<?xml", b"<svg", b"<!doctype svg", b"<!--")) or b"<svg" in head or head.startswith(b"\x1f\x8b")


def _encoded(image: Image.Image, encoding: str) -> Picture:
    out = io.BytesIO()
    if encoding == "WEBP":
        image.save(out, "WEBP", quality=82, method=4)
    else:
        image.save(out, "PNG", optimize=True)
    return Picture(out.getvalue(), f"image/{encoding.lower()}", *image.size)


def _on_square(image: Image.Image, size: int, *, padding: float, ground: str) -> Image.Image:
    """The picture in the middle of a square; with room around it, on white, where systems cut their own shape from it.

    Another `ground` is there in every size.
    """
    room = max(1, round(size * (1 - 2 * padding)))
    fitted = ImageOps.contain(image, (room, room), Image.Resampling.LANCZOS)
    square = Image.new("RGBA", (size, size), ground or (255, 255, 255, 255 if padding else 0))
    square.alpha_composite(fitted, ((size - fitted.width) // 2, (size - fitted.height) // 2))
    return square


def _mark(image: Image.Image) -> Image.Image:
    """The leading part of a wide logo that stands alone and is about as wide as high; else the whole, trimmed."""
    drawn = _drawn(image)
    box = drawn.getbbox()
    if box is None:
        return image
    image, drawn = image.crop(box), drawn.crop(box)
    if image.width <= image.height * 1.6:
        return image
    end = next((x for x in range(1, image.width) if drawn.crop((x, 0, x + 1, image.height)).getbbox() is None), 0)
    lead = image.crop((0, 0, end, image.height)) if end else image
    inner = _drawn(lead).getbbox() or (0, 0, *lead.size)
    lead = lead.crop(inner)
    return lead if 0.5 <= lead.width / lead.height <= 1.6 else image


def _drawn(image: Image.Image) -> Image.Image:
    """Where something is drawn: what is not transparent and not of the corner's colour."""
    ground = Image.new("RGBA", image.size, image.getpixel((0, 0)))  # type: ignore[arg-type]
    differs = ImageChops.difference(image.convert("RGB"), ground.convert("RGB")).convert("L").point(lambda value: 255 if value > 24 else 0)
    alpha = image.getchannel("A").point(lambda value: 255 if value > 24 else 0)
    return alpha if alpha.getextrema() != (255, 255) else differs
