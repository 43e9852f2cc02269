"""Calling hours of the person called, by hand and against a slow oracle (limits 8, R14; 9, cases 10 and 11)."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.campaigns.models import Campaign, RulePack
from apps.campaigns.rules import Hours, NumberLimit, Rules, place_of
from apps.campaigns.rules.book import Book
from apps.campaigns.rules.public_holidays import holidays_of
from tests.campaigns.random_hours import Setting, a_person, an_instant, place, questions
from tests.campaigns.slow_hours import walk

ALWAYS = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "00:00", "end": "24:00"}]
NOON = dt.datetime(2026, 11, 18, 11, tzinfo=dt.UTC)
NEVER, WINDOW, HOLIDAY, OUTSIDE = "never_open", "waiting_window", "holiday", "outside_hours"


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def rules(*rows: RulePack, now: dt.datetime = NOON, **fields: Any) -> Rules:
    """A campaign that calls at any hour of the person, so that only the rules speak."""
    values = {"windows": ALWAYS, "uses_lead_zone": True, "purpose": "marketing", "timezone": "Europe/Amsterdam"} | fields
    campaign = Campaign(**values)
    return Rules(campaign, Book.with_rows(rows, ["own", "agency"]), now, campaign.week)


def ask(number: str, at: str, *rows: RulePack, zone: str = "", region: str = "", **fields: Any) -> Hours:
    return rules(*rows, **fields).hours(place_of(phone_number=number, timezone=zone, region=region), utc(at))


NL, FR, DE, US, TOLL_FREE = "+31612345678", "+33612345678", "+4930123456", "+12085551234", "+18005551234"


@pytest.mark.parametrize(
    ("number", "at", "reason"),
    [
        # The Netherlands: 9–22, Saturday 10–16, never on Sunday.
        (NL, "2026-11-18 07:59:59", OUTSIDE), (NL, "2026-11-18 08:00", None), (NL, "2026-11-18 20:59:59", None),
        (NL, "2026-11-18 21:00", OUTSIDE), (NL, "2026-11-21 08:30", OUTSIDE), (NL, "2026-11-21 09:00", None),
        (NL, "2026-11-21 15:00", OUTSIDE), (NL, "2026-11-22 12:00", OUTSIDE), (NL, "2026-04-27 10:00", HOLIDAY),
        # 5 December 2026 is a Saturday; 24 December and 4 May 2027 end at 18:30.
        (NL, "2026-12-05 15:00", OUTSIDE), (NL, "2026-12-24 17:29:59", None), (NL, "2026-12-24 17:30", OUTSIDE),
        (NL, "2027-05-04 16:29:59", None), (NL, "2027-05-04 16:30", OUTSIDE), (NL, "2025-12-05 17:30", OUTSIDE),
        # France: 10–13 and 14–20, Monday to Friday; Bastille Day; Guadeloupe by its own clock.
        (FR, "2026-11-18 08:59", OUTSIDE), (FR, "2026-11-18 09:00", None), (FR, "2026-11-18 12:00", OUTSIDE),
        (FR, "2026-11-18 13:00", None), (FR, "2026-11-18 19:00", OUTSIDE), (FR, "2026-07-14 09:00", HOLIDAY),
        (FR, "2026-11-21 10:00", OUTSIDE), ("+590690123456", "2026-11-18 10:00", OUTSIDE), ("+590690123456", "2026-11-18 14:00", None),
        # Germany: national holidays; Assumption only where it is one (Saturday 15 August 2026).
        (DE, "2026-10-03 10:00", HOLIDAY), (DE, "2026-08-15 10:00", None), (DE, "2026-11-18 19:00", OUTSIDE),
        # Canada: weekends 10–18; the UK.
        ("+14165551234", "2026-11-21 14:59", OUTSIDE), ("+14165551234", "2026-11-21 15:00", None),
        ("+14165551234", "2026-11-21 23:00", OUTSIDE), ("+14165551234", "2026-11-19 02:29", None),
        ("+442079460000", "2026-12-28 11:00", HOLIDAY), ("+442079460000", "2026-11-18 11:00", None),
        # American states: Texas on Sunday, Florida in the evening, New York by the federal rule.
        ("+15125551234", "2026-11-22 17:59", OUTSIDE), ("+15125551234", "2026-11-22 18:00", None),
        ("+13055551234", "2026-11-19 00:59", None), ("+13055551234", "2026-11-19 01:00", OUTSIDE),
        ("+12125551234", "2026-11-19 01:00", None), ("+12125551234", "2026-11-19 02:00", OUTSIDE),
    ],
)  # fmt: skip
def test_the_shipped_rules(number: str, at: str, reason: str | None) -> None:
    hours = ask(number, at)
    assert (hours.is_open, hours.reason) == (reason is None, reason)


def test_the_saint_nicholas_evening_ends_early() -> None:
    """5 December 2025 is a Friday: 22:00 becomes 18:30, an hour ahead of UTC."""
    assert ask(NL, "2025-12-05 12:00").until == utc("2025-12-05 17:30")
    assert ask(NL, "2025-12-05 17:30").next_at == utc("2025-12-06 09:00")


def test_a_regional_holiday_holds_for_the_lead_or_the_campaigns_region() -> None:
    assert ask(DE, "2026-06-04 10:00").is_open
    for said in ({"region": "BY"}, {"region": "Bayern"}):
        assert ask(DE, "2026-06-04 10:00", **said).reason == HOLIDAY
    place_there, at = place_of(phone_number=DE), utc("2026-06-04 10:00")
    assert rules(region="DE-BY").hours(place_there, at).reason == HOLIDAY
    assert rules(region="BY").hours(place_there, at).reason == HOLIDAY
    assert rules(region="AT-9").hours(place_there, at).is_open
    berlin = place_of(phone_number=DE, region="BE")
    assert rules(region="DE-BY").hours(berlin, at).is_open


def test_service_calls_follow_the_window_only_and_skip_holidays_when_asked() -> None:
    assert ask(NL, "2026-11-22 02:00", purpose="service").is_open
    assert ask(NL, "2026-04-27 10:00", purpose="service").is_open
    closed = ask(NL, "2026-04-27 10:00", purpose="service", skips_holidays=True)
    assert (closed.reason, closed.next_at) == (HOLIDAY, utc("2026-04-27 22:00"))


class TestZones:
    """Case 11: every zone a number may be in must be open; the lead's own zone takes their place."""

    def test_a_prefix_in_two_zones(self) -> None:
        """Idaho: Mountain and Pacific. 8:00 in Los Angeles is 9:00 in Boise; 21:00 in Boise comes first."""
        assert ask(US, "2026-11-18 15:30").reason == OUTSIDE
        hours = ask(US, "2026-11-18 16:00")
        assert (hours.is_open, hours.until) == (True, utc("2026-11-19 04:00"))
        boise = ask(US, "2026-11-18 15:30", zone="America/Boise")
        assert (boise.is_open, boise.until) == (True, utc("2026-11-19 04:00"))

    def test_a_toll_free_number_may_be_anywhere(self) -> None:
        """Under the rule of service calls, 8–21 in all 42 zones from Newfoundland to Guam leaves a gap of two and a half hours."""
        window = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "08:00", "end": "21:00"}]
        hours = ask(TOLL_FREE, "2026-11-18 23:00", windows=window, purpose="service")
        assert (hours.is_open, hours.until) == (True, utc("2026-11-19 00:30"))
        assert ask(TOLL_FREE, "2026-11-19 00:30", windows=window, purpose="service").next_at == utc("2026-11-19 22:00")
        assert ask(TOLL_FREE, "2026-11-18 23:00").reason == NEVER  # in marketing no state is known, so all of them speak

    def test_an_unknown_zone_is_the_campaigns(self) -> None:
        closed = ask("+882161234567", "2026-11-18 07:30", timezone="Europe/Amsterdam")
        assert (closed.reason, closed.next_at) == (OUTSIDE, utc("2026-11-18 08:00"))
        assert ask("+882161234567", "2026-11-18 07:30", timezone="Asia/Tokyo").is_open

    def test_the_campaigns_window_goes_by_its_own_zone_unless_told_otherwise(self) -> None:
        daily = {"windows": None, "purpose": "service", "timezone": "Europe/Amsterdam"}
        assert ask("+12125551234", "2026-11-18 08:00", **daily, uses_lead_zone=False).is_open
        theirs = ask("+12125551234", "2026-11-18 08:00", **daily, uses_lead_zone=True)
        assert (theirs.reason, theirs.next_at) == (WINDOW, utc("2026-11-18 14:00"))
        both = ask("+12125551234", "2026-11-18 12:00", **(daily | {"purpose": "marketing"}), uses_lead_zone=False)
        assert (both.reason, both.next_at) == (OUTSIDE, utc("2026-11-18 13:00"))


