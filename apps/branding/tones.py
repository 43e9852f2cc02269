"""On which ground a logo is seen: judged from its outline once, when it is kept.

What touches the ground decides: black letters are lost on dark ground, a white sign inside a blue square is not.
"""

from __future__ import annotations

import io

from PIL import Image, ImageChops, ImageFilter, ImageOps

from apps.branding.models import BrandImage
from apps.core.colour import DARK_SURFACES, WHITE, contrast

Tone = BrandImage.Tone
SEEN = 96  # of 255: what is more transparent is not part of the outline
# Below this contrast a stroke is lost: 2.2 on the dark surfaces; on white less, for many logos are of a light colour.
LOST_ON_DARK, LOST_ON_LIGHT = 2.2, 1.35
LOST_SHARE = 0.25
# The colours of the two plates.
PLATES = {"light": WHITE, "dark": DARK_SURFACES[0]}


def tone_of(content: bytes) -> Tone:
    """DARK: lost on dark ground; LIGHT: lost on white; ANY: seen on both, or with a ground of its own."""
    with Image.open(io.BytesIO(content)) as opened:
        image = opened.convert("RGBA")
    if image.getextrema()[3] == (255, 255):
        return Tone.ANY
    image.thumbnail((320, 100))
    found = _outline(image)
    dark = sum(contrast(each, PLATES["dark"]) < LOST_ON_DARK for each in found)
    light = sum(contrast(each, PLATES["light"]) < LOST_ON_LIGHT for each in found)
    if max(dark, light) < LOST_SHARE * max(1, len(found)):
        return Tone.ANY
    return Tone.DARK if dark >= light else Tone.LIGHT


def plate_on(ground: str, *, kind: str, tone: str) -> str:
    """The plate that a logo needs on "light" or "dark" ground: "light", "dark" or "" (none).

    One whose tone is not known stands on a plate where it was not made for.
    """
    tone = tone or (Tone.LIGHT if kind == BrandImage.Kind.LOGO_DARK else Tone.DARK)
    if tone == Tone.ANY or tone != ground:
        return ""
    return "light" if tone == Tone.DARK else "dark"


def _outline(image: Image.Image) -> list[str]:
    """The colours where the drawn part meets the ground, as #rrggbb."""
    drawn = ImageOps.expand(image.getchannel("A").point(lambda value: 255 if value > SEEN else 0), 1, 0)
    edge = ImageChops.subtract(drawn, drawn.filter(ImageFilter.MinFilter(3))).crop((1, 1, image.width + 1, image.height + 1))
    pixels = zip(image.convert("RGB").get_flattened_data(), edge.get_flattened_data(), strict=True)
    return ["#{:02x}{:02x}{:02x}".format(*colour) for colour, here in pixels if here]  # type: ignore[misc]
