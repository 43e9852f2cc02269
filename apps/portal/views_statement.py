"""A client's month for the client and its agency, and what the agency earns with each client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from apps.billing.forms import UsageFilter
from apps.billing.models import Seller
from apps.core import db
from apps.core.errors import NotFound
from apps.core.spreadsheet import write_csv
from apps.organizations.access import agency_of, needs
from apps.organizations.middleware import with_deleted_clients
from apps.organizations.models import Organization, Role
from apps.portal.margins import margins, total_of
from apps.portal.statement_files import margin_rows, statement_pdf, statement_rows
from apps.portal.statements import Statement, call_lines, statement_of

MONTHS = 24


@require_safe
@needs(Role.ADMIN)
def statement(request: HttpRequest, org: str) -> HttpResponse:
    """A client sees its own; an agency chooses a client."""
    now, clients = db.now(), _clients(request)
    client = _client(request, clients, needed=False)
    found = _statement(request, client, now) if client else None
    context = {"found": found, "client": client, "clients": clients, "months": _months(client, now) if client else [], "month": _month(request, now)[0]}
    return render(request, "portal/statement.html", context)


@require_safe
@needs(Role.ADMIN)
def statement_csv(request: HttpRequest, org: str) -> HttpResponse:
    """Every booking and call of the month."""
    now = db.now()
    found = _statement(request, _client(request, _clients(request)), now)
    calls = call_lines(found.client, found.start, found.end)
    return _file(b"".join(write_csv(statement_rows(found, calls))), "text/csv; charset=utf-8", f"statement-{found.client.slug}-{found.start:%Y-%m}.csv")


@require_safe
@needs(Role.ADMIN)
def statement_pdf_file(request: HttpRequest, org: str) -> HttpResponse:
    now = db.now()
    found = _statement(request, _client(request, _clients(request)), now)
    content = statement_pdf(found, brand=request.brand, language=get_language() or "en", now=now)  # type: ignore[attr-defined]
    return _file(content, "application/pdf", f"statement-{found.client.slug}-{found.start:%Y-%m}.pdf")


@with_deleted_clients
@require_safe
@needs(Role.ADMIN)
def margin(request: HttpRequest, org: str) -> HttpResponse:
    """For the agency only: what came in and what it cost, by client."""
    agency, now = agency_of(request), db.now()
    start, end = _month(request, now)
    rows = margins(agency, start, end)
    seller = Seller.objects.for_organization(agency).first()
    context = {
        "rows": rows, "total": total_of(rows), "months": _months(agency, now), "month": start, "currency": settings.CURRENCY,
        "other_currency": seller.currency if seller and seller.currency != settings.CURRENCY else "",
    }  # fmt: skip
    return render(request, "portal/margin.html", context)


@with_deleted_clients
@require_safe
@needs(Role.ADMIN)
def margin_csv(request: HttpRequest, org: str) -> HttpResponse:
    agency = agency_of(request)
    start, end = _month(request, db.now())
    content = b"".join(write_csv(margin_rows(margins(agency, start, end), settings.CURRENCY)))
    return _file(content, "text/csv; charset=utf-8", f"margin-{start:%Y-%m}.csv")


def _clients(request: HttpRequest) -> list[Organization]:
    organization: Organization = request.organization  # type: ignore[attr-defined]
    return list(Organization.objects.children_of(organization)) if organization.is_agency else [organization]


def _client(request: HttpRequest, clients: Iterable[Organization], *, needed: bool = True) -> Any:
    organization: Organization = request.organization  # type: ignore[attr-defined]
    if not organization.is_agency:
        return organization
    slug = request.GET.get("client", "")
    found = next((each for each in clients if each.slug == slug), None)
    if found is None and (needed or slug):
        raise NotFound
    return found


def _statement(request: HttpRequest, client: Organization, now: dt.datetime) -> Statement:
    return statement_of(client, *_month(request, now))


def _month(request: HttpRequest, now: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
    wanted = UsageFilter.of({"month": request.GET.get("month", "")})
    this = UsageFilter(month=now.astimezone(dt.UTC).date().replace(day=1))
    return wanted.period or this.period  # type: ignore[return-value]


def _months(organization: Organization, now: dt.datetime) -> list[tuple[str, str]]:
    """From this month back to the one in which it was made."""
    month, oldest = now.astimezone(dt.UTC).date().replace(day=1), organization.created_at.astimezone(dt.UTC).date().replace(day=1)
    found: list[tuple[str, str]] = []
    while month >= oldest and len(found) < MONTHS:
        found.append((f"{month:%Y-%m}", date_format(month, "F Y")))
        month = (month - dt.timedelta(days=1)).replace(day=1)
    return found


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=kind)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "no-store"
    return answer
