"""What the command palette finds beyond the navigation."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db.models import Q
from django.urls import reverse

from apps.assistants.models import Assistant
from apps.calls.models import Call
from apps.calls.sql import search_calls
from apps.campaigns.models import Campaign
from apps.core.phone import format_international
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

MOST = 5


@dataclass(frozen=True)
class Found:
    label: str
    hint: str
    icon: str
    url: str


def find(organization: Organization, words: str, places: Collection[str]) -> list[Found]:
    """At most five of each kind that is among `places`, by the names of their lists; nothing for fewer than two letters."""
    if len(words) < 2:
        return []
    kinds = {"assistants": _assistants, "campaigns": _campaigns, "numbers": _numbers, "calls": _calls}
    return [found for name, kind in kinds.items() if name in places for found in kind(organization, words)]


def _assistants(organization: Organization, words: str) -> list[Found]:
    rows = Assistant.objects.for_organization(organization).live().filter(name__icontains=words).order_by("name")
    return [Found(each.name, "", "bot", reverse("assistant", args=[organization.slug, each.pk])) for each in rows[:MOST]]


def _campaigns(organization: Organization, words: str) -> list[Found]:
    rows = Campaign.objects.for_organization(organization).filter(deleted_at=None, name__icontains=words)
    return [Found(each.name, "", "megaphone", reverse("campaign", args=[organization.slug, each.pk])) for each in rows[:MOST]]


def _numbers(organization: Organization, words: str) -> list[Found]:
    rows = PhoneNumber.objects.for_organization(organization).filter(
        Q(phone_number__contains=_digits(words) or "-") | Q(name__icontains=words)
    )
    slug = organization.slug
    return [
        Found(format_international(each.phone_number), each.name or "", "hash", reverse("number", args=[slug, each.pk]))
        for each in rows[:MOST]
    ]


def _calls(organization: Organization, words: str) -> list[Found]:
    rows = Call.objects.for_organization(organization).filter(pk__in=search_calls(words, MOST)).newest()
    return [_call(organization.slug, each) for each in rows[:MOST]]


def _call(slug: str, call: Call) -> Found:
    number = format_international(call.other_number) if call.other_number else call.public_id
    return Found(number, (call.summary or "")[:80], "phone", reverse("call", args=[slug, call.public_id]))


def _digits(words: str) -> str:
    return "".join(letter for letter in words if letter.isdigit()).lstrip("0")
