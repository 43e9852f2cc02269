"""Which connection carries an organization's calls, and what we know of the engine behind it."""

from __future__ import annotations

import datetime as dt
import hashlib
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _

from apps.core.db import writes
from apps.core.errors import Unavailable
from apps.organizations.features import has_feature
from apps.organizations.models import Organization
from apps.voice.capabilities import Capabilities, known_capabilities
from apps.voice.client import Engine, EngineBusy, EngineTrouble
from apps.voice.models import Connection, new_secret

__all__ = [
    "capabilities",
    "connection_for",
    "ensure_receiver",
    "find_connection",
    "hook_url",
    "is_down",
    "known_capabilities",
    "look_after",
    "note_failure",
    "note_success",
    "refresh",
    "sandbox_connection",
]

FRESH = dt.timedelta(seconds=60)
# What a dial was told about the account, and no other request is: it is believed so long.
ACCOUNT_TROUBLE = ("http_402", "insufficient_credits", "http_403", "forbidden")
BELIEVED = dt.timedelta(minutes=5)
SANDBOX_NAME = "Sandbox"
EVENTS = (
    "assistant-request", "tool-calls", "status-update", "end-of-call-report", "call-progress", "transcript",
    "engine-heartbeat",
)  # fmt: skip


def connection_for(organization: Organization) -> Connection:
    """The organization's own connection, else its agency's, else the installation's (platform 12).

    Raises Unavailable when there is none, or when its engine only simulates and SANDBOX is off.
    """
    found = find_connection(organization)
    if found is None:
        # Who cannot connect one is told only what it means.
        text = _("No voice engine is connected yet.") if has_feature(organization, "voice_engine") else _("Calls are not possible at the moment.")
        raise Unavailable(text)
    _refuse_simulated(known_capabilities(found))
    return found


def find_connection(organization: Organization) -> Connection | None:
    """The connection `connection_for` would use, for pages that show its state; None when there is none."""
    ids = [each for each in (organization.pk, organization.parent_id) if each]
    # An account that was made at another connection's engine ends with that connection.
    rows = Connection.objects.filter(Q(organization__in=ids) | Q(organization=None), is_active=True).filter(
        Q(via=None) | Q(via__is_active=True)
    )
    nearness = [organization.pk, organization.parent_id, None]
    return min(rows, key=lambda each: nearness.index(each.organization_id), default=None)


def capabilities(connection: Connection, now: dt.datetime) -> Capabilities:
    """What the engine can do, asked at most once in 60 s. Speaks HTTP when that is over, so never in a transaction.

    An engine that does not answer now is taken as it was known. Raises Unavailable when it never was, and when it only
    simulates and SANDBOX is off.
    """
    is_fresh = connection.engine_read_at is not None and now - connection.engine_read_at < FRESH
    if not is_fresh:
        try:
            refresh(connection, now)
        except EngineTrouble:
            if connection.engine_read_at is None:
                raise
    found = known_capabilities(connection)
    _refuse_simulated(found)
    return found


def refresh(connection: Connection, now: dt.datetime) -> Capabilities:
    """Ask `GET /engine` and keep the answer. Raises EngineTrouble, which is noted on the connection."""
    try:
        found = Engine(connection).announced()
    except EngineBusy:
        raise
    except EngineTrouble as error:
        note_failure(connection, error.reason, now)
        raise
    _remember(connection=connection, found=found, now=now)
    return known_capabilities(connection)


def look_after(connection: Connection, now: dt.datetime) -> None:
    """Ask whether the engine is there, takes the key, and knows where its events go; keep what was learned.

    Raises EngineTrouble, which is noted on the connection; EngineBusy, which is no fault, is not.
    """
    try:
        known = refresh(connection, now)
        if known.kind == "base":
            # Without a key it answers 404 at /engine as well.
            Engine(connection).check_key()
        ensure_receiver(connection)
    except EngineBusy:
        raise
    except EngineTrouble as error:
        note_failure(connection, error.reason, now)
        raise
    if not _is_believed(connection, now):
        note_success(connection, now)


def ensure_receiver(connection: Connection) -> bool:
    """Tell an engine with `receiver` where its events go: once per instance, and after a change of address or secret.

    Returns whether it was told now. Raises EngineTrouble.
    """
    known = known_capabilities(connection)
    if not known.has("receiver"):
        return False
    url = hook_url(connection)
    marker = hashlib.sha256(f"{known.instance}|{url}|{connection.hook_secret}".encode()).hexdigest()
    if connection.receiver_set_for == marker:
        return False
    Engine(connection).set_receiver(url=url, secret=connection.hook_secret, events=EVENTS)
    _note_receiver(connection=connection, marker=marker)
    return True


def hook_url(connection: Connection) -> str:
    """Where the engine of this connection posts its events."""
    return f"{settings.BASE_URL}/hooks/engine/{connection.hook_id}"


@writes
def note_failure(connection: Connection, error: str, now: dt.datetime) -> None:
    """The engine cannot be reached, or does not take our key: it is down until a `note_success`."""
    text = error[:300]
    if connection.failing_since is None or connection.last_error != text:
        connection.change(now, failing_since=connection.failing_since or now, last_error=text)


@writes
def note_success(connection: Connection, now: dt.datetime) -> None:
    """The engine answers. Writes only when it was down."""
    if connection.failing_since is not None:
        connection.change(now, failing_since=None, last_error="")


def is_down(connection: Connection) -> bool:
    return connection.failing_since is not None


@writes
def sandbox_connection(now: dt.datetime) -> Connection:
    """Make the sandbox of SANDBOX_URL and SANDBOX_KEY the installation's connection.

    Repeats change only what differs; a connection that the operator set up to another engine stays.
    Raises Unavailable when SANDBOX is off.
    """
    if not settings.SANDBOX or not settings.SANDBOX_URL:
        raise Unavailable(_("Set SANDBOX=1 and SANDBOX_URL to use the sandbox."))
    found = Connection.objects.select_for_update().filter(organization=None, is_active=True).first()
    if found is None:
        return Connection.objects.create(
            kind=Connection.Kind.SANDBOX, name=SANDBOX_NAME, base_url=settings.SANDBOX_URL,
            api_key=settings.SANDBOX_KEY, hook_secret=new_secret(),
        )  # fmt: skip
    if found.name == SANDBOX_NAME and (found.base_url, found.api_key) != (settings.SANDBOX_URL, settings.SANDBOX_KEY):
        found.change(
            now, kind=Connection.Kind.SANDBOX, base_url=settings.SANDBOX_URL, api_key=settings.SANDBOX_KEY, engine={},
            engine_read_at=None, receiver_set_for="",
        )  # fmt: skip
    return found


@writes
def _remember(*, connection: Connection, found: dict[str, Any], now: dt.datetime) -> None:
    # The base wire answers 404 to anybody: that says nothing about the key.
    is_well = found and not _is_believed(connection, now)
    health: dict[str, Any] = {"failing_since": None, "last_error": ""} if is_well else {}
    connection.change(now, engine=found, engine_read_at=now, **health)


def _is_believed(connection: Connection, now: dt.datetime) -> bool:
    since = connection.failing_since
    return since is not None and connection.last_error in ACCOUNT_TROUBLE and now - since < BELIEVED


@writes
def _note_receiver(*, connection: Connection, marker: str) -> None:
    connection.receiver_set_for = marker
    connection.save(update_fields=["receiver_set_for"])


def _refuse_simulated(found: Capabilities) -> None:
    if found.simulated and not settings.SANDBOX:
        raise Unavailable(_("The connected voice engine only simulates calls. Set SANDBOX=1 to allow that."))
