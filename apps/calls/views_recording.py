"""The recording on a call's page: whether it is there yet, and deleting it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from apps.calls.detail import detail_of, find_call
from apps.calls.services.recordings import delete_recording
from apps.core import db
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@require_safe
def call_recording(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    """The player, or that the recording is being fetched; it asks for itself again until it is there."""
    organization = request.organization  # type: ignore[attr-defined]
    call = find_call(organization, call_id)
    if not request.headers.get("HX-Request"):
        return redirect("call", org=organization.slug, call_id=call.public_id)
    context = detail_of(organization, call, can_edit=may(request, Role.MEMBER), now=db.now())
    return render(request, "calls/_recording.html", context | {"can_admin": may(request, Role.ADMIN)})


@require_POST
@needs(Role.ADMIN)
def recording_delete(request: HttpRequest, org: str, call_id: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    call = find_call(organization, call_id)
    delete_recording(call=call, by=Actor.of(request), now=db.now())
    messages.success(request, _("The recording was deleted."))
    return redirect("call", org=organization.slug, call_id=call.public_id)
