"""Every brand colour gives readable text in both themes."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.core.colour import AA_TEXT, DARK_SURFACES, LIGHT_SURFACES, brand_css, content_for, contrast, normal, readable

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


def variables(css: str, selector: str) -> dict[str, str]:
    body = re.search(re.escape(selector) + r"\{(.*?)\}", css).group(1)
    return dict(rule.split(":") for rule in body.split(";"))


def test_contrast_of_black_and_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@settings(deadline=None)
@given(colours, colours)
def test_every_pair_is_readable(primary, accent):
    css = brand_css(primary, accent)
    for selector, surfaces in ((":root", LIGHT_SURFACES), ('[data-theme="dark"]', DARK_SURFACES)):
        found = variables(css, selector)
        assert contrast(found["--color-primary"], found["--color-primary-content"]) >= AA_TEXT
        assert contrast(found["--color-accent"], found["--color-accent-content"]) >= AA_TEXT
        assert contrast(found["--brand-soft"], found["--brand-soft-content"]) >= AA_TEXT
        assert min(contrast(found["--brand-ink"], surface) for surface in surfaces) >= AA_TEXT


@given(colours)
def test_light_theme_keeps_the_brand_colour_itself(primary):
    assert variables(brand_css(primary, "#0d9488"), ":root")["--color-primary"] == primary


@given(colours)
def test_a_dark_fill_stands_out_from_its_surface(primary):
    fill = variables(brand_css(primary, "#0d9488"), '[data-theme="dark"]')["--color-primary"]
    assert contrast(fill, DARK_SURFACES[0]) >= 3


def test_readable_colours_stay_as_they_are():
    assert readable("#4f46e5", LIGHT_SURFACES, dark=False) == "#4f46e5"


def test_content_is_white_on_indigo_and_ink_on_yellow():
    assert content_for("#4f46e5") == "#ffffff"
    assert content_for("#facc15") == "#000000"


@pytest.mark.parametrize("text", ["", "red", "#12", "#12345", "#1234567", "#fff;}body{display:none", "url(x)", "#ggg"])
def test_anything_but_a_hex_colour_is_refused(text):
    with pytest.raises(ValueError, match="not a colour"):
        brand_css(text, "#0d9488")


def test_short_and_bare_spellings_are_accepted():
    assert normal("4F46E5") == "#4f46e5"
    assert normal(" #45e ") == "#4455ee"
