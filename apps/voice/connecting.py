"""Which engine an organization, or the installation, is connected to: chosen, replaced, given up.

A connection is never deleted and never becomes another one: calls that run keep theirs, and its events still arrive.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core.addresses import address_problem
from apps.core.db import writes
from apps.core.errors import Conflict, Invalid
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.voice.capabilities import read
from apps.voice.models import Connection, Mirror, new_secret

HOSTED_URL = "https://api.hmsovereign.com/api/v1"
LAST_WEEK = dt.timedelta(days=7)
HOSTED_WEB_CALL_URL = "https://assistant-api.hmsovereign.com/v1/web-calls"


@dataclass(frozen=True)
class Wanted:
    """A connection as somebody asks for it. `announced` is what a test found; None: it was not tested."""

    kind: str
    base_url: str
    web_call_url: str
    api_key: str
    name: str = ""
    account_id: str = ""
    announced: dict[str, Any] | None = field(default=None)


def own_connection(organization: Organization | None) -> Connection | None:
    """The active connection of exactly this organization; of the installation for None."""
    return Connection.objects.filter(organization=organization, is_active=True).first()


def connect(*, organization: Organization | None, wanted: Wanted, by: Actor, now: dt.datetime) -> Connection:
    """Use this engine from now on. Another key or web-call URL of the same account changes the connection; another
    address or account replaces it, and the calls that run finish at the old one.

    Args:
        organization: None for the installation, in the operator's scope.

    Raises Invalid for an address that must not be called, and for a simulated engine without SANDBOX.
    """
    _check(wanted, is_trusted=organization is None)
    return _connect(organization=organization, wanted=wanted, by=by, now=now)


@writes
def connect_child(
    *, organization: Organization, parent: Connection, api_key: str, account_id: str, by: Actor, now: dt.datetime
) -> Connection:
    """The organization's own account at its parent's engine: same address and same trust, its own key.

    It ends with the parent's connection. Raises Conflict when the organization has chosen an engine of its own.
    """
    old = Connection.objects.select_for_update().filter(organization=organization, is_active=True).first()
    if old is not None and old.via_id is None:
        raise Conflict(_("This organization has a voice engine of its own."))
    if old is not None:
        old.change(now, is_active=False)
    made = Connection.objects.create(
        organization=organization, via=parent, kind=parent.kind, name=organization.name[:200],
        base_url=parent.base_url, web_call_url=parent.web_call_url, api_key=api_key, account_id=account_id[:64],
        hook_secret=new_secret(), engine=parent.engine, engine_read_at=parent.engine_read_at,
    )  # fmt: skip
    return _noted(made, by, "connection.connect")


@writes
def disconnect(*, organization: Organization | None, by: Actor, now: dt.datetime) -> bool:
    """Give the own connection up: the agency's or the installation's is used again. False when there was none."""
    old = Connection.objects.select_for_update().filter(organization=organization, is_active=True).first()
    if old is None:
        return False
    old.change(now, is_active=False)
    _noted(old, by, "connection.disconnect")
    return True


@writes
def limit_connection(*, connection: Connection, values: Mapping[str, Any], by: Actor, now: dt.datetime) -> None:
    """Limits of our own beside those that the engine announces: `concurrent_calls`, `inbound_lines`, `starts`,
    `starts_seconds`."""
    connection.change(now, **values)
    _noted(connection, by, "connection.update", fields=["limits"])


@writes
def replace_secret(*, organization: Organization | None, by: Actor, now: dt.datetime) -> bool:
    """Let the engine sign its events with a new secret; both count until the next one. False without a connection.

    The engine, or the copies it keeps, learn it within a minute: every process knows it by then.
    """
    row = Connection.objects.select_for_update().filter(organization=organization, is_active=True).first()
    if row is None:
        return False
    row.change(
        now, hook_secret_before=row.hook_secret, hook_secret=new_secret(), receiver_set_for="", resync_wanted_at=now
    )
    _noted(row, by, "connection.update", fields=["secret"])
    return True


@writes
def forget_closed(*, organization: Organization, now: dt.datetime) -> bool:
    """Keys, secrets and addresses of a closed organization go once its copies at the engine are taken away, or after a
    week. The rows stay, because its calls name them. False: not yet."""
    closed_at = organization.closed_at
    if closed_at is None:
        return False
    waits = Mirror.objects.for_organization(organization).filter(is_dirty=True).exists()
    if waits and now - closed_at < LAST_WEEK:
        return False
    Mirror.objects.for_organization(organization).delete()
    for row in Connection.objects.select_for_update().filter(organization=organization):
        row.change(
            now, is_active=False, name="", base_url="", web_call_url="", api_key="", account_id="", hook_secret="",
            hook_secret_before="", engine={}, failing_since=None, last_error="",
        )  # fmt: skip
    return True


@writes
def _connect(*, organization: Organization | None, wanted: Wanted, by: Actor, now: dt.datetime) -> Connection:
    old = Connection.objects.select_for_update().filter(organization=organization, is_active=True).first()
    if old is not None and _is_same_account(old, wanted):
        old.change(now, **_values(wanted, now), failing_since=None, last_error="", receiver_set_for="")
        return _noted(old, by, "connection.update")
    if old is not None:
        old.change(now, is_active=False)
    made = Connection.objects.create(organization=organization, hook_secret=new_secret(), **_values(wanted, now))
    return _noted(made, by, "connection.replace" if old else "connection.connect")


def _check(wanted: Wanted, *, is_trusted: bool) -> None:
    if read(wanted.announced or {}).simulated and not settings.SANDBOX:
        raise Invalid(_("This voice engine only simulates calls. Set SANDBOX=1 to allow that."), param="base_url")
    for name in ("base_url", "web_call_url"):
        url = getattr(wanted, name)
        if url and not is_trusted and (problem := address_problem(url)):
            raise Invalid(problem, param=name)


def _is_same_account(old: Connection, wanted: Wanted) -> bool:
    is_other = old.account_id and wanted.account_id and old.account_id != wanted.account_id
    return old.via_id is None and old.base_url == wanted.base_url and not is_other


def _values(wanted: Wanted, now: dt.datetime) -> dict[str, Any]:
    return {
        "kind": wanted.kind, "name": (wanted.name or urlsplit(wanted.base_url).netloc)[:200], "base_url": wanted.base_url,
        "web_call_url": wanted.web_call_url, "api_key": wanted.api_key, "account_id": wanted.account_id,
        "engine": wanted.announced or {}, "engine_read_at": None if wanted.announced is None else now,
    }  # fmt: skip


def _noted(row: Connection, by: Actor, action: str, **more: Any) -> Connection:
    if row.organization is not None:
        host = {} if row.via_id else {"host": urlsplit(row.base_url).netloc}
        data = {"kind": row.kind} | host | more
        record_audit(organization=row.organization, by=by, action=action, target=row, data=data)
    return row
