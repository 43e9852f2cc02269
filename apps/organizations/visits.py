"""Acting for a client: an agency's person in its workspace, with a reason, for eight hours at most, and seen by the client."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from uuid import UUID

from django.db.models.functions import Now
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.core.db import writes
from apps.core.errors import Invalid
from apps.organizations.audit import entry_line
from apps.organizations.models import AuditEntry, Organization, Visit
from apps.organizations.services import Actor, record_audit

LASTS = dt.timedelta(hours=8)
PAGE = 25
SHOWN = 200  # of what was done, over all visits of a page


@dataclass
class Seen:
    """A visit as the client reads it: `did` is what was done, newest first."""

    visit: Visit
    is_running: bool
    did: list[object] = field(default_factory=list)


def running_visit(*, organization: Organization, user: User) -> Visit | None:
    """This person's visit that still runs. One query, in the client's scope."""
    rows = Visit.objects.for_organization(organization).filter(user=user, ended_at=None, until__gt=Now())
    found: Visit | None = rows.order_by("-created_at").first()
    return found


@writes
def start_visit(
    *, organization: Organization, agency: Organization, user: User, reason: str, address: str | None, now: dt.datetime
) -> Visit:
    """Enter a client's workspace. Raises Invalid without a reason, where the agency asks for one."""
    reason = reason.strip()
    if agency.asks_visit_reason and not reason:
        raise Invalid(_("Say why you open this workspace. The client can read it."), param="reason")
    visit = Visit.objects.create(
        organization=organization, user=user, person=str(user)[:200], agency_id=agency.pk, agency_name=agency.name, reason=reason[:300],
        address=address, until=now + LASTS, created_at=now,
    )  # fmt: skip
    by = Actor(label=str(user), user=user, address=address, visit_id=visit.pk, agency_name=agency.name)
    record_audit(organization=organization, by=by, action="visit.start", data={"reason": visit.reason})
    return visit


@writes
def end_visit(*, organization: Organization, by: Actor, now: dt.datetime) -> None:
    """Leave; a second time changes nothing."""
    rows = Visit.objects.for_organization(organization).filter(user=by.user, ended_at=None, until__gt=now)
    if rows.update(ended_at=now, updated_at=now):
        record_audit(organization=organization, by=by, action="visit.end")


def visits_page(organization: Organization, *, before: UUID | None, now: dt.datetime) -> tuple[list[Seen], UUID | None]:
    """Visits, newest first, each with what was done, and the id after which the next page begins. Two queries."""
    rows = Visit.objects.for_organization(organization).order_by("-id")
    visits = list(rows.filter(pk__lt=before)[: PAGE + 1] if before else rows[: PAGE + 1])
    seen = {each.pk: Seen(each, each.ended_at is None and each.until > now) for each in visits[:PAGE]}
    entries = AuditEntry.objects.for_organization(organization).filter(visit_id__in=list(seen))
    for entry in entries.exclude(action__startswith="visit.").order_by("-created_at", "-pk")[:SHOWN]:
        if entry.visit_id:
            seen[entry.visit_id].did.append(entry_line(entry))
    return list(seen.values()), visits[PAGE - 1].pk if len(visits) > PAGE else None
