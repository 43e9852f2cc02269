"""Recordings lie at the engine; our signed link fetches one for 24 hours, without naming where it came from."""

from __future__ import annotations

from uuid import UUID

from django.core import signing
from django.http import Http404, HttpRequest, HttpResponse

from apps.branding.models import Brand
from apps.branding.services import absolute_url
from apps.calls.models import Call
from apps.core.errors import Unavailable
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.scopes import scope_for
from apps.voice.client import Engine

SALT = "calls.recording"
VALID_SECONDS = 24 * 3600
KEPT_HEADERS = ("Content-Type", "Content-Range", "Accept-Ranges")


def signed_link(brand: Brand, organization_id: object, call_id: object) -> str:
    token = signing.dumps([str(organization_id), str(call_id)], salt=SALT, compress=True)
    return absolute_url(brand, f"/recordings/{token}")


def recording(request: HttpRequest, token: str) -> HttpResponse:
    """The sound behind a signed link; a range of it when one is asked for."""
    try:
        organization_id, call_id = signing.loads(token, salt=SALT, max_age=VALID_SECONDS)
    except signing.BadSignature:
        raise Http404 from None
    own = UUID(organization_id)
    with acting(Scope((own,))):
        organization = Organization.objects.filter(pk=own).first()
    if organization is None:
        raise Http404
    with acting(scope_for(organization, with_parent=True)):
        calls = Call.objects.for_organization(own).select_related("connection").exclude(recording_url="")
        call = calls.filter(pk=call_id).first()
    return fetched(call, request.headers.get("Range", ""))


def fetched(call: Call | None, byte_range: str) -> HttpResponse:
    """The engine's recording of a call, handed on. Raises Http404 when there is none (any more)."""
    if call is None or call.connection is None or not call.ref or not call.recording_url:
        raise Http404
    try:
        found = Engine(call.connection).recording(call.ref, byte_range=byte_range)
    except Unavailable:
        raise Http404 from None
    headers = {name: found.headers[name] for name in KEPT_HEADERS if name in found.headers}
    return HttpResponse(found.body, status=found.status, headers={**headers, "Cache-Control": "private, no-store"})
