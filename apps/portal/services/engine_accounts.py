"""An account of its own at the engine for one client: an upstream child, with its own key (platform 12)."""

from __future__ import annotations

import datetime as dt
from contextlib import suppress

from django.utils.translation import gettext as _

from apps.core.errors import Conflict, Invalid, Unavailable
from apps.numbers.sync import withdraw
from apps.organizations.models import Organization
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.voice.client import Engine
from apps.voice.connecting import connect_child, own_connection
from apps.voice.mirror import Account, mirrors, sync_now
from apps.voice.models import Connection
from apps.voice.wire import EngineTrouble


def parent_connection(agency: Organization) -> Connection | None:
    """The agency's own connection, if accounts can be made at its engine: one of the base wire that keeps things."""
    connection = own_connection(agency)
    return connection if connection and connection.via_id is None and mirrors(connection) else None


def clients_with_account(agency: Organization) -> set[object]:
    """Clients that have an account of their own by now. Needs a scope that reads the children."""
    rows = Connection.objects.filter(organization__parent=agency, is_active=True)
    return set(rows.values_list("organization_id", flat=True))


def give_account(*, client: Organization, agency: Organization, by: Actor, now: dt.datetime) -> Connection:
    """Make an organization for the client at the agency's engine, and let its calls go through that from now on.

    The client's copies leave the shared account; the new one has them within seconds. Running calls finish where they
    are. Speaks HTTP.

    Raises Conflict when the client has an engine or account already or the agency's engine keeps no accounts, Invalid
    with the engine's words, EngineTrouble. An answer that is lost leaves an empty organization at the engine, whose key
    nobody has: asking again makes another.
    """
    with acting_for(agency):
        parent = parent_connection(agency)
    if parent is None:
        raise Conflict(_("Accounts can be made only at an engine of your own that keeps them."))
    with acting_for(client, with_parent=True):
        if own_connection(client) is not None:
            raise Conflict(_("%(name)s has a voice engine of its own already.") % {"name": client.name})
        engine = Engine(parent)
        above = parent.account_id or str(engine.organization().get("id") or "")
        made = engine.create(
            "/organizations", {"name": client.name, "parent_org_id": above}, key=f"account:{client.pk}:{parent.pk}"
        )
        key, account_id = made.get("api_key"), made.get("id")
        if not isinstance(key, str) or not key:
            raise Unavailable(_("The voice engine gave no key for the new account."))
        connection = connect_child(
            organization=client, parent=parent, api_key=key, account_id=str(account_id or ""), by=by, now=now
        )
        # Many copies need more than one minute's requests: `leave_shared_accounts` goes on where this ends.
        with suppress(EngineTrouble, Invalid):
            withdraw(Account(client, parent))
        sync_now(organization=client)
    return connection
