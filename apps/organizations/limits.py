"""What an organization may use: set by its agency, or by the operator.

What holds stands in the columns of `Limits`. How it came about is kept beside it: `exceptions` is what is this organization's
own, as {"limits": {name: value}, "features": {name: bool}}; everything else comes from its plan, or is free.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any

from apps.core.db import step, writes
from apps.organizations.features import ALL, closed
from apps.organizations.models import Limits, Organization
from apps.organizations.services import Actor, record_audit

NAMES = (
    "concurrent_calls", "guaranteed_calls", "inbound_lines", "starts", "starts_seconds", "countries", "spend_per_hour",
    "assistants", "numbers", "campaigns", "members", "api_keys", "minutes_per_month",
)  # fmt: skip
# What a row says that limits nothing.
FREE: dict[str, Any] = {name: getattr(Limits(), name) for name in NAMES}


@writes
def set_limits(*, organization: Organization, values: Mapping[str, Any], by: Actor, now: dt.datetime) -> Limits:
    """Write the limits of one organization, in its own scope; those that are not named stay. They stay its own when its plan
    changes."""
    row = limits_for_change(organization)
    before = {name: getattr(row, name) for name in values}
    own = row.exceptions.get("limits", {}) | {name: value for name, value in values.items() if value != before[name]}
    row.exceptions = row.exceptions | {"limits": own}
    for name, value in values.items():
        setattr(row, name, value)
    _save(row, now)
    if changed := [name for name, value in values.items() if value != before[name]]:
        record_audit(organization=organization, by=by, action="organization.limits", target=organization, data={"fields": changed})
    return row


@step
def limits_for_change(organization: Organization) -> Limits:
    """The row, locked, or a new one; limits that were set before plans existed count as its own."""
    row = Limits.objects.for_organization(organization).select_for_update().first() or Limits(organization=organization)
    if row.plan_id is None and not row.exceptions:
        own = {name: getattr(row, name) for name in NAMES if getattr(row, name) != FREE[name]}
        row.exceptions = {"limits": own, "features": _own_features(row.features, ALL)}
    return row


@step
def work_out(
    row: Limits, *, limits: Mapping[str, Any], features: Iterable[str] | None, now: dt.datetime
) -> list[str]:
    """Write what holds: `limits` and `features` (null: everything) of a plan, and on them the row's exceptions.

    Returns the names of what changed, `features` among them.
    """
    own = row.exceptions.get("limits", {})
    values = {name: own.get(name, limits.get(name, FREE[name])) for name in NAMES}
    values["features"] = features_with(features, row.exceptions.get("features", {}))
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    _save(row, now)
    return changed


def features_with(features: Iterable[str] | None, own: Mapping[str, bool]) -> list[str] | None:
    """What is switched on with these exceptions; null: everything."""
    names = set(ALL if features is None else features)
    names |= {name for name, on in own.items() if on}
    names -= {name for name, on in own.items() if not on}
    found = closed(names)
    return None if found == ALL else sorted(found)


def _own_features(features: Iterable[str] | None, plan: Iterable[str]) -> dict[str, bool]:
    """How these differ from a plan's."""
    names, base = set(ALL if features is None else features), set(plan)
    return {name: name in names for name in sorted(names ^ base)}


def differences(
    *, limits: Mapping[str, Any], features: Iterable[str] | None, plan_limits: Mapping[str, Any], plan_features: Iterable[str] | None
) -> dict[str, dict[str, Any]]:
    """The exceptions that make this of a plan."""
    own = {name: value for name, value in limits.items() if value != plan_limits.get(name, FREE[name])}
    return {"limits": own, "features": _own_features(features, closed(ALL if plan_features is None else plan_features))}


def _save(row: Limits, now: dt.datetime) -> None:
    row.updated_at = now
    row.save()
