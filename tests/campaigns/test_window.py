"""Calling hours by the wall clock, also in the nights when clocks change, against a slow oracle."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.campaigns.window import Window

ALL = frozenset(range(1, 8))


def window(start: str = "09:00", end: str = "17:00", days: frozenset[int] = ALL, zone: str = "Europe/Amsterdam") -> Window:
    return Window(dt.time.fromisoformat(start), dt.time.fromisoformat(end), days, ZoneInfo(zone))


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-01-07 07:59:59", False),  # winter: 08:59:59 in Amsterdam
        ("2026-01-07 08:00:00", True),
        ("2026-01-07 15:59:59", True),
        ("2026-01-07 16:00:00", False),  # 17:00: closed
        ("2026-07-07 07:00:00", True),  # summer: the same wall clock, an hour earlier
        ("2026-07-07 15:00:00", False),
    ],
)
def test_the_wall_clock_decides(moment: str, is_open: bool) -> None:
    assert window().is_open(utc(moment)) is is_open


def test_only_on_its_days() -> None:
    weekdays = window(days=frozenset({1, 2, 3, 4, 5}))
    saturday = utc("2026-11-21 11:00")
    assert not weekdays.is_open(saturday)
    assert weekdays.next_opening(saturday) == utc("2026-11-23 08:00")


@pytest.mark.parametrize(
    ("start", "end", "now", "opening", "closing"),
    [
        # 29 March 2026: 02:00 becomes 03:00 in Amsterdam (01:00 UTC)
        ("09:00", "17:00", "2026-03-28 17:00", "2026-03-29 07:00", "2026-03-29 15:00"),
        ("02:30", "05:00", "2026-03-28 12:00", "2026-03-29 01:00", "2026-03-29 03:00"),
        ("01:00", "02:30", "2026-03-28 12:00", "2026-03-29 00:00", "2026-03-29 01:00"),
        ("02:15", "02:45", "2026-03-28 12:00", "2026-03-30 00:15", "2026-03-30 00:45"),  # not that night
        # 25 October 2026: 03:00 becomes 02:00 (01:00 UTC)
        ("09:00", "17:00", "2026-10-24 17:00", "2026-10-25 08:00", "2026-10-25 16:00"),
        ("02:15", "02:45", "2026-10-24 12:00", "2026-10-25 00:15", "2026-10-25 00:45"),
        ("02:15", "02:45", "2026-10-25 00:50", "2026-10-25 01:15", "2026-10-25 01:45"),  # the second time
        ("01:00", "02:30", "2026-10-25 00:40", "2026-10-25 01:00", "2026-10-25 01:30"),
    ],
)
def test_clock_changes(start: str, end: str, now: str, opening: str, closing: str) -> None:
    hours = window(start, end)
    assert hours.next_opening(utc(now)) == utc(opening)
    assert hours.closes_at(utc(opening)) == utc(closing)


def test_a_closed_window_closes_now_and_no_days_never_open() -> None:
    now = utc("2026-01-07 05:00")
    assert window().closes_at(now) == now
    assert window(days=frozenset()).next_opening(now) is None


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "America/Havana"]),
    st.integers(0, 22), st.integers(1, 60), st.sets(st.integers(1, 7), min_size=1),
    st.datetimes(dt.datetime(2026, 1, 1), dt.datetime(2026, 12, 20)),
)  # fmt: skip
def test_openings_and_closings_equal_a_slow_search(zone: str, hour: int, minutes: int, days: set[int], at: dt.datetime) -> None:
    end = dt.time(hour + 1, minutes % 60) if hour + 1 < 24 else dt.time(23, 59)
    hours = Window(dt.time(hour, 15), end, frozenset(days), ZoneInfo(zone))
    now = at.replace(tzinfo=dt.UTC, second=0, microsecond=0)
    opening = hours.next_opening(now)
    assert opening is not None
    slow = next(now + dt.timedelta(minutes=n) for n in range(16 * 1440) if hours.is_open(now + dt.timedelta(minutes=n)))
    assert opening == slow
    closing = hours.closes_at(opening)
    slow = next(opening + dt.timedelta(minutes=n) for n in range(1, 1440) if not hours.is_open(opening + dt.timedelta(minutes=n)))
    assert closing == slow
