"""The billing details of a client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from apps.billing.models import Buyer
from apps.core.db import writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@writes
def save_details(*, client: Organization, values: Mapping[str, Any], by: Actor, now: dt.datetime) -> Buyer:
    """Write who the client is on an invoice from now on; documents of the past keep what they say."""
    buyer, _made = Buyer.objects.get_or_create(organization=client)
    changed = sorted(name for name, value in values.items() if getattr(buyer, name) != value)
    if changed:
        buyer.change(now, **values)
        record_audit(organization=client, by=by, action="buyer.update", target=buyer, data={"fields": changed})
    return buyer
