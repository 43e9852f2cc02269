"""Numbers and trunks as an engine keeps copies of them, and what else must stand there for them (platform 12)."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from apps.assistants import sync as assistants
from apps.assistants.mcp_services import servers_of
from apps.assistants.models import Assistant
from apps.catalog.sync import KEYS
from apps.core import db
from apps.core.db import writes
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import Organization
from apps.voice import mirror
from apps.voice.client import Engine
from apps.voice.comparing import compare
from apps.voice.mirror import Account, Kind
from apps.voice.models import Connection
from apps.voice.pushing import NotYet, Side, named, push, push_account, take_away

OTHERS_SECONDS = 3.0


def _trunk_ids(account: Account) -> set[UUID]:
    return set(SipTrunk.objects.for_organization(account.organization).values_list("pk", flat=True))


def _trunk_body(account: Account, pk: UUID) -> dict[str, Any] | None:
    trunk = SipTrunk.objects.for_organization(account.organization).filter(pk=pk).first()
    if trunk is None:
        return None
    body = {
        "name": named(account, trunk.name, pk), "provider": trunk.provider, "address": trunk.address,
        "transport": trunk.transport or "udp", "auth_username": trunk.auth_username,
        "inbound_addresses": trunk.inbound_addresses, "outbound_number": trunk.outbound_number,
    }  # fmt: skip
    return body | ({"auth_password": trunk.auth_password} if trunk.auth_password else {})


def _numbers_on(account: Account, trunk_id: UUID) -> list[tuple[str, UUID]]:
    return _numbers(account, transfer_trunk=trunk_id)


def _numbers_of(account: Account, assistant_id: UUID) -> list[tuple[str, UUID]]:
    return _numbers(account, assistant=assistant_id)


def _numbers_running(account: Account, workflow_id: UUID) -> list[tuple[str, UUID]]:
    return _numbers(account, workflow=workflow_id)


def _numbers(account: Account, **chosen: UUID) -> list[tuple[str, UUID]]:
    found = PhoneNumber.objects.for_organization(account.organization).filter(**chosen).values_list("pk", flat=True)
    return [(Kind.NUMBER, pk) for pk in found]


def _number_ids(account: Account) -> set[UUID]:
    return set(PhoneNumber.objects.for_organization(account.organization).values_list("pk", flat=True))


def _number(account: Account, pk: UUID) -> PhoneNumber | None:
    numbers = PhoneNumber.objects.for_organization(account.organization)
    return numbers.select_related("assistant").filter(pk=pk).first()


def _number_body(account: Account, pk: UUID) -> dict[str, Any] | None:
    number = _number(account, pk)
    if number is None:
        return None
    if _has_assistant(number):
        assistant = _ref(account, Kind.ASSISTANT, number.assistant_id)
    else:
        assistant = _ref(account, Kind.PLACEHOLDER, pk)
    return {
        "phone_number": number.phone_number, "name": number.name, "is_active": number.is_active,
        "assistant_id": assistant, "workflow_id": _ref(account, Kind.WORKFLOW, number.workflow_id),
        "transfer_trunk_id": _ref(account, Kind.TRUNK, number.transfer_trunk_id),
    }  # fmt: skip


def _has_assistant(number: PhoneNumber) -> bool:
    return number.assistant is not None and number.assistant.deleted_at is None


def _ref(account: Account, kind: str, pk: UUID | None) -> str | None:
    if pk is None:
        return None
    if (ref := mirror.refs(account, kind, [pk]).get(pk)) is None:
        raise NotYet(kind)
    return ref


def _placeholder_ids(account: Account) -> set[UUID]:
    numbers = PhoneNumber.objects.for_organization(account.organization).select_related("assistant")
    return {number.pk for number in numbers if not _has_assistant(number)}


def _placeholder_body(account: Account, pk: UUID) -> dict[str, Any] | None:
    number = _number(account, pk)
    if number is None or _has_assistant(number):
        return None
    return assistants.placeholder_body(account, pk, number.phone_number)


def _is_same_number(listed: dict[str, Any], body: dict[str, Any], marker: str) -> bool:
    return bool(listed.get("phone_number") == body["phone_number"])


TRUNKS = Side(
    Kind.TRUNK, "/sip-trunks", "trunks", _trunk_ids, _trunk_body, users=_numbers_on, can_change=False,
    unseen=frozenset({"auth_password"}),
)  # fmt: skip
PLACEHOLDERS = Side(
    Kind.PLACEHOLDER, "/assistants", "assistants", _placeholder_ids, _placeholder_body,
    users=lambda account, pk: [(Kind.NUMBER, pk)],
)  # fmt: skip
NUMBERS = Side(Kind.NUMBER, "/numbers", "numbers", _number_ids, _number_body, is_ours=_is_same_number)
# What others need comes first.
SIDES = (
    TRUNKS,
    assistants.SERVERS,
    dataclasses.replace(assistants.WORKFLOWS, users=_numbers_running),
    dataclasses.replace(assistants.ASSISTANTS, users=_numbers_of),
    PLACEHOLDERS,
    NUMBERS,
    KEYS,
)


@dataclass(frozen=True)
class Upstream:
    """An engine's own ids of what a call needs there; None: it does not stand there."""

    number: str | None = None
    assistant: str | None = None
    servers: dict[str, str] = field(default_factory=dict)


