"""API operations that show or touch many apps: the organization, deleting an assistant, health."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.assistants import api as assistants
from apps.assistants.models import Assistant
from apps.billing.models import CREDIT
from apps.billing.services import balance
from apps.calls.models import Call
from apps.core import db
from apps.core.api import instant
from apps.dashboard.health import report
from apps.dashboard.selectors import month_seconds
from apps.dashboard.services import delete_assistant
from apps.numbers.models import PhoneNumber
from apps.organizations.authentication import organization_of
from apps.organizations.models import Organization
from apps.organizations.selectors import children_of
from apps.organizations.services import Actor, set_retention

Success = inline_serializer("DeletedResponse", {"success": serializers.BooleanField()})


class AssistantView(assistants.AssistantView):
    @extend_schema(operation_id="assistants_delete", request=None, responses=Success)
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return _delete(request, pk)


class AgentView(assistants.AgentView):
    @extend_schema(operation_id="agents_delete", request=None, responses=Success, deprecated=True)
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return _delete(request, pk)


def _delete(request: Request, pk: UUID) -> Response:
    delete_assistant(assistant=assistants.find_assistant(request, pk), by=Actor.of(request), now=db.now())
    return Response({"success": True})


class RetentionSerializer(serializers.Serializer[Any]):
    content_retention_days = serializers.ChoiceField([30, 90, 180, 365])
    metadata_retention_days = serializers.ChoiceField([30, 90, 180, 365, 730])

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["content_retention_days"] > data["metadata_retention_days"]:
            raise serializers.ValidationError({"content_retention_days": "content is never kept longer than metadata"})
        return data


class OrganizationSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    minutes_balance = serializers.FloatField()
    credits_balance = serializers.FloatField()
    monthly_usage_minutes = serializers.FloatField()
    active_numbers = serializers.IntegerField()
    active_agents = serializers.IntegerField()
    active_calls = serializers.IntegerField()
    has_local_models_access = serializers.BooleanField()
    parent_org_id = serializers.UUIDField(allow_null=True)
    company_name = serializers.CharField(allow_null=True)
    email = serializers.EmailField(allow_null=True)
    plan = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    content_retention_days = serializers.IntegerField()
    metadata_retention_days = serializers.IntegerField()
    children = serializers.ListField(child=serializers.DictField(), required=False)


def organization_body(organization: Organization, now: dt.datetime) -> dict[str, Any]:
    """The caller's own organization; a client's balance is its payer's."""
    credits = balance(organization.payer_id) / CREDIT
    return {
        "id": str(organization.pk),
        "name": organization.name,
        "minutes_balance": credits,
        "credits_balance": credits,
        "monthly_usage_minutes": round(month_seconds(organization, now) / 60, 2),
        "active_numbers": PhoneNumber.objects.for_organization(organization).filter(is_active=True).count(),
        "active_agents": Assistant.objects.for_organization(organization).active().count(),
        "active_calls": Call.objects.for_organization(organization).running().count(),
        "has_local_models_access": organization.has_local_models_access,
        "parent_org_id": str(organization.parent_id) if organization.parent_id else None,
        "company_name": organization.name,
        "email": None,
        "plan": None,
        "created_at": instant(organization.created_at),
        "content_retention_days": organization.content_retention_days,
        "metadata_retention_days": organization.metadata_retention_days,
    }


class OrganizationView(APIView):
    serializer_class = OrganizationSerializer

    @extend_schema(operation_id="organizations_get", responses=OrganizationSerializer)
    def get(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        body = organization_body(organization, db.now())
        if request.GET.get("include_children") == "true":
            body["children"] = [
                {"id": str(pk), "name": name, "created_at": instant(made)}
                for pk, name, made in children_of(organization)
            ]
        return Response(body)

    @extend_schema(operation_id="organizations_update", request=RetentionSerializer, responses=RetentionSerializer)
    def patch(self, request: Request, **kwargs: Any) -> Response:
        form = RetentionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        set_retention(organization=organization_of(request), by=Actor.of(request), now=db.now(), **form.validated_data)
        return Response(form.validated_data)


class AccountView(OrganizationView):
    http_method_names = ["get", "head", "options"]

    @extend_schema(operation_id="account_get", responses=OrganizationSerializer, deprecated=True)
    def get(self, request: Request, **kwargs: Any) -> Response:
        answer = super().get(request, **kwargs)
        answer["Deprecation"] = "true"
        return answer


class HealthView(APIView):
    """Answers on any host and without a key: the database, the cache, the queue and the voice backend."""

    is_public = True
    serializer_class = serializers.Serializer

    @extend_schema(
        operation_id="health",
        auth=[],
        responses=inline_serializer(
            "Health",
            {
                "status": serializers.CharField(),
                "timestamp": serializers.DateTimeField(),
                "version": serializers.CharField(),
                "checks": serializers.DictField(),
            },
        ),
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        body = report()
        return Response(body, status=503 if body["status"] == "error" else 200)
