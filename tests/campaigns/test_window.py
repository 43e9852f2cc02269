"""Calling hours by the wall clock, also in the nights when clocks change, against a slow oracle."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.campaigns.window import ALWAYS, Window, common, daily, seconds_of, union, week_of

ALL = frozenset(range(1, 8))


def window(start: str = "09:00", end: str = "17:00", days: frozenset[int] = ALL, zone: str = "Europe/Amsterdam") -> Window:
    return Window(daily(dt.time.fromisoformat(start), dt.time.fromisoformat(end), days), ZoneInfo(zone))


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
    hours = Window(daily(dt.time(hour, 15), end, days), ZoneInfo(zone))
    now = at.replace(tzinfo=dt.UTC, second=0, microsecond=0)
    opening = hours.next_opening(now)
    assert opening is not None

    def is_open(moment: dt.datetime) -> bool:
        local = moment.astimezone(ZoneInfo(zone))
        return local.isoweekday() in days and dt.time(hour, 15) <= local.time() < end

    slow = next(now + dt.timedelta(minutes=n) for n in range(16 * 1440) if is_open(now + dt.timedelta(minutes=n)))
    assert opening == slow
    closing = hours.closes_at(opening)
    slow = next(opening + dt.timedelta(minutes=n) for n in range(1, 1440) if not is_open(opening + dt.timedelta(minutes=n)))
    assert closing == slow


def test_several_windows_become_a_week() -> None:
    windows = [
        {"days": [1, 7], "start": "22:00", "end": "02:00"}, {"days": [1], "start": "21:00", "end": "22:30"},
        {"days": [3], "start": "00:00", "end": "24:00"}, {"days": [4], "start": "20:15", "end": "00:00"},
    ]  # fmt: skip
    late, early = (21 * 3600, 86_400), (0, 7200)
    assert week_of(windows) == (
        (early, late), (early,), ((0, 86_400),), ((72_900, 86_400),), (), (), ((79_200, 86_400),),
    )  # fmt: skip
    assert week_of([{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "00:00"}]) == ALWAYS
    assert week_of([]) == ((),) * 7


def test_spans_are_joined_and_met() -> None:
    assert union([(5, 6), (1, 3), (3, 4), (2, 3), (6, 6)]) == ((1, 4), (5, 6))
    assert common(((1, 4), (6, 9)), ((0, 2), (3, 7), (8, 20))) == ((1, 2), (3, 4), (6, 7), (8, 9))
    assert common((), ((0, 1),)) == ()


@pytest.mark.parametrize(("text", "seconds"), [("00:00", 0), ("09:30", 34_200), ("24:00", 86_400), ("23:59:59", 86_399)])
def test_a_time_of_day_in_seconds(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["24:01", "9", "noon", ""])
def test_what_is_no_time_of_day(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        seconds_of(text)
