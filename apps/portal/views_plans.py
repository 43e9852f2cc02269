"""The plans of an agency: what a client pays each month, what is included, what it may use."""

from __future__ import annotations

import copy
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.billing.models import Plan
from apps.core import db
from apps.core.errors import NotFound
from apps.core.queue import wake
from apps.organizations.access import agency_of, needs
from apps.organizations.features import USUAL
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.portal.forms_access import AccessForm
from apps.portal.forms_plan import PlanPriceForm
from apps.portal.progress import latest_job, progress_of
from apps.portal.selectors_sales import clients_by_plan
from apps.portal.services.packages import arrange, save_offer
from apps.portal.services.plans import KIND as PUSH
from apps.portal.services.plans import push_plan
from apps.portal.tasks_plans import push_plan as push_task
from apps.portal.views_packages import currency_of


@needs(Role.ADMIN)
@require_GET
def plans(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    rows = list(Plan.objects.for_organization(agency).order_by("position", "created_at", "id"))
    counts = clients_by_plan(agency)
    found: list[dict[str, Any]] = [{"plan": each, "clients": counts.get(each.pk, 0)} for each in rows]
    context = {
        "on_sale": [each for each in found if each["plan"].is_active], "archive": [each for each in found if not each["plan"].is_active],
        "currency": currency_of(agency), **_pushing(agency),
    }  # fmt: skip
    return render(request, "portal/plans.html", context)


@needs(Role.ADMIN)
@require_GET
def plans_progress(request: HttpRequest, org: str) -> HttpResponse:
    """The bar above the plans, asked for each second while a changed plan is on its way to its clients."""
    return render(request, "portal/_bulk.html", _pushing(agency_of(request)))


@needs(Role.ADMIN)
def plan_edit(request: HttpRequest, org: str, pk: UUID | None = None) -> HttpResponse:
    """Price and access are two forms on one page. A changed access reaches the clients that have the plan."""
    agency = agency_of(request)
    row = _plan(agency, pk) if pk else None
    data = request.POST if request.method == "POST" else None
    instance = copy.copy(row) if row else Plan(organization=agency)
    form = PlanPriceForm(data, instance=instance, currency=currency_of(agency))
    access = AccessForm(data, limits=row.limits if row else {}, features=row.features if row else USUAL, prefix="access")
    if data is None or not all([form.is_valid(), access.is_valid()]):
        context = {"form": form, "access": access, "plan": row, "clients": clients_by_plan(agency).get(pk, 0) if pk else 0}
        return render(request, "portal/plan.html", context, status=200 if data is None else 422)
    limits, features = access.values()
    reaches = row is not None and (row.limits, row.features) != (limits, features)
    values = form.cleaned_data | {"limits": limits, "features": features}
    plan = save_offer(agency=agency, kind=Plan, row=row, values=values, by=Actor.of(request), now=db.now())
    if reaches and isinstance(plan, Plan):
        job = push_plan(plan=plan, by=Actor.of(request))
        wake(push_task, str(agency.pk), str(job.pk))
    messages.success(request, _("Saved. Running subscriptions keep their price; limits and features reach all clients with this plan."))
    return redirect("plans", org)


@needs(Role.ADMIN)
@require_POST
def plan_do(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """`do`: up, down, archive or restore."""
    agency = agency_of(request)
    arrange(agency=agency, row=_plan(agency, pk), do=request.POST.get("do"), by=Actor.of(request), now=db.now())
    return redirect("plans", org)


def _pushing(agency: Organization) -> dict[str, Any]:
    job = latest_job(agency, PUSH)
    if job is None:
        return {"job": None}
    found = progress_of(job, db.now())
    words = {"name": job.data.get("name", "")}
    title = _("“%(name)s” has reached its clients") if found["is_done"] else _("“%(name)s” is on its way to its clients")
    return {"job": found, "title": title % words, "says_done": True, "url": reverse("plans_progress", args=[agency.slug])}


def _plan(agency: Organization, pk: UUID) -> Plan:
    found = Plan.objects.for_organization(agency).select_related("organization").filter(pk=pk).first()
    if found is None:
        raise NotFound
    return found