class TestWindows:
    def test_several_windows_and_one_past_midnight(self) -> None:
        windows = [{"days": [3], "start": "09:00", "end": "12:00"}, {"days": [3], "start": "22:00", "end": "01:00"}]
        given = {"windows": windows, "purpose": "service"}
        assert ask(NL, "2026-11-18 10:00", **given).until == utc("2026-11-18 11:00")
        assert ask(NL, "2026-11-18 11:00", **given).next_at == utc("2026-11-18 21:00")
        assert ask(NL, "2026-11-18 23:30", **given).until == utc("2026-11-19 00:00")
        assert ask(NL, "2026-11-19 00:00", **given).next_at == utc("2026-11-25 08:00")

    def test_no_window_never_opens(self) -> None:
        hours = ask(NL, "2026-11-18 10:00", windows=[])
        assert hours == Hours(False, None, None, NEVER)

    def test_two_holidays_in_a_row_are_waited_for(self) -> None:
        """Fridays only: 25 December 2026 and 1 January 2027 are holidays."""
        fridays = [{"days": [5], "start": "10:00", "end": "11:00"}]
        assert ask(NL, "2026-12-18 10:30", windows=fridays).next_at == utc("2027-01-08 09:00")

    def test_an_open_end_is_looked_for_at_least_a_week_ahead(self) -> None:
        hours = ask(NL, "2026-11-18 10:00", purpose="service")
        assert hours.is_open
        assert hours.until is not None
        assert hours.until - utc("2026-11-18 10:00") > dt.timedelta(days=7)

    @pytest.mark.parametrize(
        ("start", "end", "at", "opening", "closing"),
        [
            # Case 10: clock changes in Amsterdam; 02:15–02:45 does not come on 29 March and comes twice on 25 October.
            ("02:15", "02:45", "2026-03-28 12:00", "2026-03-30 00:15", "2026-03-30 00:45"),
            ("01:00", "02:30", "2026-03-28 12:00", "2026-03-29 00:00", "2026-03-29 01:00"),
            ("02:15", "02:45", "2026-10-24 12:00", "2026-10-25 00:15", "2026-10-25 00:45"),
            ("02:15", "02:45", "2026-10-25 00:50", "2026-10-25 01:15", "2026-10-25 01:45"),
            ("23:00", "03:00", "2026-03-28 12:00", "2026-03-28 22:00", "2026-03-29 01:00"),
            ("23:00", "04:00", "2026-10-24 12:00", "2026-10-24 21:00", "2026-10-25 03:00"),
        ],
    )
    def test_the_nights_when_clocks_change(self, start: str, end: str, at: str, opening: str, closing: str) -> None:
        given = {"windows": [{"days": [1, 2, 3, 4, 5, 6, 7], "start": start, "end": end}], "purpose": "service"}
        assert ask(NL, at, **given).next_at == utc(opening)
        assert ask(NL, opening, **given).until == utc(closing)

    def test_a_holiday_begins_at_midnight(self) -> None:
        """Case 10: New Year's Eve, in a window that would go on."""
        late = [{"days": [1, 2, 3, 4, 5, 6, 7], "start": "20:00", "end": "02:00"}]
        given = {"windows": late, "purpose": "service", "skips_holidays": True}
        assert ask(NL, "2026-12-31 22:00", **given).until == utc("2026-12-31 23:00")
        assert ask(NL, "2026-12-31 23:00", **given) == Hours(False, None, utc("2027-01-01 23:00"), HOLIDAY)


