"""Changes of an organization's own settings."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.utils.translation import gettext as _

from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit

SECRET = {"webhook_secret"}


class StaleOrganization(Conflict):
    """Somebody else saved since the form was opened. `current` is what stands now."""

    type = "stale"

    def __init__(self, current: Organization) -> None:
        super().__init__(_("Somebody else changed these settings while you were editing."))
        self.current = current


@writes
def update_organization(
    *, organization: Organization, by: Actor, now: dt.datetime, expected: str | None = None, **values: Any
) -> Organization:
    """`change_organization` as a change of its own."""
    return change_organization(organization=organization, by=by, now=now, expected=expected, **values)


@step
def change_organization(
    *, organization: Organization, by: Actor, now: dt.datetime, expected: str | None = None, **values: Any
) -> Organization:
    """Change settings; fields that stay the same are not touched, and the audit names those that changed.

    Args:
        expected: `updated_at` of the version the editor saw, in ISO 8601.

    Raises:
        StaleOrganization: when another version stands.
        Invalid: when content would be kept longer than metadata.
    """
    current = Organization.objects.select_for_update().get(pk=organization.pk)
    if expected is not None and expected != version_of(current):
        raise StaleOrganization(current)
    changed = {name: value for name, value in values.items() if getattr(current, name) != value}
    if not changed:
        return current
    kept = [changed.get(name, getattr(current, name)) for name in ("content_retention_days", "metadata_retention_days")]
    if kept[0] > kept[1]:
        raise Invalid(_("Content is never kept longer than metadata."), param="content_retention_days")
    current.change(now, **changed)
    shown = {name: value for name, value in changed.items() if name not in SECRET}
    data = {"fields": sorted(changed), "values": shown}
    record_audit(organization=current, by=by, action="organization.update", target=current, data=data)
    return current


def version_of(organization: Organization) -> str:
    """What a form carries to notice that somebody else saved first."""
    return organization.updated_at.isoformat()
