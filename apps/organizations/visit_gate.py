"""The door of a client's workspace for the people of its agency."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.shortcuts import redirect, render
from django.urls import reverse

from apps.accounts.people import person
from apps.core import db
from apps.core.api import flat
from apps.core.api_request import wants_json
from apps.core.client import client_address
from apps.core.errors import Forbidden
from apps.organizations.forms import VisitForm
from apps.organizations.models import Organization
from apps.organizations.visits import running_visit, start_visit

SAFE = ("GET", "HEAD", "OPTIONS")
MOST_KEPT = 64_000  # of a form that was sent without a visit, in characters
OWN = ("csrfmiddlewaretoken", "visit_reason", "visit_next", "visit_sends")


def enter(request: HttpRequest, organization: Organization) -> HttpResponse | None:
    """Sets `request.visit` and lets through (None); without a running visit the answer asks for the reason.

    Where the agency asks for no reason a visit begins by itself: the client sees it all the same. Runs in the client's scope,
    outside of a transaction.
    """
    request.visit = running_visit(organization=organization, user=person(request))  # type: ignore[attr-defined]
    if request.visit or request.path_info == reverse("visit", args=[organization.slug]):  # type: ignore[attr-defined]
        return None
    agency = organization.parent
    assert agency is not None
    if agency.asks_visit_reason:
        return _stop(request, organization)
    request.visit = start_visit(  # type: ignore[attr-defined]
        organization=organization, agency=agency, user=person(request), reason="", address=client_address(request), now=db.now()
    )
    return None


def ask(request: HttpRequest, form: VisitForm, *, kept: list[tuple[str, str]] = [], status: int = 200) -> HttpResponse:  # noqa: B006
    """The page with the question. `kept`: what is to be sent on afterwards."""
    if form.is_bound and request.POST.get("visit_sends"):
        kept = _fields(request)
    return render(request, "organizations/visit.html", {"form": form, "kept": kept}, status=status)


def _stop(request: HttpRequest, organization: Organization) -> HttpResponse:
    address = reverse("visit", args=[organization.slug])
    if wants_json(request):
        return flat(Forbidden("Open the workspace in a browser first and say why you enter it.", type="visit_required"))
    if request.headers.get("HX-Request"):
        here = urlsplit(request.headers.get("HX-Current-URL", "")).path
        return HttpResponse(status=204, headers={"HX-Redirect": f"{address}?{urlencode({'next': here})}"})
    if request.method in SAFE:
        return redirect(f"{address}?{urlencode({'next': request.get_full_path()})}")
    if _may_be_kept(request):
        form = VisitForm(initial={"visit_next": request.get_full_path(), "visit_sends": "1"})
        return ask(request, form, kept=_fields(request))
    return redirect(f"{address}?{urlencode({'next': urlsplit(request.headers.get('Referer', '')).path})}")


def _may_be_kept(request: HttpRequest) -> bool:
    """A form of ours, without files. One that another site made her send must not come back with our token."""
    if request.method != "POST" or request.FILES or sum(len(key) + len(value) for key, value in _fields(request)) > MOST_KEPT:
        return False
    guard = CsrfViewMiddleware(lambda _request: HttpResponse())
    guard.process_request(request)
    return guard.process_view(request, lambda _request: HttpResponse(), (), {}) is None


def _fields(request: HttpRequest) -> list[tuple[str, str]]:
    return [(key, str(value)) for key, values in request.POST.lists() if key not in OWN for value in values]
