"""An agency over the life of a client: suspend, release, delete."""

from __future__ import annotations

import datetime as dt
import logging

from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from apps.accounts.forget import forget_person
from apps.calls.models import Call
from apps.calls.services.control import send_command
from apps.core.db import writes
from apps.core.errors import DomainError, NotFound
from apps.core.scope import Scope, acting
from apps.organizations.models import Membership, Organization
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor, record_audit
from apps.organizations.sql import organizations_of
from apps.portal.services.erase import erase_all

log = logging.getLogger(__name__)


def client_of(agency: Organization, slug: str) -> Organization:
    """The client behind an address. Needs a scope that reads the children. Raises NotFound for anybody else's."""
    found = Organization.objects.children_of(agency).filter(slug=slug).first() if agency.is_agency else None
    if found is None:
        raise NotFound(_("There is no such client."))
    return found


def suspend_client(*, client: Organization, by: Actor, now: dt.datetime, reason: str = "") -> bool:
    """Stop a client without losing anything: no calls in or out, its API answers 403, campaigns pause and resume by themselves.

    Running calls go on to their end. Returns whether it was not suspended before. Acts in the client's own scope.
    """
    with acting_for(client, with_parent=True):
        return _suspend(client=client, by=by, now=now, reason=reason)


def release_client(*, client: Organization, by: Actor, now: dt.datetime) -> bool:
    """End a suspension. Returns whether there was one."""
    with acting_for(client, with_parent=True):
        return _release(client=client, by=by, now=now)


def delete_client(*, client: Organization, by: Actor, now: dt.datetime) -> None:
    """End its calls, erase content, people, keys and settings; the closed row stays for the agency's statements.

    Can be run again after a crash at any point: the first step already closes every door that makes calls.
    """
    suspend_client(client=client, by=by, now=now, reason="delete")
    with acting_for(client, with_parent=True):
        _end_calls(client, by, now)
    with acting_for(client):
        people = list(Membership.objects.for_organization(client).values_list("user_id", flat=True))
        erase_all(organization=client, by=by, now=now)
    for user_id in people:
        # A person who works elsewhere, too, keeps her account.
        if not organizations_of(user_id):
            with acting(Scope(())):
                forget_person(user_id=user_id, now=now)


def _end_calls(client: Organization, by: Actor, now: dt.datetime) -> None:
    """Best effort: an engine that does not answer must not keep a client from being deleted."""
    running = Call.objects.for_organization(client).running().select_related("connection", "organization")
    for call in running:
        try:
            send_command(call=call, body={"type": "end-call"}, by=by.label, key=f"delete:{uuid7()}", now=now)
        except DomainError as error:
            log.info("a call of a deleted client was not ended: %s", error.type)


@writes
def _suspend(*, client: Organization, by: Actor, now: dt.datetime, reason: str) -> bool:
    row = Organization.objects.select_for_update().get(pk=client.pk)
    if row.suspended_at:
        return False
    row.change(now, suspended_at=now)
    client.suspended_at = now
    record_audit(organization=row, by=by, action="organization.suspend", target=row, data={"reason": reason} if reason else {})
    return True


@writes
def _release(*, client: Organization, by: Actor, now: dt.datetime) -> bool:
    row = Organization.objects.select_for_update().get(pk=client.pk)
    if not row.suspended_at:
        return False
    row.change(now, suspended_at=None)
    client.suspended_at = None
    record_audit(organization=row, by=by, action="organization.release", target=row)
    return True
