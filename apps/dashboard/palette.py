"""What the command palette finds beyond the navigation."""

from __future__ import annotations

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


def find(organization: Organization, words: str) -> list[Found]:
    """At most five of each kind; nothing for fewer than two letters."""
    if len(words) < 2:
        return []
    slug = organization.slug
    assistants = Assistant.objects.for_organization(organization).live().filter(name__icontains=words).order_by("name")
    campaigns = Campaign.objects.for_organization(organization).filter(deleted_at=None, name__icontains=words)
    numbers = PhoneNumber.objects.for_organization(organization).filter(
        Q(phone_number__contains=_digits(words) or "-") | Q(name__icontains=words)
    )
    calls = Call.objects.for_organization(organization).filter(pk__in=search_calls(words, MOST)).newest()
    return [
        *(Found(each.name, "", "bot", reverse("assistant", args=[slug, each.pk])) for each in assistants[:MOST]),
        *(Found(each.name, "", "megaphone", reverse("campaign", args=[slug, each.pk])) for each in campaigns[:MOST]),
        *(
            Found(
                format_international(each.phone_number),
                each.name or "",
                "hash",
                reverse("number", args=[slug, each.pk]),
            )
            for each in numbers[:MOST]
        ),
        *(_call(slug, each) for each in calls[:MOST]),
    ]


def _call(slug: str, call: Call) -> Found:
    number = format_international(call.other_number) if call.other_number else call.public_id
    return Found(number, (call.summary or "")[:80], "phone", reverse("call", args=[slug, call.public_id]))


def _digits(words: str) -> str:
    return "".join(letter for letter in words if letter.isdigit()).lstrip("0")
