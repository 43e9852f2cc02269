"""Somebody calls one of our numbers, without a phone: the sandbox only."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from apps.core.errors import Conflict
from apps.organizations.models import Organization
from apps.voice.client import Engine
from apps.voice.services import capabilities, connection_for, ensure_receiver


def simulate_incoming(
    *, organization: Organization, to: str, from_: str, outcome: str | None, now: dt.datetime
) -> str:
    """Let the engine call `to` as `from_` would, both in E.164. Returns the engine's id of the call; its events bring
    the call itself. Speaks HTTP, so never in a transaction.

    Args:
        outcome: a name of the sandbox's table (engine 8); None: by the caller's number or drawn.

    Raises Conflict when the engine does not announce `simulate`, Invalid when it refuses, Unavailable without answer.
    """
    connection = connection_for(organization)
    if not capabilities(connection, now).has("simulate"):
        raise Conflict(_("Only the sandbox can simulate calls."))
    ensure_receiver(connection)
    return Engine(connection).simulate_inbound(to=to, from_=from_, outcome=outcome)
