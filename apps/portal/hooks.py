"""Where Stripe tells an agency's account's events: signed, stored once per id, answered at once, handled by a task."""

from __future__ import annotations

import json
import logging
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from apps.billing.gateways.stripe_signature import verify
from apps.billing.models import Seller
from apps.billing.sql import organization_of_stripe_hook
from apps.core import db
from apps.core.queue import wake
from apps.core.scope import Scope, acting
from apps.portal.services.stripe_events import HANDLED, store_event
from apps.portal.tasks_stripe import handle

log = logging.getLogger(__name__)

LIMIT = 512 * 1024


@csrf_exempt
@require_POST
def stripe_hook(request: HttpRequest, hook: str) -> HttpResponse:
    """One event. Signature first: nothing of a body is read before it is known whose it is."""
    if _announced(request) > LIMIT or len(body := request.body) > LIMIT:
        return _answer(413, "payload_too_large")
    agency_id = organization_of_stripe_hook(hook) if "\x00" not in hook else None
    if agency_id is None:
        return _answer(404, "not_found")
    now = db.now()
    with acting(Scope((agency_id,))):
        seller = Seller.objects.for_organization(agency_id).get()
        if not verify(seller.stripe_webhook_secret or "", request.headers.get("Stripe-Signature"), body, now):
            log.warning("payment hook of %s: wrong or old signature", agency_id)
            return _answer(401, "unauthorized")
        event = _event(body)
        if event is None:
            return _answer(400, "invalid_request")
        if event["type"] in HANDLED:
            row = store_event(agency_id=agency_id, event_id=event["id"], type=event["type"], body=body.decode(), now=now)
            if row:
                wake(handle, str(agency_id), str(row.pk))
    return JsonResponse({"received": True})


def _event(body: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not all(isinstance(found.get(name), str) and found[name] for name in ("id", "type")):
        return None
    return found if len(found["id"]) <= 100 and isinstance(found.get("data"), dict) else None


def _announced(request: HttpRequest) -> int:
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0


def _answer(status: int, type: str) -> HttpResponse:
    return JsonResponse({"error": type.replace("_", " ").capitalize(), "type": type}, status=status)
