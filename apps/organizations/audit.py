"""Reading the audit log: what was done in the organization beside what happened to its people's accounts."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import SecurityEvent
from apps.organizations.models import AuditEntry, Membership, Organization

SECURITY = "security"
VISITS = "all"
AREAS = [
    ("assistant", _("Assistants")),
    ("number", _("Numbers")),
    ("trunk", _("SIP trunks")),
    ("workflow", _("Workflows")),
    ("mcp_server", _("MCP servers")),
    ("campaign", _("Campaigns")),
    ("call", _("Calls")),
    ("member", _("Members")),
    ("invitation", _("Invitations")),
    ("api_key", _("API keys")),
    ("provider_key", _("Provider keys")),
    ("sender_domain", _("E-mail domain")),
    ("connection", _("Voice engine")),
    ("webhook", _("Webhooks")),
    ("app", _("Connected apps")),
    ("embed", _("Website widgets")),
    ("organization", _("Settings")),
    ("credits", _("Credits")),
    ("subscription", _("Subscription")),
    ("purchase", _("Purchases")),
    (SECURITY, _("Sign-in and security")),
]
VERBS = {
    "create": _("created"), "update": _("changed"), "delete": _("deleted"), "remove": _("removed"), "revoke": _("revoked"),
    "accept": _("accepted"), "resend": _("sent again"), "role": _("role changed"), "leave": _("left"),
    "duplicate": _("duplicated"), "start": _("started"), "pause": _("paused"), "resume": _("resumed"),
    "register": _("registered"), "add": _("added"), "complete": _("completed"), "close": _("closed"),
    "cancel": _("cancelled"), "import": _("imported"), "assign": _("assigned"), "retention": _("retention changed"),
    "replace": _("replaced"), "settings": _("settings changed"), "broken": _("refused by the provider"),
    "pick": _("chosen"), "connect": _("connected"), "disconnect": _("disconnected"),
    "enable": _("switched on"), "disable": _("switched off"), "switch": _("new secret in use"), "rotate": _("new secret"), "replay": _("sent again"),
    "approve": _("approved"), "refuse": _("refused"), "erase": _("erased"), "end": _("ended"), "plan": _("plan changed"), "limits": _("limits changed"), "push": _("brought to its clients"),
    "rate": _("rate changed"), "order": _("ordered"), "payment": _("payment noted"), "refund": _("refund asked for"),
    "refunded": _("refunded"), "archive": _("archived"), "restore": _("offered again"),
}  # fmt: skip
NOUNS = {
    "assistant": _("Assistant"), "number": _("Number"), "trunk": _("SIP trunk"), "campaign": _("Campaign"), "call": _("Call"),
    "member": _("Member"), "invitation": _("Invitation"), "api_key": _("API key"), "organization": _("Settings"),
    "lead": _("Leads"), "credits": _("Credits"), "billing": _("Credits"), "connection": _("Voice engine"),
    "control": _("Live call"), "demo": _("Demo"), "app": _("Connected app"),
    "provider_key": _("Provider key"), "sender_domain": _("E-mail domain"), "workflow": _("Workflow"),
    "visit": _("Visit"), "plan": _("Plan"), "wallet": _("Wallet"), "subscription": _("Subscription"),
    "purchase": _("Purchase"), "invoice": _("Invoice"), "embed": _("Website widget"),
    "mcp_server": _("MCP server"), "recording": _("Recording"), "person": _("A person's data"),
    "sign_up": _("Sign-up"), "library": _("Library"), "domain": _("Domain"), "portal": _("Portal"), "client": _("Clients"),
    "announcement": _("Announcement"), "brand": _("Brand"), "package": _("Package"), "seller": _("Payments"), "buyer": _("Billing details"),
}  # fmt: skip
PAGE = 50


@dataclass(frozen=True)
class Line:
    """One line of the log, from either table."""

    at: dt.datetime
    pk: UUID
    who: str
    action: str
    what: str
    target: str
    detail: dict[str, Any]
    address: str | None
    is_security: bool
    agency: str = ""
    visit_id: UUID | None = None

    @property
    def cursor(self) -> str:
        return f"{self.at.isoformat()}~{self.pk}"


def audit_page(
    organization: Organization, *, person: UUID | None = None, area: str | None = None, before: str | None = None,
    visit: str | None = None, since: dt.datetime | None = None, until: dt.datetime | None = None,
) -> tuple[list[Line], str | None]:  # fmt: skip
    """Up to 50 lines, newest first, and the cursor of the next page. Always the same number of queries.

    Args:
        person: only what this member did.
        area: a key of AREAS.
        before: the cursor of an earlier page.
        since, until: from this instant on, and before that one.
        visit: only what was done on this visit of an agency's person (its id), or on any (`VISITS`).
    """
    lines: list[Line] = []
    period = {name: at for name, at in (("created_at__gte", since), ("created_at__lt", until)) if at}
    if area != SECURITY:
        lines += [entry_line(row) for row in _window(_entries(organization, person, area, visit).filter(**period), before)]
    if area in (None, SECURITY) and not visit:
        lines += [_event(row) for row in _window(_events(organization, person).filter(**period), before)]
    lines.sort(key=lambda line: (line.at, line.pk), reverse=True)
    page = lines[:PAGE]
    return page, page[-1].cursor if len(lines) > PAGE else None


def every_line(organization: Organization, most: int, **chosen: Any) -> Iterator[Line]:
    """Up to `most` lines, newest first, page after page; `chosen` as for `audit_page`, without a cursor."""
    before, given = None, 0
    while True:
        page, before = audit_page(organization, before=before, **chosen)
        for line in page:
            given += 1
            if given > most:
                return
            yield line
        if before is None:
            return


def _entries(organization: Organization, person: UUID | None, area: str | None, visit: str | None = None) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.for_organization(organization)
    rows = rows.filter(user_id=person) if person else rows
    rows = rows.filter(action__startswith=f"{area}.") if area else rows
    if visit:
        rows = rows.filter(visit_id__isnull=False) if visit == VISITS else rows.filter(visit_id=visit)
    return rows


def _events(organization: Organization, person: UUID | None) -> QuerySet[SecurityEvent]:
    members = Membership.objects.for_organization(organization)
    members = members.filter(user_id=person) if person else members
    return SecurityEvent.objects.of_people(members.values("user_id"))


def _window(rows: QuerySet[Any], before: str | None) -> QuerySet[Any]:
    if before:
        at, _sep, pk = before.partition("~")
        instant = dt.datetime.fromisoformat(at)
        rows = rows.filter(Q(created_at__lt=instant) | Q(created_at=instant, pk__lt=UUID(pk)))
    return rows.order_by("-created_at", "-pk")[: PAGE + 1]


def entry_line(row: AuditEntry) -> Line:
    """An entry as it is read; what an agency's person did on a visit names the agency, too."""
    noun, _dot, verb = row.action.partition(".")
    what = f"{NOUNS.get(noun, noun.replace('_', ' ').capitalize())}: {VERBS.get(verb, verb.replace('_', ' '))}"
    return Line(
        row.created_at, row.pk, row.actor, row.action, what, row.target, row.data, row.address, False, row.agency_name, row.visit_id
    )


def _event(row: SecurityEvent) -> Line:
    who = str(row.user) if row.user else row.email
    return Line(row.created_at, row.pk, who, row.kind, row.get_kind_display(), "", {}, row.address, True)
