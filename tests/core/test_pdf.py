"""Documents in a brand's look."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from unittest import TestCase

from apps.core.pdf import Bar, Document, Look
from tests.pdf import about, words_of

NOW = dt.datetime(2026, 11, 18, 11, 0, tzinfo=dt.UTC)
LOOK = Look("Bäcker & Łódź", "#0f766e", "#f59e0b", "Bäcker & Łódź · help@example.com")


def document(**fields: Any) -> Document:
    values = {"title": "Bericht", "subtitle": "1.–3. November", "language": "de", "page_words": "Seite %(page)d", "now": NOW}
    return Document(LOOK, **values | fields)


class DocumentTest(TestCase):
    def test_everything_it_holds_can_be_read(self) -> None:
        made = document()
        made.heading("Überblick")
        made.paragraph("Ein Satz – mit „Zeichen“ und Ελληνικά, Кириллица.")
        made.figures([("Anteil", "34,1 %", "aller Anrufe")])
        made.bars([Bar("Erreicht", 3, "3 · 60 %", "good"), Bar("Nicht erreicht", 0, "0")])
        made.columns(["08", "09"], [(4, 1), (0, 0)], legend=("Erreicht", "Nicht erreicht"))
        made.grid(["", "A", "B"], [["Anrufe", "1.000", "2"]], widths=(2, 1, 1))
        words = words_of(made.content())
        for expected in ("Bäcker & Łódź", "Bericht", "Überblick", "34,1 %", "3 · 60 %", "08", "1.000", "Seite 1", "Bäcker & Łódź · help@example.com"):
            self.assertIn(expected, words.split("\n"))
        self.assertIn("Ein Satz – mit „Zeichen“ und Ελληνικά, Кириллица.", words.replace("\n", " "))

    def test_it_names_the_brand_and_nobody_else(self) -> None:
        content = document(title="Report").content()
        self.assertEqual(about(content), {"Title": "Report", "Author": LOOK.name, "Creator": LOOK.name, "Producer": LOOK.name})
        for word in ("Switchboard", "fpdf", "PyFPDF", "py-pdf"):
            for encoding in ("latin-1", "utf-16-be"):
                self.assertNotIn(word.lower().encode(encoding), content.lower(), word)
        self.assertIn(b"/Lang (de)", content)

    def test_the_font_is_inside_and_only_the_letters_used(self) -> None:
        content = document().content()
        self.assertEqual(len(re.findall(rb"/FontFile2 \d+ 0 R", content)), 2)
        self.assertLess(len(content), 60_000)

    def test_letters_the_font_lacks_leave_a_sign(self) -> None:
        made = document()
        made.bars([Bar("日本 ok 🙂", 1)])
        self.assertIn("□□ ok □", words_of(made.content()))

    def test_what_is_too_wide_is_cut_and_what_is_too_long_goes_on(self) -> None:
        made = document(title="word " * 60)
        made.grid(["Head", "n"], [[f"row {number}", str(number)] for number in range(120)], widths=(4, 1))
        words = words_of(made.content()).split("\n")
        self.assertTrue(any(word.endswith("…") for word in words))
        self.assertEqual([word for word in words if word.startswith("Seite")], ["Seite 1", "Seite 2", "Seite 3", "Seite 4"])
        self.assertEqual((words.count("Head"), words.count("row 119")), (4, 1))

    def test_nothing_to_draw(self) -> None:
        made = document()
        made.bars([])
        made.columns([], [], legend=("a", "b"))
        made.grid(["x"], [], widths=(1,))
        self.assertTrue(made.content().startswith(b"%PDF-"))