def synchronise(organization: Organization, now: dt.datetime) -> int:
    """Bring the organization's engine up to date: a full comparison when one is due, then what is marked.

    Speaks HTTP. Returns how many things were pushed or taken away.
    """
    account = mirror.account_of(organization)
    mirror.set_aside(organization, account, now)
    if account is None:
        return 0
    compare(account, SIDES)
    return push_account(account, SIDES)


@writes
def enrol_organization(*, organization: Organization) -> None:
    """Let the whole organization be compared with its engine, soon."""
    if account := mirror.account_of(organization):
        mirror.mark_in(account, Kind.ACCOUNT, [organization.pk])


def withdraw(account: Account) -> None:
    """Take every copy of an organization away from an account that it leaves: a number stands in one account only.

    Speaks HTTP. Raises EngineTrouble, and may be run again.
    """
    engine = Engine(account.connection)
    for side in reversed(SIDES):
        for row in account.rows.filter(kind=side.kind):
            for ref in (row.ref, row.old_ref):
                if ref:
                    take_away(engine, side, ref)
            mirror.forget(account, row)


def upstream_of(
    organization: Organization, connection: Connection, *, assistant: Assistant | None, number: PhoneNumber | None,
    llm_config: Any = None,
) -> Upstream:  # fmt: skip
    """The engine's ids for a call, as they are known now. A number without assistant answers with its placeholder."""
    account = Account(organization, connection)
    numbers = mirror.refs(account, Kind.NUMBER, [number.pk]) if number else {}
    if assistant:
        found = mirror.refs(account, Kind.ASSISTANT, [assistant.pk]).get(assistant.pk)
    else:
        found = mirror.refs(account, Kind.PLACEHOLDER, [number.pk]).get(number.pk) if number else None
    servers = assistants.server_refs(account, llm_config) if servers_of(llm_config) else {}
    return Upstream(numbers.get(number.pk) if number else None, found, servers)


def make_ready(
    organization: Organization, connection: Connection, *, assistant: Assistant | None, number: PhoneNumber | None
) -> None:
    """Push what a call is about to use and the engine does not have yet, or has in an older form. Speaks HTTP.

    A failure is written to the rows; whether the call can go on is judged by `upstream_of`.
    """
    account = Account(organization, connection)
    if not mirror.mirrors(connection):
        return
    needed = _needed(assistant, number)
    if waiting := _waiting(account, needed):
        _push_these(account, waiting)
        _await_others(account, waiting)


def _waiting(account: Account, needed: list[tuple[str, UUID]]) -> list[tuple[str, UUID]]:
    """What of it does not stand at the engine as it is here."""
    rows = account.rows.filter(object_id__in=[pk for _, pk in needed], is_dirty=False).exclude(ref="")
    clean = set(rows.values_list("kind", "object_id"))
    return [each for each in needed if each not in clean]


def _await_others(account: Account, wanted: list[tuple[str, UUID]]) -> None:
    """Another worker may be bringing the same things there at this moment: give it the time that a request takes."""
    end = time.monotonic() + OTHERS_SECONDS
    while time.monotonic() < end:
        rows = account.rows.filter(object_id__in=[pk for _, pk in wanted], ref="", error="", next_try_at__gt=db.now())
        if not any((row.kind, row.object_id) in wanted for row in rows):
            return
        time.sleep(0.2)


def _needed(assistant: Assistant | None, number: PhoneNumber | None) -> list[tuple[str, UUID]]:
    found: list[tuple[str, UUID | None]] = []
    each: Assistant | None
    if number:
        found += [(Kind.TRUNK, number.transfer_trunk_id), (Kind.WORKFLOW, number.workflow_id)]
    for each in dict.fromkeys([assistant, number.assistant if number else None]):
        if each and each.deleted_at is None:
            found += [(Kind.MCP_SERVER, UUID(server)) for server in servers_of(each.llm_config)]
            found.append((Kind.ASSISTANT, each.pk))
    if number:
        found += [] if _has_assistant(number) else [(Kind.PLACEHOLDER, number.pk)]
        found.append((Kind.NUMBER, number.pk))
    return [(kind, pk) for kind, pk in found if pk]


def _push_these(account: Account, wanted: Iterable[tuple[str, UUID]]) -> None:
    sides = {side.kind: side for side in SIDES}
    for kind, pk in wanted:
        _ensure_row(account=account, kind=kind, pk=pk)
        rows = mirror.due(account.rows, db.now()).filter(kind=kind, object_id=pk)
        row_id = rows.values_list("pk", flat=True).first()
        if row_id and push(account, sides[kind], row_id).is_down:
            return


@writes
def _ensure_row(*, account: Account, kind: str, pk: UUID) -> None:
    if not account.rows.filter(kind=kind, object_id=pk).exists():
        mirror.mark_in(account, kind, [pk])
