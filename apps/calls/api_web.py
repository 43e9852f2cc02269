"""Web calls on the wire (api 8.4): at the server's root, and under the API's own path."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.branding.services import absolute_url
from apps.calls import openapi_web
from apps.calls.models import Call
from apps.calls.outbound import call_request, call_warnings, read_web
from apps.calls.services.web import Room, open_room
from apps.core import db
from apps.core.api import instant
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import intent_of


def talk_url(call: Call) -> str:
    """The page of a typed talk on the organization's own host."""
    organization = call.organization
    return absolute_url(organization.brand, reverse("talk", args=[organization.slug, call.public_id]))


def room_body(room: Room) -> dict[str, Any]:
    """The answer: the engine's token and address. A typed talk is entered on our page: the engine stays unseen."""
    call = room.call
    return {
        "token": room.token,
        "server_url": talk_url(call) if call.is_typed else room.server_url,
        "call_id": call.public_id,
        "room_name": call.public_id,
        "expires_at": instant(room.expires_at),
    }


class WebCallView(APIView):
    @openapi_web.create_web_call
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Never merged without an Idempotency-Key: many visitors send the same body (api 6)."""
        wanted = read_web(organization_of(request), request.data)
        key, now = getattr(request._request, "api_key", None), db.now()
        asked = call_request(wanted, intent=intent_of(request).text, by_key_id=key.id if key else None, now=now)
        room = open_room(request=asked, now=now)
        warnings = call_warnings(room.call)
        return Response(room_body(room) | ({"warnings": warnings} if warnings else {}))


class WebCallAlias(WebCallView):
    """The same under `/api/v1`; described once, at the address of the contract."""

    schema = None
