"""The audit log."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core import db
from apps.core.spreadsheet import write_csv
from apps.organizations.access import allows, needs
from apps.organizations.audit import AREAS, audit_page, every_line
from apps.organizations.forms import AuditFilterForm
from apps.organizations.models import Membership, Role

MOST_LINES = 20_000


@needs(Role.ADMIN)
@require_safe
def audit_log(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    chosen = AuditFilterForm(request.GET).values()
    lines, after = audit_page(organization, **chosen)
    people = Membership.objects.for_organization(organization).people()
    context = {
        "lines": lines,
        "after": after,
        "chosen": chosen,
        "areas": [each for each in AREAS if each[0] != "connection" or allows(request, "voice_engine")],
        "people": list(people),
        "now": db.now(),
    }
    return render(request, "organizations/audit.html", context)


@needs(Role.ADMIN)
@require_safe
def audit_file(request: HttpRequest, org: str) -> HttpResponse:
    """The log as CSV with the page's filters, newest first."""
    chosen = AuditFilterForm(request.GET).values()
    chosen.pop("before")
    head = ["at", "who", "for", "action", "target", "detail", "address"]
    lines = every_line(request.organization, MOST_LINES, **chosen)  # type: ignore[attr-defined]
    rows = ([line.at.isoformat(), line.who, line.agency, line.action, line.target, json.dumps(line.detail), line.address or ""] for line in lines)
    answer = HttpResponse(b"".join(write_csv([head, *rows])), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="audit.csv"'
    return answer
