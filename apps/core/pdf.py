"""Documents as PDF in a brand's look: a thin layer over fpdf2 with the few things that our documents consist of.

The font lies inside each document, only the letters that it uses. Nothing in a document names the product: producer and
creator are the brand.
"""

from __future__ import annotations

import datetime as dt
import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from PIL import Image

from apps.core.colour import content_for

# It tells each step of cutting a font down.
logging.getLogger("fontTools").setLevel(logging.WARNING)

FONTS = Path(__file__).parent / "fonts"
MARGIN = 18.0
WIDTH, HEIGHT = 210.0, 297.0
INNER = WIDTH - 2 * MARGIN
BAND = 30.0
BOTTOM = 20.0
INK, MUTED, LINE, SOFT = "#16181d", "#5d6675", "#e4e7ec", "#f2f4f7"
TONES = {"good": "#16a34a", "notice": "#0284c7", "caution": "#d97706", "bad": "#dc2626", "plain": "#98a2b3"}
Align = Literal["L", "R"]


@dataclass(frozen=True)
class Look:
    """Whose document it is: name, colours as #rrggbb, and the line at the foot of each page.

    `logo`: a PNG for the band at the top; `plate`: the ground it stands on there, "" for the band itself.
    """

    name: str
    primary: str
    accent: str
    foot: str = ""
    logo: bytes = b""
    plate: str = ""


@dataclass(frozen=True)
class Bar:
    """One bar of a chart; `note` stands at its end."""

    label: str
    value: float
    note: str = ""
    tone: str = "brand"


