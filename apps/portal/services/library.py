"""An agency's library: assistants and templates that its clients get copies of."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from apps.assistants.models import Assistant
from apps.core.db import writes
from apps.core.errors import Conflict, DomainError, NotFound
from apps.core.scope import Scope, acting
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor, record_audit
from apps.portal.models import LibraryCopy, LibraryItem
from apps.portal.services.library_copying import MODELS, place_copy
from apps.portal.services.library_values import Change, Portable, Thing, changed_by_client, compare, portable, shown

Kind = LibraryItem.Kind


@dataclass(frozen=True)
class Standing:
    """How a client stands to an item. `state`: none (no copy), gone (the client deleted it), same, behind."""

    client: Organization
    state: str
    changes: list[Change] = field(default_factory=list)
    own_changes: list[str] = field(default_factory=list)
    copy: LibraryCopy | None = None
    thing: Thing | None = None

    @property
    def conflicts(self) -> list[Change]:
        return [each for each in self.changes if each.is_conflict]


@writes
def publish(
    *, agency: Organization, kind: str, object_id: UUID, for_sign_ups: bool, note: str, by: Actor
) -> LibraryItem:
    """Put an assistant or template into the library. Raises NotFound, and Conflict when it is in it already."""
    thing = things(agency, kind).filter(pk=object_id).first()
    if thing is None:
        raise NotFound(_("There is no such thing. It may have been deleted."))
    try:
        with transaction.atomic():
            item = LibraryItem.objects.create(
                organization=agency, kind=kind, object_id=thing.pk, for_sign_ups=for_sign_ups, note=note
            )
    except IntegrityError:
        raise Conflict(_("This is in the library already.")) from None
    record_audit(organization=agency, by=by, action="library.add", target=thing, data={"kind": kind})
    return item


@writes
def change_item(*, item: LibraryItem, for_sign_ups: bool, note: str, by: Actor, now: dt.datetime) -> None:
    item.change(now, for_sign_ups=for_sign_ups, note=note)
    data = {"kind": item.kind, "for_sign_ups": for_sign_ups}
    record_audit(organization=item.organization, by=by, action="library.update", target=item, data=data)


@writes
def remove_item(*, item: LibraryItem, by: Actor) -> None:
    """Take it out; clients keep their copies as their own."""
    record_audit(organization=item.organization, by=by, action="library.remove", target=item, data={"kind": item.kind})
    item.delete()


def things(organization: Organization | UUID, kind: str) -> Any:
    """The organization's assistants or templates that are there."""
    rows: Any = MODELS[kind].objects.for_organization(organization)  # type: ignore[attr-defined]
    return rows.live() if kind == Kind.ASSISTANT else rows


def thing_of(item: LibraryItem) -> Thing | None:
    """What the item is about; None when the agency deleted it."""
    found: Thing | None = things(item.organization_id, item.kind).filter(pk=item.object_id).first()
    return found


def clients_of(agency: Organization) -> list[Organization]:
    """The agency's live clients, by name; for what is done to them afterwards, each in its own scope."""
    with acting_for(agency, with_children=True):
        return list(Organization.objects.children_of(agency))


def portable_of(agency: Organization, thing: Thing) -> Portable:
    numbers = set(PhoneNumber.objects.for_organization(agency).values_list("phone_number", flat=True))
    return portable(thing, numbers=numbers)


def standings(agency: Organization, item: LibraryItem, thing: Thing) -> list[Standing]:
    """How each live client stands, by name. In a scope that reads the clients' rows; always the same number of queries."""
    clients = list(Organization.objects.children_of(agency))
    copies = {row.organization_id: row for row in LibraryCopy.objects.filter(item_id=item.pk, organization__in=clients)}
    model = MODELS[item.kind]
    rows: Any = model.objects.filter(pk__in=[row.object_id for row in copies.values()], organization__in=clients)  # type: ignore[attr-defined]
    held = {row.pk: row for row in (rows.live() if model is Assistant else rows)}
    mine = portable_of(agency, thing).values
    return [_standing(client, copies.get(client.pk), held, mine) for client in clients]


def standing_of(agency: Organization, client: Organization, item: LibraryItem, mine: dict[str, Any]) -> Standing:
    """How one client stands. In a scope that reads its rows."""
    row = LibraryCopy.objects.for_organization(client).filter(item_id=item.pk).first()
    held = {each.pk: each for each in things(client, item.kind).filter(pk=row.object_id)} if row else {}
    return _standing(client, row, held, mine)


def copy_to_new_client(*, agency: Organization, client: Organization, by: Actor, now: dt.datetime) -> list[str]:
    """Give a new client copies of what the library marks for sign-ups; those it has are left alone.

    Opens transactions of its own, in both organizations' scope, and may be called again after a crash. Returns what
    could not be copied, in words.
    """
    problems = []
    with acting(Scope((client.pk, agency.pk))):
        for item in LibraryItem.objects.for_organization(agency).filter(for_sign_ups=True).order_by("created_at"):
            thing = thing_of(item)
            if thing is None or LibraryCopy.objects.for_organization(client).filter(item_id=item.pk).exists():
                continue
            try:
                place_copy(client=client, item=item, values=portable_of(agency, thing).values, before=None, by=by, now=now)
            except DomainError as error:
                problems.append(f"{thing}: {error.text}")
    return problems


def _standing(client: Organization, row: LibraryCopy | None, held: dict[UUID, Thing], mine: dict[str, Any]) -> Standing:
    if row is None:
        return Standing(client, "none")
    thing = held.get(row.object_id)
    if thing is None:
        return Standing(client, "gone", copy=row)
    theirs = shown(thing)
    changes = compare(base=row.base, mine=mine, theirs=theirs)
    own = changed_by_client(base=row.base, theirs=theirs)
    return Standing(client, "behind" if changes else "same", changes, own, row, thing)
