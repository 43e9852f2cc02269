"""Writes of numbers and trunks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from apps.assistants.models import Assistant
from apps.core.db import step, writes
from apps.core.errors import Conflict, Invalid
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.features import require_room
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.voice import mirror
from apps.voice.mirror import Kind


class StaleNumber(Conflict):
    """Somebody else saved the number since the form was opened."""

    def __init__(self, current: PhoneNumber) -> None:
        super().__init__(_("Somebody else changed this in the meantime. Compare both versions, then save again."))
        self.current = current


@writes
def register_number(*, organization: Organization, values: Mapping[str, Any], by: Actor) -> PhoneNumber:
    """Register a number the customer forwards to us.

    Args:
        values: `phone_number` in E.164 and any of name, assistant, transfer_trunk, is_active.

    Raises:
        Conflict: the number is registered already, in any organization (the one thing a stranger may learn; spec api 8.3);
            or there is no room for one more.
    """
    require_room(organization, "numbers", PhoneNumber.objects.for_organization(organization))
    try:
        with transaction.atomic():
            number = PhoneNumber.objects.create(organization=organization, **values)
    except IntegrityError:
        raise Conflict(
            _("The number %(number)s is already registered.") % {"number": values["phone_number"]},
            type="already_exists", param="phone_number",
        ) from None  # fmt: skip
    record_audit(organization=organization, by=by, action="number.register", target=number)
    _mark(organization, [number.pk])
    return number


@writes
def update_number(
    *, number: PhoneNumber, values: Mapping[str, Any], by: Actor, now: dt.datetime, expected_version: int | None = None
) -> PhoneNumber:
    """Change label, assistant, trunk or activity. Raises StaleNumber when somebody else saved first."""
    current = PhoneNumber.objects.for_organization(number.organization_id).select_for_update().get(pk=number.pk)
    if expected_version is not None and current.version != expected_version:
        raise StaleNumber(current)
    changed = {name: value for name, value in values.items() if getattr(current, name) != value}
    if changed:
        current.change(now, version=current.version + 1, **changed)
        record_audit(
            organization=current.organization,
            by=by,
            action="number.update",
            target=current,
            data={"fields": sorted(changed)},
        )
        _mark(current.organization, [current.pk])
    return current


@writes
def delete_number(*, number: PhoneNumber, by: Actor) -> None:
    record_audit(organization=number.organization, by=by, action="number.delete", target=number)
    _mark(number.organization, [number.pk])
    number.delete()


@step
def forget_assistant(*, assistant: Assistant, now: dt.datetime) -> int:
    """Take a deleted assistant from its numbers. Returns how many there were."""
    found = PhoneNumber.objects.for_organization(assistant.organization_id).filter(assistant=assistant)
    _mark(assistant.organization, found.values_list("pk", flat=True))
    return found.update(assistant=None, updated_at=now, version=F("version") + 1)


@writes
def create_trunk(*, organization: Organization, values: Mapping[str, Any], by: Actor) -> SipTrunk:
    trunk = SipTrunk.objects.create(organization=organization, **values)
    record_audit(organization=organization, by=by, action="trunk.create", target=trunk)
    _mark_trunks(organization, [trunk.pk])
    return trunk


@writes
def replace_trunk(
    *, organization: Organization, old: SipTrunk, values: Mapping[str, Any], by: Actor, now: dt.datetime
) -> tuple[SipTrunk, int]:
    """Create a trunk and move the numbers of `old` to it (features 11). Returns it and how many numbers moved."""
    trunk = SipTrunk.objects.create(organization=organization, **values)
    numbers = PhoneNumber.objects.for_organization(organization).filter(transfer_trunk=old)
    _mark_trunks(organization, [trunk.pk])
    _mark(organization, numbers.values_list("pk", flat=True))
    moved = numbers.update(transfer_trunk=trunk, updated_at=now, version=F("version") + 1)
    record_audit(
        organization=organization, by=by, action="trunk.replace", target=trunk,
        data={"replaces": str(old.pk), "numbers": moved},
    )  # fmt: skip
    return trunk, moved


@writes
def limit_trunk(*, trunk: SipTrunk, values: Mapping[str, Any], by: Actor, now: dt.datetime) -> None:
    """How many calls its provider takes: `concurrent_calls`, `starts`, `starts_seconds`. Nothing of it stands at an engine."""
    trunk.change(now, **values)
    record_audit(organization=trunk.organization, by=by, action="trunk.limits", target=trunk, data=dict(values))


@writes
def delete_trunk(*, trunk: SipTrunk, by: Actor, now: dt.datetime) -> None:
    """Its numbers keep working inbound and lose the trunk; no running call ends."""
    numbers = PhoneNumber.objects.for_organization(trunk.organization_id).filter(transfer_trunk=trunk)
    _mark_trunks(trunk.organization, [trunk.pk])
    _mark(trunk.organization, numbers.values_list("pk", flat=True))
    numbers.update(transfer_trunk=None, updated_at=now, version=F("version") + 1)
    record_audit(organization=trunk.organization, by=by, action="trunk.delete", target=trunk)
    trunk.delete()


def dial_number_for(
    *, organization: Organization, assistant: Assistant | None = None, number_id: UUID | str | None = None
) -> PhoneNumber:
    """The number a call leaves from: the one asked for, else the assistant's oldest that can dial, else the organization's.

    Raises Invalid with the reason when there is none.
    """
    owned = PhoneNumber.objects.for_organization(organization).select_related("transfer_trunk")
    if number_id is not None:
        number = owned.filter(pk=number_id).first()
        return _checked(number)
    candidates = owned.can_dial().order_by("created_at", "id")
    own = candidates.filter(assistant=assistant).first() if assistant else None
    number = own or candidates.first()
    if number is None:
        raise Invalid(
            _("There is no active number with a trunk to call from. Add a trunk to a number first."), param="number_id"
        )
    return number


def _checked(number: PhoneNumber | None) -> PhoneNumber:
    if number is None:
        raise Invalid(_("There is no such number."), param="number_id")
    if not number.is_active:
        raise Invalid(_("The number %(number)s is not active.") % {"number": number}, param="number_id")
    if number.transfer_trunk is None or not number.transfer_trunk.can_dial:
        raise Invalid(_("The number %(number)s has no trunk that can dial.") % {"number": number}, param="number_id")
    return number


@step
def erase_organization(*, organization: Organization) -> None:
    PhoneNumber.objects.for_organization(organization).delete()
    SipTrunk.objects.for_organization(organization).delete()


@step
def _mark(organization: Organization, ids: Iterable[UUID]) -> None:
    """An engine that keeps copies gets these numbers within seconds; one without assistant has a placeholder there."""
    mirror.mark(organization=organization, kinds=[Kind.NUMBER, Kind.PLACEHOLDER], ids=ids)


@step
def _mark_trunks(organization: Organization, ids: Iterable[UUID]) -> None:
    mirror.mark(organization=organization, kinds=[Kind.TRUNK], ids=ids)
