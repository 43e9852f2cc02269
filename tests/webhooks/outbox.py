"""What the tests of deliveries share."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import Any

from django.db import transaction

from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.webhooks import services
from apps.webhooks.models import Delivery
from apps.webhooks.services import Target
from tests.factories import NOW

_count = itertools.count(1)
SECRET = "whsec_test_secret_12345"
BODY = {"message": {"type": "status-update", "naam": "Zoë"}}


def target(url: str, **fields: Any) -> Target:
    return Target(**({"level": "assistant", "owner_id": "a-1", "url": url, "secret": SECRET} | fields))


def queued(organization: Organization, url: str, *, now: dt.datetime = NOW, **fields: Any) -> Any:
    """Queue an event the way a caller does; returns what `queue` returns."""
    to = fields.pop("target", None) or target(url)
    values = {"event": "status-update", "call_id": "", "key": f"test:{next(_count)}", "body": BODY} | fields
    with acting(Scope((organization.pk,))), transaction.atomic():
        return services.queue(organization=organization, target=to, now=now, **values)


def deliver(delivery: Delivery, now: dt.datetime) -> bool | None:
    with acting(Scope((delivery.organization_id,))):
        return services.deliver(delivery_id=delivery.pk, now=now)


def fresh(delivery: Delivery) -> Delivery:
    with acting(Scope((delivery.organization_id,))):
        return Delivery.objects.get(pk=delivery.pk)
