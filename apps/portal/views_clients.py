"""The agency's console: all its clients in one table, one page for each, and what is done to many at once."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST, require_safe

from apps.billing.models import CREDIT, Plan, Seller
from apps.core import db
from apps.core.queue import wake
from apps.core.spreadsheet import write_csv
from apps.organizations.access import agency_of, needs
from apps.organizations.audit import audit_page
from apps.organizations.invitations import invite
from apps.organizations.models import Invitation, Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal import tasks_bulk
from apps.portal.forms_clients import ClientForm, DeleteForm
from apps.portal.progress import latest_job, progress_of
from apps.portal.selectors import ORDERS, ClientRow, Totals, client_row, clients_of, people_of
from apps.portal.services.bulk import KIND as BULK
from apps.portal.services.bulk import begin_bulk
from apps.portal.services.care import client_of, delete_client, release_client, suspend_client
from apps.portal.services.clients import create_client
from apps.portal.services.engine_accounts import clients_with_account, parent_connection
from apps.portal.services.export import begin_export, exported_file, latest_export
from apps.portal.services.library import copy_to_new_client
from apps.portal.services.newcomers import furnish

PAGE = 50


def client_for_change(request: HttpRequest, slug: str) -> Organization:
    """The client behind the address of a form that was sent: its rows are asked for in a scope that reads the children."""
    agency = agency_of(request)
    with acting_for(agency, with_children=True):
        return client_of(agency, slug)


@require_safe
def clients(request: HttpRequest, org: str) -> HttpResponse:
    agency, now = agency_of(request), db.now()
    found = _found(request, agency)
    page = Paginator(found.rows, PAGE).get_page(request.GET.get("page"))
    gives = parent_connection(agency) is not None
    context = {
        "totals": found, "page": page, "text": request.GET.get("q", ""), "state": request.GET.get("state", ""),
        "gives_accounts": gives, "with_account": clients_with_account(agency) if gives else set(), "now": now,
        "plans": Plan.objects.for_organization(agency).filter(is_active=True).order_by("position", "name"),
        "currency": _currency(agency), "job": _progress(agency),
    }  # fmt: skip
    return render(request, "portal/clients.html", context)


@needs(Role.ADMIN)
@require_GET
def clients_file(request: HttpRequest, org: str) -> HttpResponse:
    """The table as CSV, with the filters of the page."""
    head = ["id", "name", "state", "plan", "balance_credits", "minutes_this_month", "invoiced_cents_this_month", "cost_cents_this_month",
            "calls_today", "failed_today", "last_sign_in"]  # fmt: skip
    rows = [
        [row.organization.pk, row.organization.name, "suspended" if row.organization.is_suspended else "active", row.plan,
         "" if row.balance is None else f"{row.balance / CREDIT:.4f}", f"{row.month_seconds / 60:.2f}", row.revenue_cents, row.cost_cents,
         row.calls_today, row.failed_today, row.last_sign_in.isoformat() if row.last_sign_in else ""]
        for row in _found(request, agency_of(request)).rows
    ]  # fmt: skip
    answer = HttpResponse(b"".join(write_csv([head, *rows])), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = 'attachment; filename="clients.csv"'
    return answer


@needs(Role.ADMIN)
@require_http_methods(["GET", "HEAD", "POST"])
def client_create(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    form = ClientForm(request.POST if request.method == "POST" else None, agency)
    if not form.is_valid():
        return render(request, "portal/client_form.html", {"form": form}, status=422 if form.errors else 200)
    by, values = Actor.of(request), form.cleaned_data
    made, _secret = create_client(agency=agency, name=values["name"], by=by)
    furnish(client=made, plan=values["plan"], has_wallet=values["has_wallet"], by=by, now=db.now())
    for problem in copy_to_new_client(agency=agency, client=made, by=by, now=db.now()):
        messages.warning(request, problem)
    if values["email"]:
        with acting_for(made):
            invite(organization=made, email=values["email"], role=Role.OWNER, brand=made.brand, by=by, now=db.now())
        messages.success(request, _("%(name)s is ready, and %(email)s has an invitation.") % {"name": made.name, "email": values["email"]})
    else:
        messages.success(request, _("%(name)s is ready. Invite its people from here.") % {"name": made.name})
    return redirect("client", org, made.slug)


@require_safe
def client(request: HttpRequest, org: str, client: str) -> HttpResponse:
    agency, now = agency_of(request), db.now()
    return render(request, "portal/client.html", _client_page(agency, client_of(agency, client), now))


@require_POST
@needs(Role.ADMIN)
def client_invite(request: HttpRequest, org: str, client: str) -> HttpResponse:
    row = client_for_change(request, client)
    with acting_for(row):
        invite(
            organization=row, email=request.POST.get("email", "")[:254], role=_role(request), brand=row.brand, by=Actor.of(request), now=db.now()
        )
    messages.success(request, _("The invitation is on its way."))
    return redirect("client", org, client)


@require_POST
@needs(Role.ADMIN)
def client_suspend(request: HttpRequest, org: str, client: str) -> HttpResponse:
    row = client_for_change(request, client)
    if request.POST.get("suspended") == "0":
        release_client(client=row, by=Actor.of(request), now=db.now())
        messages.success(request, _("%(name)s works again. Campaigns that were paused by it go on by themselves.") % {"name": row.name})
    else:
        suspend_client(client=row, by=Actor.of(request), now=db.now(), reason=request.POST.get("reason", "")[:300])
        messages.success(request, _("%(name)s is suspended: no calls in or out. Nothing is lost.") % {"name": row.name})
    return redirect("client", org, client)


@needs(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def client_delete(request: HttpRequest, org: str, client: str) -> HttpResponse:
    """Asks for the name, offers the export first, then erases."""
    agency = agency_of(request)
    row = client_for_change(request, client) if request.method == "POST" else client_of(agency, client)
    form = DeleteForm(request.POST if request.method == "POST" else None, row)
    if form.is_valid():
        delete_client(client=row, by=Actor.of(request), now=db.now())
        messages.success(request, _("%(name)s is deleted. Its invoices and usage stay in your statements.") % {"name": row.name})
        return redirect("clients", org)
    with acting_for(row) if request.method == "POST" else nullcontext():
        context = {"form": form, "client": row, "export": latest_export(row)}
    return render(request, "portal/client_delete.html", context, status=422 if form.errors else 200)


@require_POST
@needs(Role.ADMIN)
def client_export(request: HttpRequest, org: str, client: str) -> HttpResponse:
    row = client_for_change(request, client)
    with acting_for(row):
        job = begin_export(organization=row, by=Actor.of(request))
    wake(tasks_bulk.export_one, str(row.pk), str(job.pk))
    messages.success(request, _("The export is being made. It waits for you on this page."))
    return redirect("client", org, client)


@needs(Role.ADMIN)
@require_GET
def client_export_file(request: HttpRequest, org: str, client: str, job: UUID) -> HttpResponse:
    row = client_of(agency_of(request), client)
    _job, file = exported_file(row, job)
    answer: Any = FileResponse(file, as_attachment=True, filename=f"{row.slug}.zip", content_type="application/zip")
    return answer


@require_POST
@needs(Role.ADMIN)
def clients_bulk(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    plan = request.POST.get("plan", "")
    job = begin_bulk(
        agency=agency, action=request.POST.get("action", ""), clients=request.POST.getlist("clients"), by=Actor.of(request),
        plan=UUID(plan) if plan else None,
    )  # fmt: skip
    wake(tasks_bulk.run, str(agency.pk), str(job.pk))
    return redirect("clients", org)


@require_GET
def clients_progress(request: HttpRequest, org: str) -> HttpResponse:
    """The bar above the table, asked for each second while work is under way."""
    return render(request, "portal/_bulk.html", {"job": _progress(agency_of(request))})


def _found(request: HttpRequest, agency: Organization) -> Totals:
    order = request.GET.get("order", "name")
    return clients_of(
        agency, db.now(), text=request.GET.get("q", "").strip()[:100], state=request.GET.get("state", ""),
        order=order if order.removeprefix("-") in ORDERS else "name",
    )  # fmt: skip


def _client_page(agency: Organization, row: Organization, now: Any) -> dict[str, Any]:
    figures: ClientRow = client_row(agency, row, now)
    lines, _more = audit_page(row)
    return {
        "client": row, "figures": figures, "people": people_of(row), "lines": lines[:8], "export": latest_export(row), "now": now,
        "invitations": Invitation.objects.for_organization(row).open(now).order_by("email"),
        "roles": Role.choices, "currency": _currency(agency),
    }  # fmt: skip


def _progress(agency: Organization) -> dict[str, Any] | None:
    job = latest_job(agency, BULK)
    return progress_of(job, db.now()) if job else None


def _currency(agency: Organization) -> str:
    seller = Seller.objects.for_organization(agency).first()
    return seller.currency if seller else settings.CURRENCY


def _role(request: HttpRequest) -> Role:
    wanted = request.POST.get("role", "")
    return Role(wanted) if wanted in Role.values else Role.MEMBER
