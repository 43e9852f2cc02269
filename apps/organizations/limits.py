"""What an organization may use: set by its agency, or by the operator."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from apps.core.db import writes
from apps.organizations.models import Limits, Organization
from apps.organizations.services import Actor, record_audit


@writes
def set_limits(*, organization: Organization, values: Mapping[str, Any], by: Actor, now: dt.datetime) -> Limits:
    """Write the limits of one organization, in its own scope; those that are not named stay."""
    row = Limits.objects.for_organization(organization).select_for_update().first() or Limits(organization=organization)
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    row.updated_at = now
    row.save()
    if changed:
        record_audit(organization=organization, by=by, action="organization.limits", target=organization, data={"fields": changed})
    return row
