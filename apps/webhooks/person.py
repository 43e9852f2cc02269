"""Forgetting one person in the delivery log: bodies and kept answers of her calls, and of whatever else names her."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from typing import Any

from apps.core.db import step
from apps.core.mentions import Mention
from apps.organizations.models import Organization
from apps.webhooks.models import Attempt, Delivery
from apps.webhooks.services import erase


def find_person(*, organization: Organization, call_ids: Sequence[str]) -> int:
    """How many deliveries about these calls (public ids) still hold their body."""
    return Delivery.objects.for_organization(organization).filter(call_id__in=call_ids, erased_at=None).count()


@step
def erase_person(
    *, organization: Organization, call_ids: Sequence[str], mention: Mention, now: dt.datetime
) -> dict[str, int]:
    """Wipe what was sent and answered. What was still waiting is given up, for it would carry the number out.

    Bodies are encrypted: those of other calls have to be opened to be searched. Returns how many.
    """
    count = find_person(organization=organization, call_ids=call_ids)
    erase(call_ids, now)
    own = Delivery.objects.for_organization(organization)
    naming = [row.pk for row in own.filter(erased_at=None).iterator(chunk_size=500) if mention.is_in(row.body or "")]
    _wipe(own.filter(pk__in=naming), now)
    return {"deliveries": count + len(naming), "mentions": _answers(organization, mention, now)}


def _wipe(rows: Iterable[Delivery], now: dt.datetime) -> None:
    for row in rows:
        if row.status == Delivery.Status.WAITING:
            row.change(now, status=Delivery.Status.DEAD, next_attempt_at=None, lease_until=None)
        row.change(now, body="", erased_at=now)


def _answers(organization: Organization, mention: Mention, now: dt.datetime) -> int:
    found = 0
    attempt: Any
    for attempt in Attempt.objects.for_organization(organization).iterator(chunk_size=500):
        if mention.is_in(attempt.answer or "") or mention.is_in(attempt.error):
            attempt.change(now, answer="", error=mention.without(attempt.error))
            found += 1
    return found
