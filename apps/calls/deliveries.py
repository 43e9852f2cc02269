"""The delivery log as pages show it: filters, a page of rows with their answers, and the addresses of an organization."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from apps.assistants.models import Assistant
from apps.calls.forms_deliveries import DeliveryFilter
from apps.calls.models import Call
from apps.calls.selectors import MOST_COUNTED, window
from apps.calls.services.snapshot import Route
from apps.organizations.models import Organization
from apps.webhooks.account import account_target
from apps.webhooks.models import Attempt, Delivery, DeliveryQuerySet, Endpoint, Level, SecretChange
from apps.webhooks.targets import Target

KEPT = dt.timedelta(days=30)
# What a row shows; bodies and secrets stay where they are.
SHOWN = (
    "id", "organization_id", "created_at", "key", "event", "call_id", "level", "owner_id", "url", "status", "is_test",
    "attempt_count", "attempts_before", "next_attempt_at", "delivered_at", "erased_at",
)  # fmt: skip


@dataclass(frozen=True)
class DeliveryPage:
    """One page, newest first. `older`, `newer`: cursors, empty at the ends; `count` stops at MOST_COUNTED."""

    rows: list[Delivery]
    older: str
    newer: str
    count: int

    @property
    def is_capped(self) -> bool:
        return self.count > MOST_COUNTED


@dataclass(frozen=True)
class Address:
    """A URL that events go to, or went to. `target` None: it is not set any more, or a tool's, and only its state is known."""

    name: str
    level: str
    url: str
    owner_id: str = ""
    target: Target | None = None
    assistant: Assistant | None = None
    endpoint: Endpoint | None = None
    pending: SecretChange | None = None


def delivery_page(organization: Organization, filters: DeliveryFilter, *, before: str = "", after: str = "") -> DeliveryPage:
    """The deliveries that match, from a cursor on, each with what came of its attempts."""
    found = matching(organization, filters)
    count = found.order_by()[: MOST_COUNTED + 1].count()
    return DeliveryPage(*window(found.only(*SHOWN).prefetch_related(_tries()), before, after), count)


def matching(organization: Organization, filters: DeliveryFilter) -> DeliveryQuerySet:
    found: DeliveryQuerySet = Delivery.objects.for_organization(organization)
    values = filters.values
    for name in ("status", "event", "level"):
        if values.get(name):
            found = found.filter(**{name: values[name]})
    if filters.since:
        found = found.filter(created_at__gte=filters.since)
    if filters.until:
        found = found.filter(created_at__lt=filters.until)
    return _about(found, values["q"].strip()) if values.get("q") else found


def deliveries_of(call: Call) -> list[Delivery]:
    """What was sent, or is to be sent, about a call, in its order."""
    found = Delivery.objects.for_organization(call.organization_id).filter(call_id=call.public_id)
    return list(found.only(*SHOWN).prefetch_related(_tries()).order_by("created_at", "id")[:50])


def assistants_with_address(organization: Organization) -> list[Assistant]:
    rows = Assistant.objects.for_organization(organization).live().exclude(webhook_url=None).exclude(webhook_url="")
    return list(rows.order_by("name", "id"))


def target_of(organization: Organization, assistant: Assistant | None) -> Target | None:
    """Where a test event goes: the assistant's own URL, or the account's."""
    if assistant is None:
        return account_target(organization)
    if not assistant.webhook_url:
        return None
    route = Route(Level.ASSISTANT, str(assistant.pk), assistant.webhook_url, assistant.webhook_secret or None)
    return route.target(organization)


def addresses_of(organization: Organization, now: dt.datetime) -> list[Address]:
    """The account's URL, each assistant's, and any other that fails or is switched off."""
    states = {
        (each.level, each.owner_id, bytes(each.url_digest)): each
        for each in Endpoint.objects.for_organization(organization)
    }
    changes = SecretChange.objects.for_organization(organization).pending(now).order_by("created_at")
    pending: dict[str, SecretChange] = {each.owner_id: each for each in changes}
    found = []
    for assistant in (None, *assistants_with_address(organization)):
        if target := target_of(organization, assistant):
            state = states.pop((str(target.level), target.owner_id, target.digest), None)
            name = assistant.name if assistant else _("Account")
            found.append(
                Address(name, str(target.level), target.url, target.owner_id, target, assistant, state, pending.get(target.owner_id))
            )
    others = [each for each in states.values() if each.url and (each.off_at or each.failures)]
    return found + [Address(each.get_level_display(), each.level, each.url, each.owner_id, endpoint=each) for each in others]


def _about(found: DeliveryQuerySet, words: str) -> DeliveryQuerySet:
    """By call id, or by X-Webhook-Id."""
    try:
        return found.filter(pk=UUID(words))
    except ValueError:
        return found.filter(call_id=words)


def _tries() -> Any:
    return Prefetch("tries", queryset=Attempt.objects.defer("answer").order_by("number"), to_attr="codes")
