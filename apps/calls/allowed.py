"""The guard against toll fraud: numbers that nobody calls, countries that are not allowed, money per hour (limits 9)."""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable, Sequence

import phonenumbers
from django.db.models import Q, Sum
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from phonenumbers import NumberParseException, PhoneNumber, PhoneNumberType
from phonenumbers.phonemetadata import PhoneMetadata

from apps.billing.models import Hold, LedgerEntry
from apps.calls.models import Call
from apps.organizations.models import Limits, Organization

PREMIUM = "premium"
SATELLITE = "satellite"
COUNTRY = "country"
SENTENCES: dict[str, str | Promise] = {
    PREMIUM: _("%(number)s is a premium-rate or special-rate number. These are never called."),
    SATELLITE: _("%(number)s belongs to a satellite or worldwide network. These are never called."),
    COUNTRY: _("Calls to the country of %(number)s are not allowed. Ask for it to be added to your countries."),
}
SPENT = _("As much was spent in the last hour as is allowed in one hour. Try again later or have the limit raised.")
USED_UP = _("All minutes of this month are used up. Ask your provider for more, or go on next month.")
HOUR = dt.timedelta(hours=1)

# Inmarsat, personal numbers, satellite networks, networks of no country, disaster relief, worldwide shared cost and premium.
_WORLDWIDE = frozenset((808, 870, 878, 881, 882, 883, 888, 979))
_REFUSED = frozenset((
    PhoneNumberType.PREMIUM_RATE, PhoneNumberType.SHARED_COST, PhoneNumberType.PERSONAL_NUMBER, PhoneNumberType.PAGER,
    PhoneNumberType.VOICEMAIL,
))  # fmt: skip
_NORTH_AMERICA = 1


def forbidden_among(
    organization: Organization, numbers: Iterable[str], now: dt.datetime, *, limits: Sequence[Limits] | None = None
) -> dict[str, str]:
    """Those of the numbers (E.164) that nobody of the organization may call, each with a key of SENTENCES. One query,
    none when the `limits` of the organization and its agency were read already.

    Premium-rate, satellite and special numbers are refused for all; the organization's and its agency's countries must
    both hold the number's.
    """
    wanted = set(numbers)
    if not wanted:
        return {}
    rows = limits_of(organization) if limits is None else limits
    lists = [set(row.countries) for row in rows if row.countries is not None]
    problems = {number: _problem(number, lists) for number in wanted}
    return {number: problem for number, problem in problems.items() if problem}


def why_forbidden(organization: Organization, number: str, now: dt.datetime) -> str | None:
    """The sentence for a number that may not be called; None when it may."""
    problem = forbidden_among(organization, [number], now).get(number)
    return str(SENTENCES[problem]) % {"number": number} if problem else None


def spend_left(organization: Organization, now: dt.datetime, *, limits: Sequence[Limits] | None = None) -> int | None:
    """Micro-credits that may still be spent in this hour, what running calls hold taken off; below zero when it is
    exceeded. None: no limit. An agency's limit holds for it and its clients together. `limits`: theirs, when they were
    read already."""
    rows = limits_of(organization) if limits is None else limits
    found = [(row, row.spend_per_hour) for row in rows if row.spend_per_hour is not None]
    return min((most - _spent(organization, row, now) for row, most in found), default=None)


def minutes_used_up(organization: Organization, now: dt.datetime, *, limits: Sequence[Limits] | None = None) -> bool:
    """Whether as many minutes were talked in this calendar month (UTC) as the organization's limit, or its agency's for all
    its clients together, allows. Calls that run are not counted yet. `limits`: theirs, when they were read already."""
    rows = limits_of(organization) if limits is None else limits
    found = [(row, row.minutes_per_month) for row in rows if row.minutes_per_month is not None]
    start = now.astimezone(dt.UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return any(_talked(organization, row, start) >= most * 60 for row, most in found)


def limits_of(organization: Organization) -> list[Limits]:
    """The organization's and its agency's limits, as far as there are any."""
    owners = [each for each in (organization.pk, organization.parent_id) if each]
    return list(Limits.objects.filter(organization_id__in=owners))


def _talked(organization: Organization, limits: Limits, start: dt.datetime) -> int:
    """Seconds since `start`. Those of an agency's clients are read from its ledger: their calls are not seen from here."""
    if limits.organization_id == organization.pk and organization.parent_id:
        calls = Call.objects.for_organization(organization).filter(started_at__gte=start)
        return int(calls.aggregate(sum=Sum("duration_seconds"))["sum"] or 0)
    booked = LedgerEntry.objects.for_organization(limits.organization_id).calls().filter(created_at__gte=start)  # type: ignore[attr-defined]
    return int(booked.aggregate(sum=Sum("seconds"))["sum"] or 0)


def _spent(organization: Organization, limits: Limits, now: dt.datetime) -> int:
    """What was booked for calls in the last hour and what is held, of those for whom the limit holds."""
    payer = organization.payer_id if limits.organization_id == organization.payer_id else organization.wallet_id
    whose = Q() if limits.organization_id == payer else Q(used_by=limits.organization_id)
    booked = LedgerEntry.objects.for_organization(payer).calls().filter(whose, created_at__gt=now - HOUR)  # type: ignore[attr-defined]
    held = Hold.objects.for_organization(payer).open().filter(whose)  # type: ignore[attr-defined]
    return int(held.aggregate(sum=Sum("amount"))["sum"] or 0) - int(booked.aggregate(sum=Sum("amount"))["sum"] or 0)


def _problem(number: str, lists: Iterable[set[str]]) -> str | None:
    problem, country = _nature(number)
    return problem or (COUNTRY if any(country not in each for each in lists) else None)


@functools.lru_cache(maxsize=4096)
def _nature(number: str) -> tuple[str | None, str | None]:
    """Why nobody calls it, and its country (ISO code); None when it cannot be said."""
    try:
        read = phonenumbers.parse(number)
    except NumberParseException:
        return None, None
    if read.country_code in _WORLDWIDE:
        return SATELLITE, None
    kind = phonenumbers.number_type(read)
    if kind in _REFUSED or (kind == PhoneNumberType.UNKNOWN and _begins_as_premium(read)):
        return PREMIUM, None
    return None, _country(read)


def _country(read: PhoneNumber) -> str | None:
    """Of a number that is not known as valid: the largest country of its code; of +1, which holds 25, none."""
    found = phonenumbers.region_code_for_number(read)
    if found is None and read.country_code != _NORTH_AMERICA:
        found = phonenumbers.region_code_for_country_code(read.country_code or 0)
    return found


def _begins_as_premium(read: PhoneNumber) -> bool:
    """Whether it would be one with some digits more or less: what is dialled beyond the number is ignored on the way."""
    digits = phonenumbers.national_significant_number(read)
    for region in phonenumbers.region_codes_for_country_code(read.country_code or 0):
        metadata = PhoneMetadata.metadata_for_region(region)
        for rates in (metadata.premium_rate, metadata.shared_cost) if metadata else ():
            pattern, lengths = (rates.national_number_pattern, rates.possible_length) if rates else (None, ())
            if any(length > 0 and _has_rate(digits[:length].ljust(length, "0"), pattern) for length in lengths):
                return True
    return False


def _has_rate(digits: str, pattern: str | None) -> bool:
    return bool(pattern and re.fullmatch(pattern, digits))
