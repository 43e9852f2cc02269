"""Calls, outbound calls, control and usage on the wire (api 8.4, 8.5)."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.calls.models import Call
from apps.calls.outbound import call_request, call_warnings, read_outbound
from apps.calls.services.control import read_command, send_command
from apps.calls.services.dial import start_call
from apps.calls.wire import COLUMNS, USAGE_COLUMNS, call_body, usage_body
from apps.core import db, rate
from apps.core.api import pagination, period, window
from apps.core.errors import NotFound, RateLimited
from apps.core.openapi import PAGE, PERIOD, many, operation, ref, text
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import HEADER, intent_of
from apps.organizations.services import Actor

COMMANDS_PER_MINUTE = 10
FILTERS = (
    OpenApiParameter("status", text(examples=["ended"]), description="`failed` also finds `ended-with-error`."),
    OpenApiParameter("reference", text(examples=["order-1001"]), description="Your own id of the call, exactly."),
)


class CallListView(APIView):
    @operation(
        "listCalls", "List calls", "Newest first, a page at a time.",
        answer=many("calls", "Call", pagination=ref("Pagination")), parameters=[*PAGE, *PERIOD, *FILTERS],
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        limit, offset = window(request)
        found = _within_period(Call.objects.for_organization(organization), request)
        if status := request.GET.get("status"):
            found = found.filter(status__in=["failed", "ended-with-error"] if status == "failed" else [status])
        if reference := request.GET.get("reference"):
            found = found.filter(reference=reference)
        rows = found.order_by("-created_at", "-id").values(*COLUMNS)[offset : offset + limit]
        calls = [call_body(row, organization.brand) for row in rows]
        return Response({"calls": calls, "pagination": pagination(found.count(), limit, offset)})


class CallView(APIView):
    @operation("getCall", "Get a call", "By its id, or by the id it had at a hosted backend.", answer=ref("Call"))
    def get(self, request: Request, call_id: str, **kwargs: Any) -> Response:
        organization = organization_of(request)
        row = _of_id(Call.objects.for_organization(organization), call_id).values(*COLUMNS).first()
        if row is None:
            raise NotFound("There is no call with this id.")
        return Response(call_body(row, organization.brand))


class OutboundView(APIView):
    merges_repeats = True

    @operation(
        "createOutboundCall", "Place an outbound call",
        "Answers as soon as the voice backend took the call. The same body within 30 seconds, or the same "
        "`Idempotency-Key`, starts no second call. `reference` that was used before: 409 with `call_id`.",
        body=ref("OutboundCallRequest"), answer=ref("OutboundCallResponse"), further=[402, 404, 503],
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Place one call. A call of unknown fate answers 200 like an accepted one: the reconciler decides."""
        wanted = read_outbound(organization_of(request), request.data)
        key = getattr(request._request, "api_key", None)
        now = db.now()
        asked = call_request(wanted, intent=intent_of(request).text, by_key_id=key.id if key else None, now=now)
        call = start_call(request=asked, now=now)
        answer = {"success": True, "call_id": call.public_id, "status": "dialing", "room_name": call.public_id}
        warnings = call_warnings(call)
        return Response(answer | ({"warnings": warnings} if warnings else {}))


class ControlView(APIView):
    @operation(
        "controlCall", "Command a running call",
        "The call must be `in-progress`, else 400 `call_not_active`. 10 commands a minute per call.",
        body=ref("CallControlCommand"), answer=ref("CallControlResponse"), further=[503],
    )  # fmt: skip
    def post(self, request: Request, call_id: str, **kwargs: Any) -> Response:
        call = _of_id(Call.objects.for_organization(organization_of(request)), call_id).select_related("connection").first()
        if call is None:
            raise NotFound("There is no call with this id.")
        _count_command(request, call)
        body = read_command(request.data)
        # Without a header, the same body within 10 s is the same command.
        key = f"api:{intent_of(request).text}" if HEADER in request.headers else None
        sent = send_command(call=call, body=body, by=Actor.of(request).label, key=key, now=db.now())
        message = "Command sent successfully" + (f" ({sent.hint})" if sent.hint else "")
        replayed = {"Idempotent-Replayed": "true"} if sent.is_repeat else {}
        return Response({"success": True, "message": message}, headers=replayed)


class UsageView(APIView):
    @operation(
        "listUsage", "List usage", "One entry per answered call that has ended, newest first, and the sum of all of them.",
        answer=many("logs", "UsageLog", pagination=ref("Pagination"), summary=ref("UsageSummary")), parameters=[*PAGE, *PERIOD],
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        """One log per answered call that has ended."""
        limit, offset = window(request)
        calls = Call.objects.for_organization(organization_of(request))
        answered = _within_period(calls.filter(started_at__isnull=False, duration_seconds__isnull=False), request)
        rows = answered.order_by("-created_at", "-id").values(*USAGE_COLUMNS)[offset : offset + limit]
        logs = [usage_body(row) for row in rows]
        total = answered.aggregate(calls=Count("pk"), seconds=Sum("duration_seconds"))
        seconds = total["seconds"] or 0
        summary = {
            "total_calls": total["calls"],
            "total_duration_seconds": seconds,
            "total_duration_minutes": round(seconds / 60, 2),
        }
        return Response({"logs": logs, "pagination": pagination(total["calls"], limit, offset), "summary": summary})


def _within_period(calls: QuerySet[Call], request: Request) -> QuerySet[Call]:
    start, end = period(request)
    found = calls.filter(created_at__gte=start) if start else calls
    return found.filter(created_at__lt=end) if end else found


def _of_id(calls: QuerySet[Call], call_id: str) -> QuerySet[Call]:
    """By our id, or by the engine's (api 8.4)."""
    return calls.filter(Q(public_id=call_id) | Q(ref=call_id))


def _count_command(request: Request, call: Call) -> None:
    """A command counts in its key's bucket and in its call's; the answer shows the tighter one (api 4)."""
    inner: Any = request._request
    of_call = rate.count(f"call:{call.public_id}", COMMANDS_PER_MINUTE)
    of_key = getattr(inner, "window", None)
    if of_key is None or of_call.remaining < of_key.remaining:
        inner.window = of_call
    if not of_call.allowed:
        seconds = of_call.retry_after
        raise RateLimited(f"Too many commands for this call. Retry after {seconds} seconds.", retry_after=seconds)
