"""The tags every page uses: badges, instants, durations, credits, numbers, links that keep the query."""

from datetime import UTC, datetime, timedelta

import pytest
from django.template import Context, Template
from django.test import RequestFactory
from django.utils import translation

from apps.core.status import VOCABULARY, status_of
from apps.core.templatetags import ui

NOW = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


def render(text: str, **context: object) -> str:
    return Template("{% load ui %}" + text).render(Context(context))


@pytest.mark.parametrize("value", sorted(VOCABULARY))
def test_every_state_has_a_word_a_tone_and_an_icon_that_exists(value):
    html = str(ui.status(value))
    assert "<svg" in html
    assert str(status_of(value).label) in html
    assert status_of(value).tone in {"good", "notice", "caution", "bad", "plain", "brand"}


def test_an_unknown_state_is_shown_in_plain_words_and_escaped():
    assert "Odd new state" in ui.status("odd_new-state")
    assert "<b>" not in ui.status("<b>x")


def test_other_spellings_mean_the_same_state():
    assert status_of("in_progress") == status_of("in-progress")


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00"), (7, "0:07"), (222, "3:42"), (3723, "1:02:03"), (59.6, "1:00"), (None, "–")]
)
def test_duration_reads_like_a_clock(seconds, text):
    assert ui.duration(seconds) == text


@pytest.mark.parametrize(
    ("micro", "text"),
    [
        (0, "0.00"),
        (410_000, "0.41"),
        (987_400_000, "987.40"),
        (1_234_567_890_000, "1,234,567.89"),
        (900, "0.0009"),
        (-2_500_000, "-2.50"),
    ],
)
def test_credits_come_from_micro_credits(micro, text):
    assert ui.credits(micro) == text


def test_numbers_follow_the_language():
    with translation.override("nl"):
        assert ui.credits(1_234_560_000) == "1.234,56"
    assert ui.percent(0.638) == "63.8%"


def test_phone_numbers_are_spaced_and_anything_else_is_left_alone():
    assert ui.phone("+31201234567") == "+31 20 123 4567"
    assert ui.phone("sip:robin@example.test") == "sip:robin@example.test"
    assert ui.phone(None) == "–"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (NOW - timedelta(seconds=20), "just now"),
        (NOW - timedelta(minutes=3, seconds=40), "3\xa0minutes ago"),
        (NOW + timedelta(hours=2), "in 2\xa0hours"),
    ],
)
def test_relative_instants_carry_the_exact_one(value, text):
    html = render("{% ago value %}", value=value, now=NOW)
    assert f">{text}<" in html
    assert f'datetime="{value.isoformat()}"' in html
    assert 'title="March 4, 2026' in html


def test_the_query_tag_keeps_the_rest_and_drops_empty_ones():
    request = RequestFactory().get("/calls", {"status": "ended", "page": "3", "q": "a&b"})
    assert render("{% query page=4 %}", request=request) == "?status=ended&amp;page=4&amp;q=a%26b"
    assert render("{% query page=None status='' %}", request=request) == "?q=a%26b"


def test_icons_are_hidden_from_screen_readers_unless_they_have_a_name():
    assert 'aria-hidden="true"' in ui.icon("phone")
    assert 'aria-label="Call"' in ui.icon("phone", label="Call")
    assert "<script" not in ui.icon("phone", label='"><script>')


def test_initials():
    assert [ui.initials(name) for name in ("Ada Lovelace", "ben@x.test", "", None, "(x)")] == ["AL", "B", "?", "?", "?"]


def test_meter_parts_fill_the_bar_and_never_leave_it():
    parts = ui.meter_parts([{"value": 3, "tone": "good", "label": "a"}, {"value": 1, "tone": "bad", "label": "b"}])
    assert [(part["x"], part["width"]) for part in parts] == [("0.0", "750.0"), ("750.0", "250.0")]
    assert ui.meter_parts([{"value": 9, "tone": "good", "label": "a"}], 3)[0]["width"] == "1000.0"
    assert ui.meter_parts([{"value": 0, "tone": "good", "label": "a"}])[0]["width"] == "0.0"
