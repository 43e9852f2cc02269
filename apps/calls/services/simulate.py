"""An incoming call that the sandbox plays: pages and tests."""

from __future__ import annotations

import datetime as dt

from django.utils.translation import gettext as _

from apps.calls.models import Call
from apps.core.errors import Conflict
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization
from apps.voice.client import Engine
from apps.voice.services import capabilities, connection_for, ensure_receiver


def simulate_inbound(
    *, organization: Organization, number: PhoneNumber, from_: str, outcome: str | None = None, now: dt.datetime
) -> str:
    """Let the engine call one of the organization's numbers. Returns the engine's id of the call; ours comes with its
    first event (`find_simulated`).

    Raises Conflict when the engine cannot simulate, Invalid and Unavailable as the engine says.
    """
    connection = connection_for(organization)
    if not capabilities(connection, now).has("simulate"):
        raise Conflict(_("Only the sandbox can simulate an incoming call."))
    ensure_receiver(connection)
    return Engine(connection).simulate_inbound(to=number.phone_number, from_=from_, outcome=outcome)


def find_simulated(organization: Organization, ref: str) -> Call | None:
    """Our call of a simulated one, as soon as the engine has asked who answers."""
    return Call.objects.for_organization(organization).filter(ref=ref).first()
