"""The stylesheet of a brand: its colours' shades and its font."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache

from django.templatetags.static import static

from apps.branding.models import Brand, Font
from apps.core.colour import brand_css

# What Inter's file covers; the other bundled files were cut along the same lines (Google Fonts' latin and latin-ext).
LATIN = (
    "U+0000-00FF,U+0131,U+0152-0153,U+02BB-02BC,U+02C6,U+02DA,U+02DC,U+0304,U+0308,U+0329,U+2000-206F,U+20AC,U+2122,"
    "U+2191,U+2193,U+2212,U+2215,U+FEFF,U+FFFD"
)
LATIN_EXT = (
    "U+0100-02BA,U+02BD-02C5,U+02C7-02CC,U+02CE-02D7,U+02DD-02FF,U+1D00-1DBF,U+1E00-1E9F,U+1EF2-1EFF,U+2020,"
    "U+20A0-20AB,U+20AD-20C0,U+2113,U+2C60-2C7F,U+A720-A7FF"
)


@dataclass(frozen=True)
class Face:
    """A bundled font: its family and its two files, for western and for other latin letters."""

    family: str
    weights: str
    latin: str
    latin_ext: str
    fallback: str = "ui-sans-serif,system-ui,sans-serif"


FACES = {
    Font.SOURCE_SANS: Face("Source Sans 3 Variable", "200 900", "fonts/source-sans/latin.woff2", "fonts/source-sans/latin-ext.woff2"),
    Font.NUNITO: Face("Nunito Variable", "200 1000", "fonts/nunito/latin.woff2", "fonts/nunito/latin-ext.woff2"),
    Font.LORA: Face("Lora Variable", "400 700", "fonts/lora/latin.woff2", "fonts/lora/latin-ext.woff2", "ui-serif,Georgia,serif"),
    Font.PLEX: Face("IBM Plex Sans Variable", "100 700", "fonts/plex/latin.woff2", "fonts/plex/latin-ext.woff2"),
}
INTER = "vendor/inter/inter-latin-wght-normal.woff2"


def font_file(font: str) -> str:
    """The file that pages load early; "" for the device's own font."""
    if font == Font.SYSTEM:
        return ""
    face = FACES.get(Font(font))
    return static(face.latin if face else INTER)


def font_rule(font: str, *, at: str = ":root") -> str:
    """The rules that load a font and use it below `at`; nothing for Inter, which every page has."""
    if font == Font.INTER:
        return ""
    if font == Font.SYSTEM:
        return _use("ui-sans-serif,system-ui,-apple-system,Segoe UI,Roboto,sans-serif", at)
    face = FACES[Font(font)]
    return "".join(
        f'@font-face{{font-family:"{face.family}";font-style:normal;font-display:swap;font-weight:{face.weights};'
        f'src:url("{static(file)}") format("woff2-variations");unicode-range:{letters}}}\n'
        for file, letters in ((face.latin, LATIN), (face.latin_ext, LATIN_EXT))
    ) + _use(f'"{face.family}",{face.fallback}', at)


@lru_cache(maxsize=512)
def sheet(primary: str, accent: str, font: str) -> str:
    """A brand's whole stylesheet. Raises ValueError for what is not a colour."""
    return brand_css(primary, accent) + font_rule(font)


@lru_cache(maxsize=512)
def sheet_version(primary: str, accent: str, font: str) -> str:
    return hashlib.sha256(sheet(primary, accent, font).encode()).hexdigest()[:12]


def sheet_of(brand: Brand) -> str:
    return sheet(brand.primary_color, brand.accent_color, brand.font)


def version_of(brand: Brand) -> str:
    """Stands in the stylesheet's address and changes with what is in it."""
    return sheet_version(brand.primary_color, brand.accent_color, brand.font)


def _use(families: str, at: str) -> str:
    return f"{at}{{--font-sans:{families};font-family:{families}}}\n"
