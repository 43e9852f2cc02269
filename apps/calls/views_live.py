"""A running call: the fragment that follows it, and commands to it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from apps.calls.detail import detail_of, find_call
from apps.calls.forms import CommandForm
from apps.calls.models import Call
from apps.calls.services.control import read_command, send_command
from apps.core import db
from apps.core.errors import DomainError
from apps.organizations.access import may, needs
from apps.organizations.middleware import toast, trigger
from apps.organizations.models import Role
from apps.organizations.services import Actor

DONE: dict[str, str | Promise] = {
    "say": _("The assistant says it."),
    "inject-context": _("The assistant knows it now."),
    "transfer": _("The call is being transferred."),
    "end-call": _("The call is being ended."),
}


@require_safe
def call_live(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    """The page's inside as it is now. It asks for itself again while the call runs, and stops by itself."""
    organization = request.organization  # type: ignore[attr-defined]
    call = find_call(organization, call_id)
    context = detail_of(organization, call, can_edit=may(request, Role.MEMBER), now=db.now())
    return render(request, "calls/_call.html", context | {"can_admin": may(request, Role.ADMIN)})


@require_POST
@needs(Role.MEMBER)
def call_command(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    """Send one command. What came of it is a toast, or a message when the page was posted without JavaScript."""
    organization = request.organization  # type: ignore[attr-defined]
    call = find_call(organization, call_id)
    try:
        text, level = _send(request, call), "success"
    except DomainError as problem:
        text, level = _words(problem), "error"
    if not request.headers.get("HX-Request"):
        messages.add_message(request, messages.SUCCESS if level == "success" else messages.ERROR, text)
        return redirect("call", org=organization.slug, call_id=call.public_id)
    if level == "error":
        return toast(text, level=level, status=422)
    answer = toast(text)
    answer["HX-Trigger"] = trigger(toast={"level": level, "text": text}, **{"close-dialog": True})
    return answer


def _send(request: HttpRequest, call: Call) -> str:
    form = CommandForm(request.POST, country=request.organization.country)  # type: ignore[attr-defined]
    body = read_command(form.body() if form.is_valid() else {})
    sent = send_command(call=call, body=body, by=Actor.of(request).label, now=db.now())
    return " ".join(filter(None, [str(DONE[body["type"]]), sent.hint]))


def _words(problem: DomainError) -> str:
    """The refusal without the API's name of the field: on the page the field stands in front of the person."""
    text = problem.text.removeprefix(f"{problem.param}: ")
    return text[:1].upper() + text[1:].rstrip(".") + "."
