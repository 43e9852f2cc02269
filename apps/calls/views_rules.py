"""How often a number is called and how people opt out: the calling rules of an organization."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.calls.by_number import rules_of
from apps.calls.forms_rules import CallingRulesForm
from apps.calls.services.calling_rules import StaleRules, save_rules
from apps.core import db
from apps.organizations.access import needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@needs(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def calling_rules(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    rules = rules_of(organization)
    form = CallingRulesForm(request.POST or None, rules=rules)
    status, conflict = 422 if form.errors else 200, False
    version = request.POST.get("version", "") if request.method == "POST" else str(rules.version)
    if request.method == "POST" and form.is_valid():
        try:
            save_rules(
                organization=organization, values=form.values, expected=version, by=Actor.of(request), now=db.now()
            )
        except StaleRules as stale:
            # What was typed may now be saved over the newer one.
            status, conflict, version = 409, True, str(stale.current.version)
        else:
            messages.success(request, _("The calling rules were saved."))
            return redirect("calling_rules", org=organization.slug)
    context = {"form": form, "version": version, "is_stale": conflict, "organization": organization}
    return render(request, "calls/rules.html", context, status=status)
