"""Talk to an assistant: a web call in which a person types."""

from __future__ import annotations

import uuid
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.assistants.models import Assistant
from apps.assistants.views import find_assistant
from apps.calls.detail import find_call
from apps.calls.models import Call
from apps.calls.services.control import send_command
from apps.calls.services.requests import CallRequest
from apps.calls.services.talk import Heard, type_text
from apps.calls.services.web import open_room
from apps.calls.starting import only_simulates, talk_problem, text_problem
from apps.calls.transcript import transcript
from apps.core import db
from apps.core.errors import Conflict, DomainError
from apps.organizations.access import may, needs
from apps.organizations.middleware import toast
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.voice.services import capabilities, connection_for, find_connection

LONGEST = 2000
OVER = "call_not_active"


class StartForm(forms.Form):
    """The key makes a second click the same talk."""

    key = forms.UUIDField(widget=forms.HiddenInput)


class SayForm(forms.Form):
    text = forms.CharField(label=gettext_lazy("Your message"), max_length=LONGEST)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(Role.MEMBER)
def talk_start(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Says with which version one talks; POST opens the room, comes in and goes there."""
    organization = request.organization  # type: ignore[attr-defined]
    assistant = find_assistant(request, pk)
    form = StartForm(request.POST if request.method == "POST" else None, initial={"key": uuid.uuid4()})
    connection = find_connection(organization)
    problem = talk_problem(connection, assistant)
    if request.method == "POST" and form.is_valid() and not problem:
        try:
            return redirect("talk", org=organization.slug, call_id=_start(organization, assistant, form).public_id)
        except DomainError as refusal:
            form = StartForm(initial={"key": uuid.uuid4()})
            problem = refusal.text
    context = {
        "organization": organization, "assistant": assistant, "form": form, "problem": problem,
        "only_simulates": only_simulates(connection),
    }  # fmt: skip
    return render(request, "calls/talk_start.html", context, status=422 if request.method == "POST" else 200)


@require_safe
def talk(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    """The talk so far and, while it lasts, where to write. What is no typed talk opens as the call it is."""
    organization = request.organization  # type: ignore[attr-defined]
    call = find_call(organization, call_id)
    if not call.is_typed:
        return redirect("call", org=organization.slug, call_id=call.public_id)
    return render(request, "calls/talk.html", _context(request, call, entries=transcript(call)))


@require_safe
def talk_foot(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    """What stands below the talk once it is over: asks again until the report has come."""
    call = find_call(request.organization, call_id)  # type: ignore[attr-defined]
    return render(request, "calls/_talk_foot.html", _context(request, call, is_over=True))


@require_POST
@needs(Role.MEMBER)
def talk_say(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    """Send one message. Without JavaScript the page comes again, whole."""
    call = find_call(request.organization, call_id)  # type: ignore[attr-defined]
    form = SayForm(request.POST)
    if not form.is_valid():
        return _refused(request, call, str(form.errors["text"][0]))
    try:
        heard = type_text(call=call, text=form.cleaned_data["text"])
    except DomainError as problem:
        if problem.type != OVER:
            return _refused(request, call, problem.text)
        heard = Heard([], [], ended=True)
    entries = transcript(Call(turns=heard.turns, tool_calls=heard.tool_calls))
    if request.headers.get("HX-Request"):
        return render(request, "calls/_talk_said.html", _context(request, call, entries=entries, is_over=heard.ended))
    if call.is_private and not heard.ended:
        # Nothing of it is kept, so a page of its own could not show it.
        return render(request, "calls/talk.html", _context(request, call, entries=entries))
    return redirect("talk", org=call.organization.slug, call_id=call.public_id)


@require_POST
@needs(Role.MEMBER)
def talk_end(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    call = find_call(request.organization, call_id)  # type: ignore[attr-defined]
    try:
        send_command(call=call, body={"type": "end-call"}, by=Actor.of(request).label, now=db.now())
    except DomainError as problem:
        if problem.type != OVER:
            return _refused(request, call, problem.text)
    if request.headers.get("HX-Request"):
        return render(request, "calls/_talk_foot.html", _context(request, call, is_over=True))
    return redirect("call", org=call.organization.slug, call_id=call.public_id)


def _start(organization: Organization, assistant: Assistant, form: StartForm) -> Call:
    """A new talk, or the one that this form began already."""
    now, key = db.now(), f"page:{form.cleaned_data['key']}"
    earlier = Call.objects.for_organization(organization).filter(key=key, dial=Call.Dial.ACCEPTED).first()
    if earlier:
        return earlier
    connection = connection_for(organization)
    known = capabilities(connection, now)
    if problem := text_problem(connection):
        raise Conflict(problem)
    request = CallRequest(
        organization=organization, to=None, key=key, origin="page", connection=connection, simulated=known.simulated,
        assistant=assistant, in_text=True,
    )  # fmt: skip
    call = open_room(request=request, now=now).call
    type_text(call=find_call(organization, call.public_id), text="")
    return call


def _context(request: HttpRequest, call: Call, *, entries: Any = (), is_over: bool = False) -> dict[str, Any]:
    return {
        "organization": request.organization,  # type: ignore[attr-defined]
        "call": call,
        "entries": entries,
        "can_edit": may(request, Role.MEMBER),
        "is_over": is_over or call.is_final,
        # The report brings length and cost; it comes a moment after the last word.
        "is_settled": call.is_final and (call.settled_at is not None),
        "longest": LONGEST,
        "visitor": _("You"),
    }


def _refused(request: HttpRequest, call: Call, text: str) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return toast(text, level="error", status=422)
    messages.error(request, text)
    return redirect("talk", org=call.organization.slug, call_id=call.public_id)
