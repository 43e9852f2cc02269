"""The numbers of a campaign, read in a handful of statements at any time, also while it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.results import sql
from apps.campaigns.results.outcomes import ANSWERED, SKIPPED, VOICEMAIL, WAITING, outcome_of, sort_key

LENGTHS = (0, 10, 30, 60, 120, 300)


@dataclass(frozen=True)
class Talk:
    """Calls that were dialled. Seconds over the answered ones; `cost` and `unpaid` (of simulated calls) in micro-credits;
    `lengths` counts answered calls from each of LENGTHS on."""

    calls: int = 0
    answered: int = 0
    seconds: int = 0
    mean: float | None = None
    median: float | None = None
    deviation: float | None = None
    cost: int = 0
    unpaid: int = 0
    lengths: tuple[int, ...] = (0,) * len(LENGTHS)

    @property
    def cost_per_answered(self) -> int | None:
        return round(self.cost / self.answered) if self.answered else None

    @property
    def answer_rate(self) -> float | None:
        """Of the calls, not of the leads."""
        return self.answered / self.calls if self.calls else None


@dataclass
class Figures:
    """`outcomes` counts leads by outcome, `variants` the same by side of a comparison; `hours` maps (weekday, hour) to
    (calls, answered). `completed` counts leads of that status by side."""

    outcomes: Counter[str] = field(default_factory=Counter)
    variants: dict[str, Counter[str]] = field(default_factory=dict)
    completed: Counter[str] = field(default_factory=Counter)
    talk: Talk = Talk()
    talk_by_variant: dict[str, Talk] = field(default_factory=dict)
    hours: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def of_leads(cls, campaign: Campaign) -> Figures:
        """Only what the leads say. One statement."""
        found = cls()
        for status, reason, result, variant, count in sql.leads_by_fate(campaign):
            outcome = outcome_of(status, reason, result)
            found.outcomes[outcome] += count
            found.completed[variant] += count if status == Lead.Status.COMPLETED else 0
            if variant:
                found.variants.setdefault(variant, Counter())[outcome] += count
        return found

    @property
    def total(self) -> int:
        return self.outcomes.total()

    @property
    def finished(self) -> int:
        """Leads that were called to the end."""
        return finished(self.outcomes)

    @property
    def skipped(self) -> int:
        return sum(count for outcome, count in self.outcomes.items() if outcome.startswith(SKIPPED))

    @property
    def answered(self) -> int:
        return self.outcomes[ANSWERED]

    @property
    def voicemails(self) -> int:
        return self.outcomes[VOICEMAIL]

    @property
    def answer_rate(self) -> float | None:
        """Leads who answered, of those called to the end."""
        return self.answered / self.finished if self.finished else None

    @property
    def in_order(self) -> list[tuple[str, int]]:
        return sorted(self.outcomes.items(), key=lambda pair: sort_key(pair[0]))

    def by_hour(self) -> list[tuple[int, int]]:
        """(calls, answered) of each hour of the day, 0 to 23."""
        return [self._sum(hour=hour) for hour in range(24)]

    def by_weekday(self) -> list[tuple[int, int]]:
        """(calls, answered) of each weekday, Monday first."""
        return [self._sum(weekday=weekday) for weekday in range(1, 8)]

    def _sum(self, *, weekday: int = 0, hour: int = -1) -> tuple[int, int]:
        found = [pair for (day, at), pair in self.hours.items() if weekday in (0, day) and hour in (-1, at)]
        return sum(calls for calls, _answered in found), sum(answered for _calls, answered in found)


def figures_of(campaign: Campaign) -> Figures:
    """Three statements."""
    found = Figures.of_leads(campaign)
    for variant, is_whole, *numbers in sql.talk_figures(campaign):
        talk = _talk(numbers)
        if is_whole:
            found.talk = talk
        elif variant:
            found.talk_by_variant[variant] = talk
    found.hours = {(day, hour): (calls, answered) for day, hour, calls, answered in sql.calls_by_hour(campaign)}
    return found


def finished(outcomes: Counter[str]) -> int:
    """Leads that were called to the end: neither skipped nor still to be called."""
    return sum(count for outcome, count in outcomes.items() if outcome != WAITING and not outcome.startswith(SKIPPED))


def _talk(numbers: Sequence[Any]) -> Talk:
    calls, answered, seconds, mean, median, deviation, cost, unpaid, *lengths = numbers
    # Sums and means of the database are decimals.
    mean, median, deviation = (None if each is None else float(each) for each in (mean, median, deviation))
    return Talk(calls, answered, int(seconds), mean, median, deviation, int(cost), int(unpaid), tuple(lengths))
