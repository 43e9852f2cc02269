"""What an agency offers: packages and the prices of plans. Their past sales are copies and stay as they were."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from django.db.models import Max
from django.utils.translation import gettext as _

from apps.billing.models import Package, Plan
from apps.core.db import step, writes
from apps.core.errors import Forbidden
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit

Kind = type[Package] | type[Plan]


@writes
def save_offer(
    *, agency: Organization, kind: Kind, row: Package | Plan | None, values: Mapping[str, Any], by: Actor, now: dt.datetime
) -> Package | Plan:
    """Make a package or plan (`row` None), at the end of the list, or change one. Raises Forbidden for a client."""
    if agency.parent_id:
        raise Forbidden(_("Only an agency sells."))
    name = kind._meta.model_name
    if row is None:
        last = kind.objects.for_organization(agency).aggregate(last=Max("position"))["last"]
        made: Package | Plan = kind.objects.create(organization=agency, position=0 if last is None else last + 1, **values)
        record_audit(organization=agency, by=by, action=f"{name}.create", target=made, data={"name": made.name})
        return made
    changed = sorted(field for field, value in values.items() if getattr(row, field) != value)
    if changed:
        row.change(now, **values)
        record_audit(organization=agency, by=by, action=f"{name}.update", target=row, data={"fields": changed})
    return row


def arrange(*, agency: Organization, row: Package | Plan, do: str | None, by: Actor, now: dt.datetime) -> None:
    """What a button of the list asks for: `up`, `down`, `archive` or `restore`; anything else changes nothing."""
    if do in ("up", "down"):
        move(agency=agency, kind=type(row), row=row, up=do == "up", now=now)
    elif do in ("archive", "restore"):
        set_on_sale(row=row, is_active=do == "restore", by=by, now=now)


@writes
def set_on_sale(*, row: Package | Plan, is_active: bool, by: Actor, now: dt.datetime) -> None:
    """Offer it, or keep it in the archive; who has it keeps it."""
    if row.is_active != is_active:
        row.change(now, is_active=is_active)
        action = f"{row._meta.model_name}.{'restore' if is_active else 'archive'}"
        record_audit(organization=row.organization, by=by, action=action, target=row)


@writes
def move(*, agency: Organization, kind: Kind, row: Package | Plan, up: bool, now: dt.datetime) -> None:
    """One place up or down in the list that clients see."""
    rows = list(kind.objects.for_organization(agency).select_for_update().order_by("position", "created_at", "id"))
    place = next(index for index, each in enumerate(rows) if each.pk == row.pk)
    other = place - 1 if up else place + 1
    if 0 <= other < len(rows):
        rows[place], rows[other] = rows[other], rows[place]
    _number(rows, now)


@step
def _number(rows: list[Any], now: dt.datetime) -> None:
    for position, each in enumerate(rows):
        if each.position != position:
            each.change(now, position=position)
