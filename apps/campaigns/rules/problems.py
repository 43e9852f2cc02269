"""What stands between a campaign and the rules of the countries that it calls, in words."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules.of import Rules
from apps.campaigns.rules.places import read_place
from apps.campaigns.rules.words import country_name, kinds_words


@dataclass(frozen=True)
class Verdict:
    """What the rules of the countries that are called forbid, as sentences: missing consent, no hour at which calling is
    allowed. Such leads are skipped or wait, the others are called; `leaves_nobody`: there are no others.
    """

    sentences: list[str]
    leaves_nobody: bool

    @property
    def problems(self) -> list[str]:
        """Why it is no use to start."""
        return self.sentences if self.leaves_nobody else []

    @property
    def warnings(self) -> list[str]:
        return [] if self.leaves_nobody else self.sentences


def verdict_of(rules: Rules) -> Verdict:
    """About the leads that wait. One query."""
    rows = _waiting(rules.campaign)
    some = any(not lacks_consent(rules, place, consent) and rules.hours(place, rules.now).next_at for place, consent, _count in rows)
    return Verdict(_sentences(rules, rows, rules.now), bool(rows) and not some)


def lacks_consent(rules: Rules, place: str, consent: str) -> bool:
    """Whether a lead there may not be called for want of consent."""
    kinds = rules.consent_kinds(place)
    return kinds is not None and consent not in kinds


def _waiting(campaign: Campaign) -> list[tuple[str, str, int]]:
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).pending().order_by()
    return list(leads.values_list("place", "consent").annotate(count=Count("pk")))


def _sentences(rules: Rules, rows: Iterable[tuple[str, str, int]], now: dt.datetime) -> list[str]:
    lacking: Counter[tuple[str, frozenset[str]]] = Counter()
    never: Counter[str] = Counter()
    for place, consent, count in rows:
        country = read_place(place).country
        if lacks_consent(rules, place, consent):
            lacking[country, rules.consent_kinds(place) or frozenset()] += count
        elif rules.hours(place, now).next_at is None:
            never[country] += count
    found = [_lacking(country, kinds, count) for (country, kinds), count in sorted(lacking.items(), key=lambda row: row[0][0])]
    return found + [_never(country, count) for country, count in sorted(never.items())]


def _lacking(country: str, kinds: frozenset[str], count: int) -> str:
    values = {"count": count, "country": _name(country), "kinds": kinds_words(kinds)}
    return ngettext(
        "%(country)s: %(count)d lead has no consent on file (%(kinds)s) and would be skipped.",
        "%(country)s: %(count)d leads have no consent on file (%(kinds)s) and would be skipped.", count,
    ) % values  # fmt: skip


def _never(country: str, count: int) -> str:
    values = {"count": count, "country": _name(country)}
    return ngettext(
        "%(country)s: %(count)d lead can never be called: the calling hours and the rules there have no time in common.",
        "%(country)s: %(count)d leads can never be called: the calling hours and the rules there have no time in common.", count,
    ) % values  # fmt: skip


def _name(country: str) -> str:
    return country_name(country) if country else _("Unknown country")
