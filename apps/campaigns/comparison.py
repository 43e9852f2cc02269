"""Two assistants, or two versions of one, side by side: whether the difference is more than chance."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import NormalDist

from django.utils.translation import gettext as _

from apps.campaigns.models import Campaign
from apps.campaigns.results import sql
from apps.campaigns.results.fields import boolean_names
from apps.campaigns.results.figures import Figures, Talk, finished
from apps.campaigns.results.outcomes import ANSWERED
from apps.campaigns.variants import A, B, second_assistant

# Below this many finished leads on a side the page warns: a real difference of ten points is then missed more often than seen.
MINIMUM = 200
_Z = NormalDist().inv_cdf(0.975)
_POWER = NormalDist().inv_cdf(0.8)


@dataclass(frozen=True)
class Interval:
    """A difference (b minus a) with its 95 % confidence interval."""

    difference: float
    low: float
    high: float

    @property
    def is_significant(self) -> bool:
        """No difference at all lies outside the interval."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Side:
    """One side: `finished` leads were called to the end, of whom so many answered and so many were a success."""

    variant: str
    leads: int
    finished: int
    answered: int
    successes: int
    talk: Talk

    @property
    def answer_rate(self) -> float | None:
        return self.answered / self.finished if self.finished else None

    @property
    def success_rate(self) -> float | None:
        return self.successes / self.finished if self.finished else None


@dataclass(frozen=True)
class Comparison:
    """`b_name` is the other assistant, with its version; `success` names the analysis field that counts, empty: completed leads. Intervals are None while a side has nobody."""

    a: Side
    b: Side
    b_name: str
    success: str
    fields: list[str]
    answers: Interval | None
    successes: Interval | None
    talk: Interval | None

    @property
    def is_small(self) -> bool:
        return min(self.a.finished, self.b.finished) < MINIMUM

    @property
    def needed(self) -> int | None:
        """Finished leads per side at which a difference like this one would show itself four times out of five."""
        if not self.successes or self.successes.is_significant:
            return None
        return leads_needed(self.a.success_rate or 0, self.b.success_rate or 0)


def compared(campaign: Campaign, figures: Figures, success: str = "") -> Comparison | None:
    """Both sides of a campaign; None when it compares nothing. One statement when a field is chosen.

    Args:
        success: a boolean field of the analysis; anything else means that the lead is completed.
    """
    if not campaign.variant_percent and not figures.variants:
        return None
    fields = boolean_names(campaign)
    field = success if success in fields else ""
    counts = sql.successes(campaign, field) if field else {}
    a, b = (_side(figures, variant, counts if field else None) for variant in (A, B))
    return Comparison(
        a, b, b_name(campaign), field, fields, difference(a.answered, a.finished, b.answered, b.finished),
        difference(a.successes, a.finished, b.successes, b.finished), mean_difference(a.talk, b.talk),
    )  # fmt: skip


def b_name(campaign: Campaign) -> str:
    """The name of what the second side talks to."""
    assistant = second_assistant(campaign)
    if campaign.variant_version is None:
        return assistant.name
    return _("%(name)s, version %(version)s") % {"name": assistant.name, "version": campaign.variant_version}


def wilson(hits: int, total: int) -> tuple[float, float]:
    """The 95 % score interval of a share (Wilson 1927, J. Am. Stat. Assoc. 22:209), without continuity correction."""
    share, square = hits / total, _Z * _Z
    middle = (share + square / (2 * total)) / (1 + square / total)
    half = _Z / (1 + square / total) * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(a_hits: int, a_total: int, b_hits: int, b_total: int) -> Interval | None:
    """Share of b minus share of a, by Newcombe's hybrid score interval (Newcombe 1998, Statistics in Medicine 17:873,
    method 10): right for small samples and shares near 0 or 1 too. None without both."""
    if not a_total or not b_total:
        return None
    a, b = a_hits / a_total, b_hits / b_total
    (a_low, a_high), (b_low, b_high) = wilson(a_hits, a_total), wilson(b_hits, b_total)
    found = b - a
    return Interval(found, found - math.hypot(b - b_low, a_high - a), found + math.hypot(b_high - b, a - a_low))


def mean_difference(a: Talk, b: Talk) -> Interval | None:
    """Seconds of b minus seconds of a, by Welch's interval with the normal quantile: from 30 talks a side, else None."""
    if min(a.answered, b.answered) < 30 or None in (a.mean, b.mean, a.deviation, b.deviation):
        return None
    found = (b.mean or 0) - (a.mean or 0)
    error = math.sqrt((a.deviation or 0) ** 2 / a.answered + (b.deviation or 0) ** 2 / b.answered)
    return Interval(found, found - _Z * error, found + _Z * error)


def leads_needed(a: float, b: float) -> int | None:
    """Leads per side to see a difference between two shares at 5 % with a power of 80 % (Fleiss, Statistical Methods for
    Rates and Proportions, 3rd ed., 4.2, without continuity correction); None for equal shares."""
    if a == b:
        return None
    middle = (a + b) / 2
    root = _Z * math.sqrt(2 * middle * (1 - middle)) + _POWER * math.sqrt(a * (1 - a) + b * (1 - b))
    return math.ceil((root / (a - b)) ** 2)


def _side(figures: Figures, variant: str, successes: dict[str, int] | None) -> Side:
    outcomes: Counter[str] = figures.variants.get(variant, Counter())
    talk = figures.talk_by_variant.get(variant, Talk())
    wins = figures.completed[variant] if successes is None else successes.get(variant, 0)
    return Side(variant, outcomes.total(), finished(outcomes), outcomes[ANSWERED], wins, talk)
