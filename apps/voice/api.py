"""This server as a voice engine for another one (engine 5.7)."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.core.openapi import operation, ref
from apps.organizations.authentication import organization_of
from apps.voice.capabilities import BASE_ANSWER_SECONDS, BASE_CONTROL, Capabilities
from apps.voice.services import find_connection, known_capabilities

KIND = "switchboard"
# On a reseller's host nothing names the product.
NEUTRAL_KIND = "server"
FEATURES = ("idempotency", "reference", "event_id")


class EngineView(APIView):
    @operation(
        "getEngine", "Describe this engine",
        "For another server that uses this one as its voice engine: what is offered beyond the API itself.",
        answer=ref("Engine"),
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        """What the organization's own engine is remembered to be; it is not asked."""
        connection = find_connection(organization_of(request))
        own = known_capabilities(connection) if connection else Capabilities()
        sip = {"target": own.sip.target, "transports": list(own.sip.transports)} if own.sip else None
        body = {
            "kind": KIND if request.brand.is_installation else NEUTRAL_KIND,  # type: ignore[attr-defined]
            "version": settings.VERSION,
            "instance": None,
            "simulated": own.simulated,
            "clock": own.clock,
            "needs_keys": own.needs_keys,
            "features": list(FEATURES),
            "answer_seconds": {name: int(seconds) for name, seconds in BASE_ANSWER_SECONDS.items()},
            "limits": {"concurrent": None, "starts_per_second": None},
            "control": list(BASE_CONTROL),
            "providers": own.providers,
            "sip": sip,
        }
        return Response(body)
