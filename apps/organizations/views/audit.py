"""The audit log."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.core import db
from apps.organizations.access import needs
from apps.organizations.audit import AREAS, audit_page
from apps.organizations.forms import AuditFilterForm
from apps.organizations.models import Membership, Role


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
        "areas": AREAS,
        "people": list(people),
        "now": db.now(),
    }
    return render(request, "organizations/audit.html", context)
