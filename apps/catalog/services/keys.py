"""Provider keys: kept, replaced, removed, marked as broken (features 16). A key's text leaves here only towards its provider."""

from __future__ import annotations

import datetime as dt
import json
import logging
import uuid
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.catalog.models import PostCallModel, ProviderKey, ProviderSettings, SenderDomain
from apps.catalog.slots import SLOTS, Slot
from apps.core.db import step, writes
from apps.core.errors import Invalid
from apps.mail.services import queue_mail
from apps.organizations.models import Membership, Organization, Role
from apps.organizations.services import SYSTEM, Actor, record_audit
from apps.voice import mirror

log = logging.getLogger(__name__)
MOST_SETTINGS = 16 * 1024


@writes
def store_key(*, organization: Organization, slot: Slot, key: str, by: Actor, now: dt.datetime) -> ProviderKey:
    """Put a key into its slot, in place of the one before.

    Args:
        key: cleaned by `slots.clean_key`.
    """
    values = {
        "secret_id": uuid.uuid4(), "secret": key, "set_by": by.label[:200], "set_at": now, "broken_at": None,
        "broken_reason": "", "updated_at": now,
    }  # fmt: skip
    row, is_new = ProviderKey.objects.update_or_create(organization=organization, slot=slot.id, defaults=values)
    action = "provider_key.add" if is_new else "provider_key.replace"
    record_audit(organization=organization, by=by, action=action, target=row, data={"slot": slot.id})
    mirror.mark(organization=organization, kinds=[mirror.Kind.KEY], ids=[row.pk])
    return row


@writes
def remove_key(*, organization: Organization, slot: Slot, by: Actor) -> bool:
    """Empty a slot; calls fall back to the agency's or the platform's key. False when it was empty."""
    row = ProviderKey.objects.for_organization(organization).select_for_update().filter(slot=slot.id).first()
    if row is None:
        return False
    record_audit(organization=organization, by=by, action="provider_key.remove", target=row, data={"slot": slot.id})
    mirror.mark(organization=organization, kinds=[mirror.Kind.KEY], ids=[row.pk])
    row.delete()
    return True


@writes
def merge_settings(
    *, organization: Organization, provider: str, slots: tuple[str, ...], settings: Mapping[str, Any], by: Actor,
    now: dt.datetime,
) -> None:  # fmt: skip
    """Merge settings into what is stored for a provider. Raises Invalid when none of its slots holds a key, or too much."""
    if not ProviderKey.objects.for_organization(organization).filter(slot__in=slots).exists():
        text = _("Store a key for %(slots)s first.") % {"slots": _either(slots)}
        raise Invalid(text, param="provider", details=[f"provider: {text}"])
    stored = ProviderSettings.objects.for_organization(organization).select_for_update()
    row, _is_new = stored.get_or_create(organization=organization, provider=provider)
    merged = {**row.settings, **settings}
    if len(json.dumps(merged).encode()) > MOST_SETTINGS:
        raise Invalid(_("The settings are too large."), param="config", details=["config: at most 16 KiB of JSON"])
    row.change(now, settings=merged)
    record_audit(
        organization=organization, by=by, action="provider_key.settings", target=row,
        data={"provider": provider, "settings": sorted(settings)},
    )  # fmt: skip


@step
def mark_broken(
    *, organization: Organization, slot: str, used_at: dt.datetime, reason: str, tell: bool, now: dt.datetime
) -> ProviderKey | None:
    """The provider refused the key that served this organization: its own, else its agency's. Once per key.

    Args:
        used_at: when the key was taken; one that was replaced since is not meant.
        tell: mail the owners of the organization whose key it is.

    Returns the row when it was marked now. The platform's own key is only logged.
    """
    owners = [each for each in (organization.pk, organization.parent_id) if each]
    rows = list(ProviderKey.objects.select_for_update(of=("self",)).filter(organization_id__in=owners, slot=slot))
    row = min(rows, key=lambda each: owners.index(each.organization_id), default=None)
    if row is None:
        log.warning("the platform's key for %s was refused: %s", slot, reason)
        return None
    if row.broken_at or row.set_at > used_at:
        return None
    row.change(now, broken_at=now, broken_reason=reason[:200])
    record_audit(
        organization=row.organization, by=SYSTEM, action="provider_key.broken", target=row, data={"slot": slot}
    )
    if tell:
        _tell_owners(row, now)
    return row


@writes
def note_refused(
    *, organization: Organization, slot: str, used_at: dt.datetime, reason: str, tell: bool, now: dt.datetime
) -> None:
    """`mark_broken` after a request of our own."""
    mark_broken(organization=organization, slot=slot, used_at=used_at, reason=reason, tell=tell, now=now)


@writes
def note_accepted(*, key: ProviderKey, now: dt.datetime) -> None:
    """The provider takes a key again that it had refused; one that was replaced meanwhile is left alone."""
    rows = ProviderKey.objects.for_organization(key.organization_id).filter(pk=key.pk, secret_id=key.secret_id)
    rows.update(broken_at=None, broken_reason="", updated_at=now)


@step
def erase_organization(*, organization: Organization) -> None:
    for model in (ProviderKey, ProviderSettings, PostCallModel, SenderDomain):
        model.objects.for_organization(organization).delete()


@step
def _tell_owners(row: ProviderKey, now: dt.datetime) -> None:
    organization = Organization.objects.select_related("brand").get(pk=row.organization_id)
    owners = Membership.objects.for_organization(organization).filter(role=Role.OWNER).select_related("user__brand")
    for membership in owners:
        queue_mail(
            key=f"key-broken:{row.secret_id}:{membership.user_id}", brand=membership.user.brand, to=membership.user.email,
            template="provider_key_broken",
            context={
                "provider": SLOTS[row.slot].label, "organization": organization.name, "reason": row.broken_reason,
                "path": f"/o/{organization.slug}/settings/provider-keys",
            },
            organization_id=organization.pk, language=membership.user.language or organization.language, now=now,
        )  # fmt: skip


def _either(slots: tuple[str, ...]) -> str:
    return _(" or ").join(SLOTS[slot].label for slot in slots)
