"""Calls, outbound calls, control and usage on the wire (api 8.4, 8.5)."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, Q, QuerySet, Sum
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.calls.api_schema import (
    CallSerializer,
    CommandSerializer,
    OutboundSerializer,
    PageSerializer,
    UsageLogSerializer,
)
from apps.calls.models import Call
from apps.calls.outbound import call_request, call_warnings, read_outbound
from apps.calls.services.control import read_command, send_command
from apps.calls.services.dial import start_call
from apps.calls.wire import COLUMNS, USAGE_COLUMNS, call_body, usage_body
from apps.core import db
from apps.core.api import pagination, period, window
from apps.core.errors import NotFound, RateLimited
from apps.organizations import rate
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import answer_once
from apps.organizations.services import Actor

COMMANDS_PER_MINUTE = 10
PERIOD = [OpenApiParameter(name, str) for name in ("start_date", "end_date")]
PAGE = [OpenApiParameter(name, int) for name in ("limit", "offset")]


class CallListView(APIView):
    serializer_class = CallSerializer

    @extend_schema(
        operation_id="calls_list",
        parameters=[*PAGE, *PERIOD, OpenApiParameter("status", str), OpenApiParameter("reference", str)],
        responses=inline_serializer(
            "CallListEnvelope", {"calls": CallSerializer(many=True), "pagination": PageSerializer()}
        ),
    )
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
    serializer_class = CallSerializer

    @extend_schema(operation_id="calls_get", responses=CallSerializer)
    def get(self, request: Request, call_id: str, **kwargs: Any) -> Response:
        organization = organization_of(request)
        row = _of_id(Call.objects.for_organization(organization), call_id).values(*COLUMNS).first()
        if row is None:
            raise NotFound("There is no call with this id.")
        return Response(call_body(row, organization.brand))


class OutboundView(APIView):
    serializer_class = OutboundSerializer

    @extend_schema(
        operation_id="calls_outbound",
        request=OutboundSerializer,
        responses=inline_serializer(
            "OutboundCallResponse",
            {
                "success": serializers.BooleanField(),
                "call_id": serializers.CharField(),
                "status": serializers.CharField(),
                "room_name": serializers.CharField(),
                "warnings": serializers.ListField(child=serializers.CharField(), required=False),
            },
        ),
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        """Place one call. A call of unknown fate answers 200 like an accepted one: the reconciler decides."""
        wanted = read_outbound(organization_of(request), request.data)
        key = getattr(request._request, "api_key", None)

        def run(intent: str) -> tuple[int, dict[str, Any]]:
            now = db.now()
            asked = call_request(wanted, intent=intent, by_key_id=key.id if key else None, now=now)
            call = start_call(request=asked, now=now)
            answer = {
                "success": True, "call_id": call.public_id, "status": "dialing", "room_name": call.public_id,
            }  # fmt: skip
            warnings = call_warnings(call)
            return 200, answer | ({"warnings": warnings} if warnings else {})

        return answer_once(request, run, merges=True)


class ControlView(APIView):
    serializer_class = CommandSerializer

    @extend_schema(
        operation_id="calls_control",
        request=CommandSerializer,
        responses=inline_serializer(
            "CallControlResponse", {"success": serializers.BooleanField(), "message": serializers.CharField()}
        ),
    )
    def post(self, request: Request, call_id: str, **kwargs: Any) -> Response:
        call = _of_id(Call.objects.for_organization(organization_of(request)), call_id).select_related("connection").first()
        if call is None:
            raise NotFound("There is no call with this id.")
        _count_command(request, call)
        body = read_command(request.data)
        header = request.headers.get("Idempotency-Key")
        sent = send_command(
            call=call, body=body, by=Actor.of(request).label, key=f"api:{header}"[:300] if header else None, now=db.now()
        )
        message = "Command sent successfully" + (f" ({sent.hint})" if sent.hint else "")
        replayed = {"Idempotent-Replayed": "true"} if sent.is_repeat else {}
        return Response({"success": True, "message": message}, headers=replayed)


class UsageView(APIView):
    serializer_class = UsageLogSerializer

    @extend_schema(
        operation_id="usage_list",
        parameters=[*PAGE, *PERIOD],
        responses=inline_serializer(
            "UsageEnvelope",
            {
                "logs": UsageLogSerializer(many=True),
                "pagination": PageSerializer(),
                "summary": inline_serializer(
                    "UsageSummary",
                    {
                        "total_calls": serializers.IntegerField(),
                        "total_duration_seconds": serializers.IntegerField(),
                        "total_duration_minutes": serializers.FloatField(),
                    },
                ),
            },
        ),
    )
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
