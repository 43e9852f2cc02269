"""A brand's colours from two hex values: shades for both themes, checked for contrast (WCAG 2.2, 1.4.3 and 1.4.11)."""

import math
import re

AA_TEXT = 4.5
# Pure black: between white and anything lighter there are blues on which neither would be readable.
WHITE, INK = "#ffffff", "#000000"
# The surfaces text of the brand's colour stands on; the same values as in assets/theme.css.
LIGHT_SURFACES = ("#ffffff", "#f6f7f9")
DARK_SURFACES = ("#17191f", "#0e1014")

_HEX = re.compile(r"#?([0-9a-f]{3}|[0-9a-f]{6})", re.IGNORECASE)


def brand_css(primary: str, accent: str, *, light: str = ":root", dark: str = '[data-theme="dark"]') -> str:
    """The stylesheet of a brand: its variables for the light and the dark theme, each below its selector.

    Takes two hex colours ("#4f46e5" or "#45e"). Raises ValueError for anything else, so nothing but colours
    can reach the stylesheet.
    """
    return f"{light}{{{_rules(primary, accent, dark=False)}}}\n{dark}{{{_rules(primary, accent, dark=True)}}}\n"


def shades(primary: str, accent: str, *, dark: bool) -> dict[str, str]:
    """The variables of one theme, by name. Raises ValueError as `brand_css`."""
    primary, accent = normal(primary), normal(accent)
    surfaces = DARK_SURFACES if dark else LIGHT_SURFACES
    fill = _lifted(primary) if dark else primary
    soft = _mix(fill, surfaces[0], 0.26 if dark else 0.10)
    accent_fill = _lifted(accent) if dark else accent
    return {
        "--color-primary": fill,
        "--color-primary-content": content_for(fill),
        "--color-accent": accent_fill,
        "--color-accent-content": content_for(accent_fill),
        "--brand-ink": readable(primary, surfaces, dark=dark),
        "--brand-soft": soft,
        "--brand-soft-content": readable(primary, (soft,), dark=dark),
        "--accent-ink": readable(accent, surfaces, dark=dark),
    }


def normal(colour: str) -> str:
    """The colour as "#rrggbb". Raises ValueError when it is not a hex colour."""
    found = _HEX.fullmatch(colour.strip())
    if not found:
        raise ValueError(f"{colour!r} is not a colour like #4f46e5.")
    digits = found.group(1).lower()
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == 3 else digits)


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two hex colours, 1 to 21 (WCAG 2.2, contrast ratio)."""
    bright, dim = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def content_for(background: str) -> str:
    """White where it is readable on the background, else black; one of the two always is."""
    return WHITE if contrast(WHITE, background) >= AA_TEXT else INK


def readable(colour: str, surfaces: tuple[str, ...], *, dark: bool) -> str:
    """The colour, or the nearest lighter (dark theme) or darker shade that is AA text on every surface."""
    lightness, chroma, hue = _to_oklch(colour)
    step = 0.01 if dark else -0.01
    shade = colour
    while min(contrast(shade, surface) for surface in surfaces) < AA_TEXT:
        lightness += step
        shade = _from_oklch(lightness, chroma, hue)
    return shade


def _rules(primary: str, accent: str, *, dark: bool) -> str:
    return ";".join(f"{name}:{value}" for name, value in shades(primary, accent, dark=dark).items())


def _lifted(colour: str) -> str:
    """A fill that can be told from the dark surface: very dark brand colours come up a little."""
    lightness, chroma, hue = _to_oklch(colour)
    while contrast(colour, DARK_SURFACES[0]) < 3:
        lightness += 0.01
        colour = _from_oklch(lightness, chroma, hue)
    return colour


def _mix(colour: str, base: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(base), strict=True)
    return _hex(*(top * share + bottom * (1 - share) for top, bottom in pairs))


def _channels(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _hex(*channels: float) -> str:
    return "#" + "".join(f"{round(min(1.0, max(0.0, channel)) * 255):02x}" for channel in channels)


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _gamma(channel: float) -> float:
    channel = max(0.0, channel)
    return channel * 12.92 if channel <= 0.0031308 else 1.055 * channel ** (1 / 2.4) - 0.055


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# OKLCH (B. Ottosson, "A perceptual color space for image processing", 2020): shades keep their hue.
def _to_oklch(colour: str) -> tuple[float, float, float]:
    red, green, blue = (_linear(channel) for channel in _channels(colour))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    medium = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.atan2(b, a)


def _from_oklch(lightness: float, chroma: float, hue: float) -> str:
    lightness = min(1.0, max(0.0, lightness))
    # Less colour near black and white, where the screen has none to give.
    chroma *= min(1.0, 4 * lightness, 4 * (1 - lightness))
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return _hex(
        _gamma(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        _gamma(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        _gamma(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )
