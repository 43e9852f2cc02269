"""What one client may use: its plan, and what of it is different for this client."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.billing.models import Plan
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import agency_of, needs
from apps.organizations.limits import NAMES
from apps.organizations.models import Limits, Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal.forms_access import AccessForm
from apps.portal.services.plans import assign_plan, drop_exceptions, plan_of, set_exceptions


@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def client_access(request: HttpRequest, org: str, client: str) -> HttpResponse:
    """`do`: assign a plan, save what is switched on, or go back to the plan."""
    agency = agency_of(request)
    if request.method == "POST":
        return _change(request, agency, client)
    found = _client(agency, client)
    limits = Limits.objects.for_organization(found).first() or Limits(organization=found)
    return _page(request, found, limits, plan_of(found, limits), _form(limits, plan_of(found, limits)))


def _change(request: HttpRequest, agency: Organization, slug: str) -> HttpResponse:
    # After a form was sent the clients' rows are asked for; they are written in the client's own scope.
    with acting_for(agency, with_children=True):
        client = _client(agency, slug)
        limits = Limits.objects.for_organization(client).first() or Limits(organization=client)
    by, now, do = Actor.of(request), db.now(), request.POST.get("do", "")
    if do == "plan":
        plan = _plan(agency, request.POST.get("plan", ""))
        assign_plan(client=client, plan=plan, by=by, now=now)
        text = _("%(name)s has the plan “%(plan)s” now.") % {"name": client.name, "plan": plan.name} if plan else _("%(name)s has no plan now.") % {"name": client.name}
    elif do == "reset":
        drop_exceptions(client=client, by=by, now=now)
        text = _("%(name)s has exactly what its plan says.") % {"name": client.name}
    else:
        form = _form(limits, plan_of(client, limits), request)
        if not form.is_valid():
            return _page(request, client, limits, plan_of(client, limits), form)
        chosen, features = form.values()
        set_exceptions(client=client, limits=chosen, features=features, by=by, now=now)
        text = _("What %(name)s may use holds from now on.") % {"name": client.name}
    messages.success(request, text)
    return redirect("client_access", agency.slug, slug)


def _page(request: HttpRequest, client: Organization, limits: Limits, plan: Plan | None, form: AccessForm) -> HttpResponse:
    plans = Plan.objects.for_organization(request.organization).order_by("position", "name")  # type: ignore[attr-defined]
    own = limits.exceptions or {}
    context = {
        "client": client, "plan": plan, "access": form, "plans": [each for each in plans if each.is_active or each == plan],
        "has_exceptions": plan is not None and bool(own.get("limits") or own.get("features")),
    }  # fmt: skip
    return render(request, "portal/client_access.html", context, status=422 if form.errors else 200)


def _form(limits: Limits, plan: Plan | None, request: HttpRequest | None = None) -> AccessForm:
    held = {name: getattr(limits, name) for name in NAMES}
    return AccessForm(
        request.POST if request else None, limits=held, features=limits.features, plan_features=plan.features if plan else ()
    )


def _client(agency: Organization, slug: str) -> Organization:
    found = Organization.objects.children_of(agency).filter(slug=slug).first()
    if found is None:
        raise NotFound(_("There is no such client."))
    return found


def _plan(agency: Organization, pk: str) -> Plan | None:
    if not pk:
        return None
    found = {str(each.pk): each for each in Plan.objects.for_organization(agency)}.get(pk)
    if found is None:
        raise NotFound(_("There is no such plan."))
    return found