def edited(country: str, valid_from: str, owner: str | None, region: str = "", **part: Any) -> RulePack:
    row = RulePack(country=country, region=region, valid_from=dt.date.fromisoformat(valid_from), rules={"marketing": part})
    row.organization_id = owner  # type: ignore[assignment]
    return row


def all_week(start: str, end: str) -> dict[str, list[list[str]]]:
    return {str(day): [[start, end]] for day in range(1, 8)}


class TestPacks:
    def test_the_organizations_own_before_its_agencys_before_the_installations(self) -> None:
        own, agency = edited("NL", "2026-01-01", "own", hours=all_week("11:00", "12:00")), edited("NL", "2026-06-01", "agency", hours=all_week("13:00", "14:00"))
        installation = edited("NL", "2026-07-01", None, hours=all_week("15:00", "16:00"))
        for rows, opening in (
            ([own, agency, installation], "10:00"), ([agency, installation], "12:00"), ([installation], "14:00"), ([], "08:00"),
        ):  # fmt: skip
            assert ask(NL, "2026-11-18 05:00", *rows).next_at == utc(f"2026-11-18 {opening}")

    def test_a_version_holds_from_its_day_on_by_the_clock_of_the_person(self) -> None:
        new = edited("NL", "2026-11-19", "own", hours=all_week("00:00", "01:00"))
        hours = ask(NL, "2026-11-18 20:00", new)
        assert (hours.is_open, hours.until) == (True, utc("2026-11-18 21:00"))
        assert ask(NL, "2026-11-18 21:00", new).next_at == utc("2026-11-18 23:00")

    def test_a_state_may_be_stricter_never_laxer(self) -> None:
        lax = edited("US", "2020-01-01", "own", region="NY", hours=all_week("00:00", "24:00"))
        assert ask("+12125551234", "2026-11-19 03:00", lax).reason == OUTSIDE

    def test_a_country_without_a_pack_is_under_the_cautious_one(self) -> None:
        japan = "+819012345678"
        assert ask(japan, "2026-11-17 23:59").reason == OUTSIDE  # 8:59 in Tokyo
        assert ask(japan, "2026-11-18 00:00").is_open
        own = edited("JP", "2026-12-01", "own", hours=all_week("00:00", "24:00"))
        assert not ask(japan, "2026-11-30 14:30", own).is_open
        assert ask(japan, "2026-11-30 15:30", own).is_open

    def test_consent_by_country_and_day(self) -> None:
        there = place_of(phone_number=NL)
        assert rules().consent_kinds(there) == {"express", "written"}
        american = place_of(phone_number=US)
        assert rules(now=utc("2024-02-08 04:59")).consent_kinds(american) == {"express", "written"}, "not yet the day over there"
        assert rules(now=utc("2024-02-08 08:01")).consent_kinds(american) == {"written"}
        assert rules().consent_kinds(place_of(phone_number=US)) == {"written"}
        assert rules(purpose="service").consent_kinds(there) is None
        assert rules(attested_at=NOON).consent_kinds(there) is None
        strict = edited("NL", "2026-01-01", "own", consent=["written"], attestation=False)
        assert rules(strict, attested_at=NOON).consent_kinds(there) == {"written"}

    def test_limits_silence_and_hints(self) -> None:
        there = place_of(phone_number=FR)
        assert rules().number_limits(there) == [NumberLimit(4, 30)]
        assert (rules().silence_days(there), rules().silence_days(place_of(phone_number=NL))) == (60, None)
        assert "ai_disclosure" in rules().hints(there)
        assert "ai_disclosure" not in rules(now=utc("2026-08-01 12:00")).hints(there)
        assert rules(purpose="service").number_limits(there) == []


