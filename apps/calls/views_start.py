"""Beginning a call from a page: call now, and the sandbox's simulated incoming call."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe
from django_htmx.http import HttpResponseClientRedirect

from apps.assistants.models import Assistant
from apps.calls.forms import CallForm, SimulateForm
from apps.calls.models import Call
from apps.calls.selectors import assistants_of, numbers_of
from apps.calls.services.dial import start_call
from apps.calls.services.requests import CallRequest
from apps.calls.services.simulate import find_simulated, simulate_inbound
from apps.calls.starting import call_form, call_problem, only_simulates, simulate_form, simulate_problem
from apps.core import db
from apps.core.errors import DomainError
from apps.numbers.models import PhoneNumber
from apps.organizations.access import needs
from apps.organizations.models import Organization, Role
from apps.voice.services import capabilities, connection_for, find_connection

# The API's names of fields, as the forms call them.
FIELDS = {"destination": "destination", "assistant_id": "assistant", "number_id": "number", "from": "caller", "to": "to"}


@needs(Role.MEMBER)
def call_new(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    assistants, numbers = assistants_of(organization), numbers_of(organization)
    initial = {name: request.GET[name] for name in ("assistant", "destination", "number") if request.GET.get(name)}
    form = call_form(organization, assistants, numbers, request.POST or None, initial)
    if request.method == "POST" and form.is_valid():
        try:
            call = _start(organization, form, assistants, numbers)
        except DomainError as problem:
            _show(form, problem)
        else:
            return _go(request, reverse("call", args=[organization.slug, call.public_id]))
    connection = find_connection(organization)
    context = {"call_problem": call_problem(connection, assistants, numbers), "only_simulates": only_simulates(connection)}
    return _form(request, "call", context | {"call_form": form}, form)


@needs(Role.MEMBER)
def call_simulate(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    numbers = numbers_of(organization)
    form = simulate_form(organization, numbers, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            ref = _simulate(organization, form, numbers)
        except DomainError as problem:
            _show(form, problem)
        else:
            return _go(request, reverse("call_incoming", args=[organization.slug, ref]))
    reason = simulate_problem(find_connection(organization), numbers)
    return _form(request, "simulate", {"simulate_form": form, "simulate_problem": reason}, form)


@require_safe
def call_incoming(request: HttpRequest, org: str, ref: str) -> HttpResponse:
    """A simulated call on its way: looks every second whether the engine has told us of it, then opens it."""
    organization = request.organization  # type: ignore[attr-defined]
    if call := find_simulated(organization, ref):
        return _go(request, reverse("call", args=[organization.slug, call.public_id]))
    return render(request, "calls/incoming.html", {"organization": organization, "ref": ref})


def _start(
    organization: Organization, form: CallForm, assistants: list[Assistant], numbers: list[PhoneNumber]
) -> Call:
    now, values = db.now(), form.cleaned_data
    connection = connection_for(organization)
    assistant = Assistant.objects.for_organization(organization).get(pk=values["assistant"])
    request = CallRequest(
        organization=organization, to=values["destination"], key=f"page:{values['key']}", origin="page",
        connection=connection, simulated=capabilities(connection, now).simulated, assistant=assistant,
        number=next((each for each in numbers if str(each.pk) == values["number"]), None),
        greeting=values["first_message"] or None,
    )  # fmt: skip
    return start_call(request=request, now=now)


def _simulate(organization: Organization, form: SimulateForm, numbers: list[PhoneNumber]) -> str:
    values = form.cleaned_data
    number = next(each for each in numbers if str(each.pk) == values["to"])
    return simulate_inbound(
        organization=organization, number=number, from_=values["caller"], outcome=values["outcome"] or None, now=db.now()
    )


def _show(form: forms.Form, problem: DomainError) -> None:
    """Put a refusal at its field, else above the form."""
    field = FIELDS.get(problem.param or "")
    form.add_error(field if field in form.fields else None, problem.text)


def _form(request: HttpRequest, name: str, context: dict[str, Any], form: forms.Form) -> HttpResponse:
    """The form again, in its dialog or, without JavaScript, as a page."""
    piece = request.headers.get("HX-Request") and request.method == "POST"
    template = f"calls/_{name}_form.html" if piece else f"calls/{name}_new.html"
    context |= {"organization": request.organization}  # type: ignore[attr-defined]
    return render(request, template, context, status=422 if form.errors else 200)


def _go(request: HttpRequest, url: str) -> HttpResponse:
    return HttpResponseClientRedirect(url) if request.headers.get("HX-Request") else redirect(url)