class Document(FPDF):
    """A4, upright. Call what the document holds in its order, then `content()`."""

    def __init__(self, look: Look, *, title: str, subtitle: str, language: str, page_words: str, now: dt.datetime) -> None:
        """`page_words` holds %(page)d; `now` is what the document says about its making."""
        super().__init__(format="A4", unit="mm")
        self.look, self.page_words = look, page_words
        self.add_font("Inter", "", FONTS / "Inter-Regular.ttf")
        self.add_font("Inter", "B", FONTS / "Inter-SemiBold.ttf")
        self.set_title(title)
        self.set_author(look.name)
        self.set_creator(look.name)
        self.set_producer(look.name)
        self.set_creation_date(now)
        self.set_lang(language)
        self.set_margins(MARGIN, MARGIN, MARGIN)
        self.set_auto_page_break(True, margin=BOTTOM)
        self.add_page()
        self._band(title, subtitle)

    def content(self) -> bytes:
        return bytes(self.output())

    def footer(self) -> None:
        """What fpdf2 calls at the end of each page."""
        self.set_y(-BOTTOM + 6)
        self._font(8, MUTED)
        self.cell(INNER - 30, 5, _cut(self, self.look.foot, INNER - 32))
        self.cell(30, 5, self.page_words % {"page": self.page_no()}, align="R")

    def heading(self, text: str) -> None:
        """A section; it never stands alone at the end of a page."""
        self._room(34)
        self.ln(5)
        self._font(13, INK, bold=True)
        self.cell(INNER, 7, _cut(self, _shown(text), INNER), new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1)

    def paragraph(self, text: str, *, quiet: bool = False, bold: bool = False) -> None:
        self._font(9 if quiet else 10, MUTED if quiet else INK, bold=bold)
        self.multi_cell(INNER, 4.6 if quiet else 5.2, _shown(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(1.5)

    def figures(self, figures: Sequence[tuple[str, str, str]]) -> None:
        """A row of up to four boxes: label, value, hint."""
        gap = 4.0
        width = (INNER - gap * (len(figures) - 1)) / len(figures)
        self._room(26)
        top = self.get_y() + 1
        for place, (label, value, hint) in enumerate(figures):
            left = MARGIN + place * (width + gap)
            self.set_fill_color(SOFT)
            self.rect(left, top, width, 23, style="F", round_corners=True, corner_radius=2.5)
            for offset, height, text, size, colour, bold in (
                (2.6, 5, label, 8, MUTED, False), (7.6, 8, value, 16, INK, True), (16, 4.5, hint, 7.5, MUTED, False),
            ):  # fmt: skip
                self._font(size, colour, bold=bold)
                self.set_xy(left + 3, top + offset)
                self.cell(width - 6, height, _cut(self, _shown(text), width - 6))
        self.set_xy(MARGIN, top + 26)

    def grid(self, head: Sequence[str], rows: Sequence[Sequence[str]], *, widths: Sequence[float]) -> None:
        """The first column is text, the others are numbers at the right; `widths` are shares. The head comes again on each page."""
        whole = sum(widths)
        columns = [INNER * width / whole for width in widths]
        self._row(head, columns, bold=True)
        for row in rows:
            if self._is_full(7):
                self.add_page()
                self._row(head, columns, bold=True)
            self._row(row, columns)
        self.ln(2)

    def bars(self, bars: Sequence[Bar]) -> None:
        """Lying bars, one below the other, in proportion to the longest."""
        most = max((bar.value for bar in bars), default=0) or 1
        left, room = MARGIN + 52, INNER - 52 - 34
        for bar in bars:
            self._room(7)
            top = self.get_y()
            self._font(9, INK)
            self.cell(50, 6, _cut(self, _shown(bar.label), 49))
            self.set_fill_color(SOFT)
            self.rect(left, top + 1.2, room, 3.6, style="F", round_corners=True, corner_radius=1.5)
            if bar.value > 0:
                self.set_fill_color(self._tone(bar.tone))
                self.rect(left, top + 1.2, max(1.2, room * bar.value / most), 3.6, style="F", round_corners=True, corner_radius=0.6)
            self.set_xy(left + room + 2, top)
            self._font(9, MUTED)
            self.cell(32, 6, _cut(self, _shown(bar.note), 32), align="R")
            self.set_xy(MARGIN, top + 6.4)
        self.ln(2)

    def columns(self, labels: Sequence[str], pairs: Sequence[tuple[float, float]], *, legend: tuple[str, str]) -> None:
        """Standing columns over time: the whole in grey, its part in the brand's colour. `legend` names part and rest."""
        height, base = 34.0, 6.0
        self._room(height + base + 12)
        self._legend(legend)
        top, most = self.get_y(), max((whole for whole, _part in pairs), default=0) or 1
        step = INNER / max(1, len(pairs))
        width = min(step * 0.7, 12)
        self.set_draw_color(LINE)
        self.line(MARGIN, top + height, MARGIN + INNER, top + height)
        for place, (label, (whole, part)) in enumerate(zip(labels, pairs, strict=True)):
            left = MARGIN + place * step + (step - width) / 2
            for value, colour in ((whole, TONES["plain"]), (part, self._tone("brand"))):
                if value > 0:
                    tall = height * value / most
                    self.set_fill_color(colour)
                    self.rect(left, top + height - tall, width, tall, style="F")
            self._font(7, MUTED)
            self.set_xy(MARGIN + place * step, top + height + 0.8)
            self.cell(step, 4, _shown(label), align="C")
        self.set_xy(MARGIN, top + height + base + 2)

    def _band(self, title: str, subtitle: str) -> None:
        """The brand's colour across the top of the first page."""
        self.set_fill_color(self.look.primary)
        self.rect(0, 0, WIDTH, BAND, style="F")
        self.set_fill_color(self.look.accent)
        self.rect(0, BAND, WIDTH, 1.2, style="F")
        room = INNER - self._logo()
        self.set_xy(MARGIN, 6)
        self._font(10, content_for(self.look.primary), bold=True)
        self.cell(room, 6, _cut(self, _shown(self.look.name), room))
        self.set_xy(MARGIN, 13)
        self._font(17, content_for(self.look.primary), bold=True)
        self.cell(room, 10, _cut(self, _shown(title), room))
        self.set_xy(MARGIN, BAND + 4)
        self._font(9, MUTED)
        self.multi_cell(INNER, 4.6, _shown(subtitle), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self.ln(2)

    def _logo(self) -> float:
        """The logo at the right of the band. Returns the width that it takes, 0 without one."""
        if not self.look.logo:
            return 0.0
        with Image.open(io.BytesIO(self.look.logo)) as image:
            wide, high = image.size
        height = min(13.0, 52.0 * high / wide)
        width = height * wide / high
        left, top = WIDTH - MARGIN - width, (BAND - height) / 2
        if self.look.plate:
            self.set_fill_color(self.look.plate)
            self.rect(left - 3, top - 2.5, width + 6, height + 5, style="F", round_corners=True, corner_radius=2)
        self.image(io.BytesIO(self.look.logo), x=left, y=top, w=width, h=height, alt_text=self.look.name)
        return width + 8

    def _legend(self, words: tuple[str, str]) -> None:
        self._font(8, MUTED)
        for word, colour in zip(words, (self._tone("brand"), TONES["plain"]), strict=True):
            self.set_fill_color(colour)
            self.rect(self.get_x() + 1, self.get_y() + 1.6, 2.6, 2.6, style="F")
            self.set_x(self.get_x() + 5)
            self.cell(self.get_string_width(word) + 6, 6, _shown(word))
        self.ln(8)

    def _row(self, cells: Sequence[str], widths: Sequence[float], *, bold: bool = False) -> None:
        self._font(8.5 if bold else 9, MUTED if bold else INK, bold=bold)
        for place, (text, width) in enumerate(zip(cells, widths, strict=True)):
            self.cell(width, 6.4, _cut(self, _shown(text), width - 2), align="R" if place else "L")
        self.ln(6.4)
        self.set_draw_color(LINE)
        self.line(MARGIN, self.get_y(), MARGIN + INNER, self.get_y())

    def _tone(self, tone: str) -> str:
        return TONES.get(tone, self.look.primary)

    def _font(self, size: float, colour: str, *, bold: bool = False) -> None:
        self.set_font("Inter", "B" if bold else "", size)
        self.set_text_color(colour)

    def _is_full(self, height: float) -> bool:
        return self.get_y() + height > HEIGHT - BOTTOM

    def _room(self, height: float) -> None:
        if self._is_full(height):
            self.add_page()


def _cut(document: FPDF, text: str, width: float) -> str:
    """The text as far as it fits on one line."""
    if document.get_string_width(text) <= width:
        return text
    while text and document.get_string_width(f"{text}…") > width:
        text = text[: -max(1, len(text) // 20)]
    return f"{text}…"


def _shown(text: str) -> str:
    """The text in letters that the font has; of others there is a sign that something stands there."""
    known = _letters()
    return "".join(mark if ord(mark) in known or mark == "\n" else "\u25a1" for mark in text.replace("\t", " "))


@cache
def _letters() -> frozenset[int]:
    with TTFont(FONTS / "Inter-Regular.ttf", lazy=True) as font:
        return frozenset(font.getBestCmap())
