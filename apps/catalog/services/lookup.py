"""Whose key serves: the organization's own, else its agency's, else the platform's (features 16)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from django.conf import settings
from django.utils.translation import gettext as _

from apps.catalog.entries import Part
from apps.catalog.models import ProviderKey, ProviderSettings
from apps.catalog.providers import is_realtime, provider
from apps.catalog.slots import RESEND, SLOTS, VERTEX, Slot
from apps.core.crypto import SecretUnreadable
from apps.organizations.models import Organization

log = logging.getLogger(__name__)
Source = Literal["own", "parent", "platform"]
SOURCES: tuple[Source, ...] = ("own", "parent", "platform")


@dataclass(frozen=True)
class Key:
    """A key to be used now, and whose it is. Its text is not shown when printed."""

    slot: str
    source: Source
    text: str = field(repr=False)
    location: str | None = None


@dataclass(frozen=True)
class Need:
    """A part of an assistant that runs only with a key; any one of `slots` will do."""

    part: Part
    slots: tuple[str, ...]


@dataclass(frozen=True)
class KeyRing:
    """The keys of one talk by part, and the parts that found none."""

    keys: Mapping[Part, Key]
    missing: tuple[Need, ...] = ()

    @property
    def sources(self) -> dict[str, str]:
        """Part to `own`, `parent` or `platform`: what a usage log tells."""
        return {part: key.source for part, key in self.keys.items()}

    @property
    def credentials(self) -> dict[str, dict[str, str]]:
        """As an engine with `credentials` takes them (engine 4)."""
        return {
            key.slot: {"api_key": key.text, **({"location": key.location} if key.location else {})}
            for key in self.keys.values()
        }

    @property
    def missing_slots(self) -> list[str]:
        return list(dict.fromkeys(slot for need in self.missing for slot in need.slots))

    @property
    def problem(self) -> str:
        """What is missing, naming the slots; empty when nothing is."""
        if not self.missing:
            return ""
        wanted = dict.fromkeys(_(" or ").join(need.slots) for need in self.missing)
        return _("No usable provider key in the slot %(slots)s.") % {"slots": ", ".join(wanted)}


def keyring(organization: Organization, config: Mapping[str, Any]) -> KeyRing:
    """The keys for an assistant's `llm_config`, `stt_config` and `tts_config`. One query, or two.

    The scope must hold the parent's rows where there is a parent.
    """
    needs = needs_of(config)
    found = _by_source(organization, [slot for need in needs for slot in need.slots])
    keys: dict[Part, Key] = {}
    for need in needs:
        key = next((found[source, slot] for source in SOURCES for slot in need.slots if (source, slot) in found), None)
        if key:
            keys[need.part] = key
    return KeyRing(keys, tuple(need for need in needs if need.part not in keys))


def keys_for(organization: Organization, slots: Iterable[str]) -> dict[str, Key]:
    """The key that serves each slot; a slot without one is left out."""
    wanted = list(slots)
    found = _by_source(organization, wanted)
    chosen = {slot: next((found[s, slot] for s in SOURCES if (s, slot) in found), None) for slot in wanted}
    return {slot: key for slot, key in chosen.items() if key}


def missing_slots(organization: Organization, config: Mapping[str, Any]) -> list[str]:
    """The slots without which a call with this assistant cannot start on an engine that needs keys."""
    return keyring(organization, config).missing_slots


@dataclass(frozen=True)
class SlotState:
    """One slot as its owner's page shows it. `serves`: whose key is used now; None: calls that need it fail."""

    slot: Slot
    key: ProviderKey | None
    serves: Source | None


def slot_states(organization: Organization) -> list[SlotState]:
    """Every slot, in the order of the page. Of an agency's key only that there is one may be said."""
    owners = [each for each in (organization.pk, organization.parent_id) if each]
    rows = list(ProviderKey.objects.filter(organization_id__in=owners).defer("secret"))
    own = {row.slot: row for row in rows if row.organization_id == organization.pk}
    theirs = {row.slot for row in rows if row.organization_id != organization.pk}
    return [_state(slot, own.get(slot.id), slot.id in theirs) for slot in SLOTS.values()]


def _state(slot: Slot, key: ProviderKey | None, is_the_agencys: bool) -> SlotState:
    if key:
        return SlotState(slot, key, "own")
    if slot.id == RESEND:
        return SlotState(slot, None, None)
    if is_the_agencys:
        return SlotState(slot, None, "parent")
    return SlotState(slot, None, "platform" if _platform_key(slot.id) else None)


def needs_of(config: Mapping[str, Any]) -> tuple[Need, ...]:
    """What an assistant needs keys for. A realtime model uses neither STT nor TTS (api 9, rule 5)."""
    llm = _dict(config.get("llm_config"))
    parts: tuple[Part, ...] = ("llm",) if is_realtime(llm.get("provider")) else ("llm", "stt", "tts")
    found = ((part, _slots(part, _dict(config.get(f"{part}_config")))) for part in parts)
    return tuple(Need(part, slots) for part, slots in found if slots)


def _slots(part: Part, config: Mapping[str, Any]) -> tuple[str, ...]:
    known = provider(part, config.get("provider"))
    if known is None:
        return ()
    model_id = config.get("model")
    model = known.model(model_id if isinstance(model_id, str) else None)
    if model and model.requires_key_slot:
        return (model.requires_key_slot,)
    if config.get("vertexai") is True and VERTEX in known.key_slots:
        return (VERTEX,)
    return known.key_slots


def _by_source(organization: Organization, slots: list[str]) -> dict[tuple[Source, str], Key]:
    """Every key that may serve. A stored one that cannot be opened hides those behind it: it never falls back."""
    if not slots:
        return {}
    owners: dict[Any, Source] = {organization.pk: "own"}
    if organization.parent_id:
        owners[organization.parent_id] = "parent"
    rows = ProviderKey.objects.filter(organization_id__in=list(owners), slot__in=slots)
    found: dict[tuple[Source, str], Key] = {}
    shut: set[str] = set()
    for row in sorted(rows, key=lambda each: SOURCES.index(owners[each.organization_id])):
        if row.slot in shut:
            continue
        try:
            location = _location(row) if row.slot == VERTEX else None
            found[owners[row.organization_id], row.slot] = Key(
                row.slot, owners[row.organization_id], row.secret, location
            )
        except SecretUnreadable as error:
            log.error("the key %s of organization %s cannot be opened: %s", row.slot, row.organization_id, error)
            if not any(slot == row.slot for _source, slot in found):
                shut.add(row.slot)
    for slot in slots:
        if slot not in shut and (text := _platform_key(slot)):
            found["platform", slot] = Key(slot, "platform", text)
    return found


def address_beside(owner: object, slot: str) -> str:
    """The server's address that an organization stored beside its key; empty for the provider's own."""
    stored = ProviderSettings.objects.for_organization(owner).filter(provider=slot).first()
    url = stored.settings.get("base_url") if stored else None
    return url.rstrip("/") if isinstance(url, str) and url.startswith(("http://", "https://")) else ""


def _location(row: ProviderKey) -> str | None:
    stored = ProviderSettings.objects.for_organization(row.organization_id).filter(provider=row.slot).first()
    location = stored.settings.get("location") if stored else None
    return location if isinstance(location, str) and location else None


def _platform_key(slot: str) -> str:
    """PLATFORM_KEYS: slot to key; a service account may be an object instead of text."""
    value = settings.PLATFORM_KEYS.get(slot) if slot in SLOTS else None
    return value if isinstance(value, str) else json.dumps(value) if value else ""


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
