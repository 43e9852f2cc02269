"""What holds for each person a campaign calls."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from apps.campaigns.models import Campaign
from apps.campaigns.rules.book import Book
from apps.campaigns.rules.hours import Clause, Days, Hours, hours_of
from apps.campaigns.rules.packs import Line, NumberLimit, Part, in_force
from apps.campaigns.rules.places import Place, read_place
from apps.campaigns.rules.public_holidays import region_code
from apps.campaigns.window import Week


@dataclass
class Rules:
    """The calling rules of one campaign at one moment, for any number of people. `place`s are texts of `place_of`."""

    campaign: Campaign
    book: Book
    now: dt.datetime
    week: Week
    _clauses: dict[str, frozenset[Clause]] = field(default_factory=dict)
    _known: dict[tuple[str, dt.datetime], Hours] = field(default_factory=dict)

    @classmethod
    def of(cls, campaign: Campaign, now: dt.datetime) -> Rules:
        """Once per unit of work: one query. The scope holds the campaign's organization and its agency."""
        return cls(campaign, Book.of(campaign.organization), now, campaign.week)

    def hours(self, place: str, now: dt.datetime) -> Hours:
        """Whether a person there may be called at `now`: the campaign's window, public holidays and the rule packs."""
        known = self._known.get((place, now))
        if known is None:
            known = self._known[place, now] = hours_of(self._clauses_of(place), now)
        return known

    def consent_kinds(self, place: str) -> frozenset[str] | None:
        """The kinds of consent (Lead.Consent) of which a lead there needs one.

        None: it needs none, or what was attested for the whole campaign is enough.
        """
        found: frozenset[str] | None = None
        for part in self._parts(place):
            if part.consent is None or (self.campaign.attested_at and part.attestation):
                continue
            found = part.consent if found is None else found & part.consent
        return found

    def needs_consent(self, place: str) -> bool:
        """Whether the rules of that place ask for consent, attested or not."""
        return any(part.consent is not None for part in self._parts(place))

    def number_limits(self, place: str) -> list[NumberLimit]:
        """How often a number there may be called, over all campaigns; each holds."""
        return list(dict.fromkeys(limit for part in self._parts(place) for limit in part.attempts))

    def silence_days(self, place: str) -> int | None:
        """How long somebody who refused is left alone at least, in days; None: no period is set, the refusal stays."""
        found = [part.silence_days for part in self._parts(place) if part.silence_days is not None]
        return max(found, default=None)

    def hints(self, place: str) -> list[str]:
        """What whoever calls there has to see to himself (that an AI is speaking, …): keys of words.HINTS."""
        where = self._where(place)
        packs = [in_force(line, self._day(where)) for line in self._lines(where)]
        return list(dict.fromkeys(hint for pack in packs if pack for hint in pack.hints))

    def zones(self, place: str) -> tuple[str, ...]:
        """The time zones a person there may be in; the campaign's when nothing is known."""
        return read_place(place).zones or (self.campaign.timezone,)

    def _clauses_of(self, place: str) -> frozenset[Clause]:
        if place not in self._clauses:
            self._clauses[place] = self._new_clauses(place)
        return self._clauses[place]

    def _new_clauses(self, place: str) -> frozenset[Clause]:
        """One per zone of the person, and the campaign's own when its window does not go by the person's clock."""
        campaign, where = self.campaign, self._where(place)
        lines = tuple(line for line in self._lines(where) if _restricts(line, campaign.purpose))
        days = Days(
            week=self.week if campaign.uses_lead_zone else None, country=where.country, region=where.region,
            skips_holidays=campaign.skips_holidays, purpose=campaign.purpose, lines=lines,
        )  # fmt: skip
        zones = () if days.says_nothing() else where.zones or (campaign.timezone,)
        own = [] if campaign.uses_lead_zone else [Clause(campaign.timezone, Days(self.week))]
        return frozenset([Clause(zone, days) for zone in zones] + own)

    def _where(self, place: str) -> Place:
        """The place, with the campaign's region when the lead's is unknown and lies in the same country."""
        where = read_place(place)
        if where.region or not self.campaign.region:
            return where
        country, _dash, region = self.campaign.region.upper().rpartition("-")
        if country and country != where.country:
            return where
        return Place(where.country, region_code(where.country, region) or (region if country else ""), where.zones)

    def _lines(self, where: Place) -> tuple[Line, ...]:
        return self.book.lines_for(where.country, where.region)

    def _parts(self, place: str) -> list[Part]:
        where = self._where(place)
        packs = [in_force(line, self._day(where)) for line in self._lines(where)]
        return [pack.part(self.campaign.purpose) for pack in packs if pack]

    def _day(self, where: Place) -> dt.date:
        """The day it is there."""
        zones = where.zones or (self.campaign.timezone,)
        return self.now.astimezone(ZoneInfo(zones[0])).date()


def _restricts(line: Line, purpose: str) -> bool:
    """Whether any version says when not to call."""
    parts = [pack.part(purpose) for pack in line]
    return any(part.hours is not None or part.special_days or not part.open_on_holidays for part in parts)
