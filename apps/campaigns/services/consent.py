"""Consent: what is attested for a whole campaign, and what stands between a campaign and the rules of a country."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterable

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules.of import Rules
from apps.campaigns.rules.places import read_place
from apps.campaigns.rules.words import country_name, kinds_words
from apps.campaigns.services.status import check_open, lock_campaign
from apps.core.db import writes
from apps.core.errors import Invalid
from apps.organizations.services import Actor, record_audit

LONGEST_TEXT = 500


@writes
def attest_campaign(*, campaign: Campaign, text: str, by: Actor, now: dt.datetime) -> Campaign:
    """State that every lead of the campaign has agreed to be called, where the rules accept that in place of each proof.

    Args:
        text: where the consent comes from, up to 500 characters; it is kept with the name and the instant.

    Raises Invalid for an empty or a longer text, Conflict for a completed or cancelled campaign.
    """
    text = text.strip()
    if not text:
        raise Invalid(_("Write where the consent of these people comes from."), param="attestation")
    if len(text) > LONGEST_TEXT:
        raise Invalid(_("At most %(most)s characters.") % {"most": LONGEST_TEXT}, param="attestation")
    return _attest(campaign, text, by.label[:200], now, by=by, now=now, action="campaign.attest")


@writes
def withdraw_attestation(*, campaign: Campaign, by: Actor, now: dt.datetime) -> Campaign:
    """Take it back: from now on each lead needs its own consent where the rules ask for it."""
    return _attest(campaign, "", "", None, by=by, now=now, action="campaign.attest_withdraw")


def _attest(
    campaign: Campaign, text: str, name: str, at: dt.datetime | None, *, by: Actor, now: dt.datetime, action: str
) -> Campaign:
    current = lock_campaign(campaign)
    check_open(current)
    current.change(
        now, attestation=text, attested_by=name, attested_at=at, sleeps_until=None, version=current.version + 1
    )
    record_audit(organization=current.organization, by=by, action=action, target=current, data={"text": text})
    return current


def rule_problems(campaign: Campaign, now: dt.datetime) -> list[str]:
    """What the rules of the countries that are called forbid, as sentences: missing consent, no hour at which calling is
    allowed. Two queries; the scope holds the organization and its agency. Such leads are skipped or wait, the others are called.
    """
    return _sentences(Rules.of(campaign, now), _waiting(campaign), now)


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