def test_holidays_of_the_netherlands_by_the_moon() -> None:
    """Easter by the rule of Gauss, what hangs on it, and the fixed days; Liberation Day is on the list every year."""
    for year in range(2024, 2035):
        a, b, c = year % 19, year % 4, year % 7
        d = (19 * a + 24) % 30
        e = (2 * b + 4 * c + 6 * d + 5) % 7
        easter = dt.date(year, 3, 22) + dt.timedelta(days=d + e)
        king = dt.date(year, 4, 27) if dt.date(year, 4, 27).isoweekday() != 7 else dt.date(year, 4, 26)
        moving = {easter + dt.timedelta(days=days) for days in (0, 1, 39, 49, 50)}
        fixed = {dt.date(year, 1, 1), king, dt.date(year, 12, 25), dt.date(year, 12, 26)}
        assert moving | fixed <= holidays_of("NL", "", year), year


@pytest.mark.parametrize(("country", "region"), [("XX", ""), ("", ""), ("NL", "Atlantis"), ("DE", "ÜÖ"), ("ZZ", "1")])
def test_unknown_countries_and_regions_have_the_countrys_holidays_or_none(country: str, region: str) -> None:
    assert holidays_of(country, region, 2026) == holidays_of(country, "", 2026)


def test_the_legal_gate_and_the_oracle_agree() -> None:
    """R14 in small; the whole of it: python -m tests.proof.legal_gate."""
    assert [each for each in questions(2_000, seed=20261121) if each] == []


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_the_next_change_is_what_a_walk_minute_by_minute_finds(seed: int) -> None:
    rng = random.Random(seed)
    setting, person = Setting(rng), a_person(rng)
    now = an_instant(rng).replace(second=0)
    hours = setting.rules.hours(place(person), now)
    minutes = 3 * 1440
    changes_at = hours.until if hours.is_open else hours.next_at
    found = walk(setting.oracle, person, now, not hours.is_open, minutes)
    if changes_at is None or changes_at >= now + dt.timedelta(minutes=minutes):
        assert found is None
    else:
        assert found == changes_at
