"""The stylesheet of a brand: fonts that are there, addresses that change with what is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings

from apps.branding.models import Font
from apps.branding.sheets import font_file, font_rule, sheet, sheet_version


@pytest.mark.parametrize("font", Font.values)
def test_each_font_is_bundled_with_its_licence(font):
    files = {*re.findall(r'url\("/static/([^"]+)"\)', font_rule(font)), font_file(font).removeprefix("/static/")} - {""}
    assert bool(files) is (font != Font.SYSTEM)
    for each in files:
        path = Path(settings.BASE_DIR) / "static" / each
        assert path.read_bytes()[:4] == b"wOF2"
        licence = (path.parent / "LICENSE").read_text()
        assert licence.startswith("Copyright")
        assert "SIL Open Font License, Version 1.1" in licence


def test_nothing_is_loaded_from_elsewhere():
    for font in Font.values:
        assert "//" not in sheet("#112233", "#445566", font)


def test_the_version_changes_with_colours_and_font():
    versions = {sheet_version(*each) for each in (("#112233", "#445566", "inter"), ("#112234", "#445566", "inter"), ("#112233", "#445566", "lora"))}
    assert len(versions) == 3


def test_only_colours_reach_the_sheet():
    with pytest.raises(ValueError, match="is not a colour"):
        sheet("red}body{display:none", "#445566", "inter")
