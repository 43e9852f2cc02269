"""Random campaigns, packs, people and instants, with a liking for the nights and days on which rules go wrong."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Iterator
from typing import Any

from apps.campaigns.models import Campaign, Lead, RulePack
from apps.campaigns.rules import Rules, place_of
from apps.campaigns.rules.book import Book
from tests.campaigns.slow_hours import Oracle, Person, shipped

# Valid numbers: one zone and several, toll-free, islands, half-hour zones, no summer time, countries without a pack.
NUMBERS = [
    "+31612345678", "+31201234567", "+4930123456", "+4915112345678", "+33612345678", "+33142685300", "+3225551234",
    "+32470123456", "+442079460000", "+12125551234", "+12085551234", "+18505551234", "+19075551234", "+16055551234",
    "+14025551234", "+15125551234", "+18005551234", "+18085551234", "+14165551234", "+17095551234", "+18675551234",
    "+61412345678", "+79161234567", "+911123456789", "+97714123456", "+5511987654321", "+524421234567", "+34922123456",
    "+351291123456", "+390612345678", "+48221234567", "+819012345678", "+6421123456", "+212612345678",
]  # fmt: skip
ZONES = ["", "", "", "Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana"]
STATES: list[tuple[str, str | None]] = [("DE", "BY"), ("DE", "BE"), ("US", "FL"), ("US", "TX"), ("CA", "QC")]
# Clock changes (UTC) of both hemispheres and both directions, and days on which rules differ.
NIGHTS = [
    dt.datetime(2026, 3, 29, 1), dt.datetime(2026, 10, 25, 1), dt.datetime(2027, 3, 28, 1), dt.datetime(2026, 3, 8, 7),
    dt.datetime(2026, 3, 8, 10), dt.datetime(2026, 11, 1, 6), dt.datetime(2026, 11, 1, 9), dt.datetime(2026, 4, 4, 16),
    dt.datetime(2026, 10, 3, 16), dt.datetime(2026, 9, 26, 14), dt.datetime(2026, 3, 8, 5), dt.datetime(2027, 10, 31, 1),
]  # fmt: skip
DAYS = [
    dt.datetime(2026, 4, 27, 12), dt.datetime(2026, 12, 5, 17), dt.datetime(2026, 12, 24, 17), dt.datetime(2027, 5, 4, 16),
    dt.datetime(2026, 12, 25, 0), dt.datetime(2027, 1, 1, 0), dt.datetime(2026, 7, 3, 20), dt.datetime(2026, 11, 26, 12),
    dt.datetime(2026, 5, 14, 9), dt.datetime(2026, 6, 4, 9), dt.datetime(2026, 8, 2, 0), dt.datetime(2026, 6, 30, 22),
]  # fmt: skip
FIRST, LAST = dt.datetime(2025, 6, 1), dt.datetime(2028, 6, 1)
PER_SETTING = 40


def an_instant(rng: random.Random) -> dt.datetime:
    kind = rng.random()
    if kind < 0.35:
        at = rng.choice(NIGHTS) + dt.timedelta(seconds=rng.randint(-14 * 3600, 14 * 3600))
    elif kind < 0.6:
        at = rng.choice(DAYS) + dt.timedelta(seconds=rng.randint(-36 * 3600, 36 * 3600))
    else:
        at = FIRST + dt.timedelta(seconds=rng.randint(0, int((LAST - FIRST).total_seconds())))
    if rng.random() < 0.3:  # on the dot, where spans begin and end
        at = at.replace(minute=rng.choice([0, 15, 30, 45]), second=0)
    return at.replace(tzinfo=dt.UTC)


def a_person(rng: random.Random) -> Person:
    person = Person(rng.choice(NUMBERS), zone=rng.choice(ZONES))
    states = [state for country, state in STATES if country == person.country]
    return Person(person.number, person.zone, rng.choice(states)) if states and rng.random() < 0.4 else person


def place(person: Person) -> str:
    return place_of(phone_number=person.number, timezone=person.zone, region=person.state or "")


def some_windows(rng: random.Random) -> list[dict[str, Any]]:
    found = []
    for _number in range(rng.choice([1, 1, 2, 3])):
        days = sorted(rng.sample(range(1, 8), rng.randint(1, 7)))
        start, end = rng.choice([("09:00", "17:00"), ("00:00", "24:00"), ("22:00", "02:00"), ("20:15", "00:00"), ("00:00", "00:00"),
                                 ("02:15", "02:45"), ("01:00", "02:30"), ("08:00", "21:30"), ("12:00", "12:30")])  # fmt: skip
        found.append({"days": days, "start": start, "end": end})
    return found


def _spans(rng: random.Random) -> list[list[str]]:
    return rng.choice([
        [], [["00:00", "24:00"]], [["09:00", "22:00"]], [["10:00", "13:00"], ["14:00", "20:00"]], [["00:00", "02:30"]],
        [["02:00", "03:00"], ["08:00", "20:00"]], [["12:00", "24:00"]],
    ])  # fmt: skip


def _part(rng: random.Random) -> dict[str, Any]:
    part: dict[str, Any] = {}
    if rng.random() < 0.8:
        part["hours"] = {str(day): _spans(rng) for day in range(1, 8)}
    if rng.random() < 0.5:
        part["open_on_holidays"] = False
    if rng.random() < 0.5:
        days = rng.sample(["05-04", "12-05", "12-24", "10-25", "03-29", "11-01"], 2)
        part["special_days"] = [{"date": day, "hours": [["00:00", "18:30"]] if rng.random() < 0.5 else _spans(rng)} for day in days]
    return part


def some_packs(rng: random.Random) -> list[dict[str, Any]]:
    """Edited versions of some countries, of several owners, with days on which they begin."""
    found = {}
    for _number in range(rng.choice([0, 0, 1, 3, 6])):
        country, region = rng.choice([("NL", ""), ("US", ""), ("US", "FL"), ("US", "NY"), ("DE", "BY"), ("JP", ""), ("EU", ""), ("ZZ", "")])
        day = rng.choice(["2020-01-01", "2026-03-29", "2026-10-25", "2026-12-24", "2027-01-01"])
        rank = rng.choice([0, 1, 2])
        rules = {"marketing": _part(rng), "service": _part(rng) if rng.random() < 0.5 else {}}
        found[country, region, day, rank] = {"country": country, "region": region, "valid_from": day, "rank": rank, "rules": rules}
    return list(found.values())


class Setting:
    """One random campaign under random packs, told to both sides."""

    def __init__(self, rng: random.Random) -> None:
        self.windows = some_windows(rng)
        zone = rng.choice(["Europe/Amsterdam", "America/New_York", "Australia/Lord_Howe", "UTC"])
        by_person, purpose = rng.random() < 0.7, rng.choice(["marketing", "marketing", "service"])
        skips, packs = rng.random() < 0.3, some_packs(rng)
        self.oracle = Oracle(self.windows, zone, by_person, purpose, skips, packs + shipped())
        campaign = Campaign(
            windows=self.windows, timezone=zone, uses_lead_zone=by_person, purpose=purpose, skips_holidays=skips
        )
        owners = ["own", "agency"]
        rows = [_row(pack, owners) for pack in packs]
        self.rules = Rules(campaign, Book.with_rows(rows, owners), dt.datetime(2026, 11, 18, tzinfo=dt.UTC), campaign.week)


def _row(pack: dict[str, Any], owners: list[str]) -> RulePack:
    row = RulePack(
        country=pack["country"], region=pack["region"], valid_from=dt.date.fromisoformat(pack["valid_from"]), rules=pack["rules"]
    )
    row.organization_id = owners[pack["rank"]] if pack["rank"] < len(owners) else None  # type: ignore[assignment]
    return row


def disagreement(setting: Setting, person: Person, at: dt.datetime, rng: random.Random) -> str | None:
    """What is wrong with the answer for one instant, told by the oracle at that instant and at the ends of what was answered."""
    hours, ask = setting.rules.hours(place(person), at), setting.oracle.is_open
    second = dt.timedelta(seconds=1)
    if hours.is_open != ask(person, at):
        return f"{person} {at}: {hours}, the oracle says {not hours.is_open}"
    if hours.is_open:
        end = hours.until
        if end is None or end <= at or not ask(person, end - second) or (ask(person, end) and end - at < dt.timedelta(days=7)):
            return f"{person} {at}: open until {end} is not so"
        between = at + (end - at) * rng.random()
        return None if ask(person, between) else f"{person} {at}: closed at {between}, before {end}"
    opening = hours.next_at
    if opening is None:
        later = at + dt.timedelta(days=390) * rng.random()
        never = hours.reason == Lead.Reason.NEVER_OPEN and not ask(person, later)
        return None if never else f"{person} {at}: {hours}, but open at {later}"
    if opening <= at or not ask(person, opening) or ask(person, opening - second):
        return f"{person} {at}: opens at {opening} is not so"
    between = at + (opening - at) * rng.random()
    return None if not ask(person, between) or between >= opening else f"{person} {at}: open at {between}, before {opening}"


def questions(count: int, seed: int) -> Iterator[str | None]:
    """What is wrong with each of `count` random answers; None: nothing."""
    rng = random.Random(seed)
    setting = Setting(rng)
    for number in range(count):
        if number % PER_SETTING == 0:
            setting = Setting(rng)
        yield disagreement(setting, a_person(rng), an_instant(rng), rng)
