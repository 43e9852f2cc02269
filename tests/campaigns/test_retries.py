"""When a lead is called again: tables over the pure functions, against hours that are laid out by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from unittest import TestCase
from zoneinfo import ZoneInfo

from apps.campaigns.dialler.retries import (
    Kind,
    Person,
    Rule,
    Terms,
    another_part,
    call_back,
    kind_of,
    moment_of,
    next_attempt,
    part_of,
)
from apps.campaigns.models import Campaign
from apps.campaigns.rules.hours import Hours

AMSTERDAM, NEW_YORK = ZoneInfo("Europe/Amsterdam"), ZoneInfo("America/New_York")
GENERAL = Rule(3, (60,))


def at(day: int, clock: str, zone: ZoneInfo = AMSTERDAM) -> dt.datetime:
    """November 2026; the 18th is a Wednesday."""
    return dt.datetime.combine(dt.date(2026, 11, day), dt.time.fromisoformat(clock), zone).astimezone(dt.UTC)


def open_between(first: str, last: str, zone: ZoneInfo = AMSTERDAM, days: Sequence[int] = range(1, 31)) -> object:
    """Openings on some days of November, asked one by one."""
    spans = [(at(day, first, zone), at(day, last, zone)) for day in days]

    def openings(moment: dt.datetime) -> Hours:
        for start, end in spans:
            if start <= moment < end:
                return Hours(True, end, moment, None)
        later = next((start for start, _end in spans if start > moment), None)
        return Hours(False, None, later, "waiting_window")

    return openings


ALWAYS = open_between("00:00", "23:59:59.999999")
OFFICE = open_between("09:00", "17:00")


def person(*tried: dt.datetime, openings: object = OFFICE, zone: ZoneInfo = AMSTERDAM) -> Person:
    return Person(zone, openings, tried)  # type: ignore[arg-type]


class TermsTest(TestCase):
    def test_what_is_stored_becomes_rules(self) -> None:
        campaign = Campaign(max_attempts=4, retry_delay_minutes=15, retry_rules={
            "busy": {"attempts": 6, "delays": [5, 10]}, "failed": {"attempts": 2}, "short_call": {"delays": [30], "seconds": 12},
        })  # fmt: skip
        terms = Terms.of(campaign)
        self.assertEqual(terms.rule("busy"), Rule(6, (5, 10)))
        self.assertEqual(terms.rule("failed"), Rule(2, (15,)))
        self.assertEqual(terms.rule("short_call"), Rule(4, (30,), 12))
        self.assertEqual(terms.rule("no_answer"), Rule(4, (15,)))
        self.assertEqual((terms.most, terms.needs_history, terms.voicemail), (6, False, "message"))
        self.assertEqual([terms.is_short(seconds) for seconds in (0, 11.9, 12, 600)], [True, True, False, False])
        self.assertFalse(Terms(GENERAL, {}).is_short(0))

    def test_the_last_delay_repeats(self) -> None:
        rule = Rule(9, (5, 30, 240))
        minutes = [rule.delay(attempts).total_seconds() / 60 for attempts in (0, 1, 2, 3, 4, 8)]
        self.assertEqual(minutes, [5, 5, 30, 240, 240, 240])

    def test_each_end_falls_under_one_rule(self) -> None:
        ends = ("no_answer", "busy", "declined", "voicemail", "error", "rejected", "failed")
        self.assertEqual(
            [kind_of(end) for end in ends], ["no_answer", "busy", "declined", "voicemail", "failed", "failed", "failed"]
        )

    def test_attempts_count_whatever_came_of_them(self) -> None:
        terms = Terms(GENERAL, {Kind.BUSY: Rule(2, (5,))})
        self.assertEqual([terms.allows(Kind.BUSY, attempts) for attempts in (1, 2)], [True, False])
        self.assertEqual([terms.allows(Kind.NO_ANSWER, attempts) for attempts in (2, 3)], [True, False])


class PerDayTest(TestCase):
    def after(self, per_day: int, ended: dt.datetime, *tried: dt.datetime, zone: ZoneInfo = AMSTERDAM) -> tuple[dt.datetime, str]:
        terms = Terms(GENERAL, {}, per_day=per_day)
        who = person(*tried, zone=zone)
        again = next_attempt(terms, Kind.BUSY, attempts=len(tried), ended_at=ended, person=who)
        return again.at, again.reason

    def test_table(self) -> None:
        noon, evening = at(18, "12:00"), at(18, "23:30")
        for per_day, tried, expected in (
            (1, [noon], (at(19, "00:00"), "day_limit")),
            (2, [noon], (at(18, "13:00"), "")),
            (2, [at(17, "23:59"), noon], (at(18, "13:00"), "")),
            (2, [at(18, "00:00"), noon], (at(19, "00:00"), "day_limit")),
            (1, [evening], (at(19, "00:30"), "")),
        ):
            self.assertEqual(self.after(per_day, tried[-1], *tried), expected, (per_day, tried))

    def test_the_day_is_the_lead_s(self) -> None:
        tried = at(18, "23:30", NEW_YORK)
        self.assertEqual(self.after(1, tried, tried, zone=NEW_YORK), (at(19, "00:30", NEW_YORK), ""))
        self.assertEqual(self.after(1, tried, tried), (at(20, "00:00"), "day_limit"))

    def test_a_day_with_a_clock_change_has_25_hours(self) -> None:
        tried = dt.datetime(2026, 10, 24, 22, tzinfo=dt.UTC)  # midnight in Amsterdam, the night summer time ends
        self.assertEqual(self.after(1, tried, tried), (dt.datetime(2026, 10, 25, 23, tzinfo=dt.UTC), "day_limit"))


class DayPartTest(TestCase):
    def test_parts_by_the_clock(self) -> None:
        clocks = ("08:59", "09:00", "11:59:59", "12:00", "16:59", "17:00", "20:59", "21:00", "00:00")
        self.assertEqual([part_of(at(18, clock), AMSTERDAM) for clock in clocks], [None, 0, 0, 1, 1, 2, 2, None, None])

    def test_table(self) -> None:
        mornings = open_between("09:00", "12:00")
        thursday_evening = open_between("17:00", "20:00", days=[26])
        for start, tried, openings, expected in (
            (at(18, "11:00"), [at(18, "10:00")], ALWAYS, at(18, "12:00")),
            (at(18, "13:00"), [at(18, "10:00")], ALWAYS, at(18, "13:00")),
            (at(18, "13:00"), [at(18, "10:00"), at(18, "12:30")], ALWAYS, at(18, "17:00")),
            (at(18, "22:00"), [at(18, "18:00")], ALWAYS, at(19, "09:00")),
            # all three were tried: another than the last
            (at(18, "19:00"), [at(18, "10:00"), at(18, "13:00"), at(18, "18:00")], ALWAYS, at(19, "09:00")),
            # the evening is never open: another than the last, for which two days are not waited
            (at(18, "14:00"), [at(18, "10:00"), at(18, "13:00")], OFFICE, at(19, "09:00")),
            # only mornings: no other part within a week, so as it was
            (at(18, "11:00"), [at(18, "10:00")], mornings, at(18, "11:00")),
            # open again after more than a week
            (at(18, "11:00"), [at(18, "10:00")], thursday_evening, at(18, "11:00")),
            # the first attempt at night counts as no part
            (at(18, "09:30"), [at(18, "07:00")], ALWAYS, at(18, "09:30")),
            (at(18, "11:00"), [], ALWAYS, at(18, "11:00")),
        ):
            self.assertEqual(another_part(start, person(*tried, openings=openings)), expected, (start, tried))

    def test_the_parts_are_the_lead_s(self) -> None:
        who = person(at(18, "10:00", NEW_YORK), zone=NEW_YORK, openings=ALWAYS)
        self.assertEqual(another_part(at(18, "10:30", NEW_YORK), who), at(18, "12:00", NEW_YORK))

    def test_what_is_found_is_always_open_and_never_too_early(self) -> None:
        for hour in range(0, 24, 3):
            start = at(18, f"{hour:02d}:15")
            found = another_part(start, person(at(18, "10:00"), openings=OFFICE))
            self.assertGreaterEqual(found, start)
            self.assertTrue(OFFICE(found).is_open)  # type: ignore[operator]
            self.assertEqual(part_of(found, AMSTERDAM), 1)

    def test_both_together(self) -> None:
        terms = Terms(GENERAL, {}, per_day=1, spreads=True)
        again = next_attempt(terms, Kind.BUSY, attempts=1, ended_at=at(18, "10:05"), person=person(at(18, "10:00")))
        self.assertEqual((again.at, again.reason), (at(19, "12:00"), "day_limit"))


class CallBackTest(TestCase):
    def test_table(self) -> None:
        ended = at(18, "12:00")
        for wanted, now, expected in (
            (at(18, "15:00"), ended, at(18, "15:00")),
            (at(18, "20:00"), ended, at(19, "09:00")),
            (at(18, "12:05"), at(18, "12:10"), at(18, "12:10")),
            (at(18, "11:30"), ended, at(18, "12:00")),
            (at(18, "10:59"), ended, None),
            (ended + dt.timedelta(days=61), ended, None),
        ):
            again = call_back(wanted, asked_at=ended, now=now, openings=OFFICE)  # type: ignore[arg-type]
            self.assertEqual(again and (again.at, again.reason), expected and (expected, "call_back"), wanted)

    def test_without_any_opening_it_stays_where_it_was(self) -> None:
        never = open_between("09:00", "17:00", days=[])
        again = call_back(at(18, "15:00"), asked_at=at(18, "12:00"), now=at(18, "12:00"), openings=never)  # type: ignore[arg-type]
        self.assertEqual(again and again.at, at(18, "15:00"))

    def test_times_as_a_model_writes_them(self) -> None:
        for text, expected in (
            ("2026-11-18T15:00", at(18, "15:00")), ("2026-11-18 15:00:00", at(18, "15:00")),
            ("2026-11-18T15:00:00+00:00", dt.datetime(2026, 11, 18, 15, tzinfo=dt.UTC)),
            ("2026-11-18T15:00:00Z", dt.datetime(2026, 11, 18, 15, tzinfo=dt.UTC)),
            ("tomorrow at three", None), ("", None), (None, None), (5, None), (True, None), ({"at": 1}, None),
        ):  # fmt: skip
            self.assertEqual(moment_of(text, AMSTERDAM), expected, text)
