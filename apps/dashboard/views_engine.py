"""The page of the voice engine: the one in use, one's own, a test before anything is saved."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import db
from apps.dashboard.engine_page import Touched, state_of, touched_by, words_of
from apps.organizations.access import may, needs
from apps.organizations.models import Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.voice.connecting import connect, disconnect, limit_connection, own_connection, replace_secret
from apps.voice.forms import EngineForm, LinesForm
from apps.voice.models import Connection
from apps.voice.probe import Found, probe
from apps.voice.services import find_connection


@never_cache
@require_http_methods(["GET", "POST"])
def engine(request: HttpRequest, org: str) -> HttpResponse:
    if request.method == "POST":
        return _save(request)
    return _page(request, _form(request))


@require_POST
@needs(Role.ADMIN)
def engine_test(request: HttpRequest, org: str) -> HttpResponse:
    """Say what stands behind what was typed. Nothing is saved."""
    form = _form(request, request.POST, is_test=True)
    is_fragment = bool(request.htmx)  # type: ignore[attr-defined]
    if not form.is_valid():
        if is_fragment:
            problems = [str(text) for texts in form.errors.values() for text in texts]
            return render(request, "voice/_found.html", {"problems": problems}, status=422)
        return _page(request, form, status=422)
    found = probe(form.connection(request.organization))  # type: ignore[attr-defined]
    if is_fragment:
        return render(request, "voice/_found.html", {"found": found})
    return _page(request, form, found=found)


@require_POST
@needs(Role.ADMIN)
def engine_disconnect(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    if _own(organization) is None or not disconnect(organization=organization, by=Actor.of(request), now=db.now()):
        messages.info(request, _("There was no voice engine of your own."))
    elif find_connection(organization) is None:
        messages.warning(request, _("Your voice engine is removed. No other one is there: calls are refused."))
    else:
        messages.success(request, _("Your voice engine is removed. The provided one is used from now on."))
    return redirect("engine", org)


@require_POST
@needs(Role.ADMIN)
def engine_secret(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    if _own(organization) and replace_secret(organization=organization, by=Actor.of(request), now=db.now()):
        messages.success(request, _("The engine learns its new signing secret within a minute. Both count meanwhile."))
    else:
        messages.info(request, _("There was no voice engine of your own."))
    return redirect("engine", org)


@require_POST
@needs(Role.ADMIN)
def engine_limits(request: HttpRequest, org: str) -> HttpResponse:
    own = _own(request.organization)  # type: ignore[attr-defined]
    if own is None:
        messages.info(request, _("There was no voice engine of your own."))
        return redirect("engine", org)
    lines = LinesForm(request.POST, own)
    if not lines.is_valid():
        return _page(request, _form(request), lines=lines, status=422)
    limit_connection(connection=own, values=lines.cleaned_data, by=Actor.of(request), now=db.now())
    messages.success(request, _("The limits of your voice engine hold from now on."))
    return redirect("engine", org)


@needs(Role.ADMIN)
def _save(request: HttpRequest) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    form = _form(request, request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    found = probe(form.connection(organization))
    if not found.is_well and not form.cleaned_data["anyway"]:
        return _page(request, form, found=found, failed=True, status=422)
    wanted = form.wanted(**found_values(found))
    made = connect(organization=organization, wanted=wanted, by=Actor.of(request), now=db.now())
    messages.success(request, _("Calls go through %(engine)s from now on.") % {"engine": made.name})
    return redirect("engine", organization.slug)


def found_values(found: Found) -> dict[str, Any]:
    """What a connection keeps of its test; nothing of one that failed."""
    if not found.is_well:
        return {}
    return {"name": found.account or "", "account_id": found.account_id, "announced": found.announced}


def _own(organization: Organization) -> Connection | None:
    """The engine that the organization chose itself; an account that it was given is not one."""
    own = own_connection(organization)
    return own if own is not None and own.via_id is None else None


def _form(request: HttpRequest, data: Any = None, *, is_test: bool = False) -> EngineForm:
    organization = request.organization  # type: ignore[attr-defined]
    asks = not is_test and find_connection(organization) is not None
    is_neutral = not request.brand.is_installation  # type: ignore[attr-defined]
    return EngineForm(data, current=_own(organization), asks=asks, is_neutral=is_neutral)


def _page(
    request: HttpRequest, form: EngineForm, *, found: Found | None = None, failed: bool = False, status: int = 200,
    lines: LinesForm | None = None,
) -> HttpResponse:  # fmt: skip
    organization = request.organization  # type: ignore[attr-defined]
    used = find_connection(organization)
    context = {
        "state": state_of(organization), "form": form, "found": found, "failed": failed, "own": form.current,
        "touched": words_of(_touched(request, organization, used)), "may_edit": may(request, Role.ADMIN),
        "lines": lines or (LinesForm(None, form.current) if form.current else None),
    }  # fmt: skip
    return render(request, "voice/engine.html", context, status=status)


def _touched(request: HttpRequest, organization: Organization, used: Connection | None) -> Touched:
    """A page that is read holds the clients' rows already; after a form was sent they are asked for."""
    if request.method != "POST" or not organization.is_agency:
        return touched_by(organization, used)
    with acting_for(organization, with_parent=True, with_children=True):
        return touched_by(organization, used)
