"""API operations that show or touch many apps: the organization, deleting an assistant, health."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
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
from apps.core.openapi import boolean, operation, ref
from apps.core.strict_fields import Choice
from apps.dashboard.health import report
from apps.dashboard.selectors import month_seconds
from apps.dashboard.services import delete_assistant
from apps.numbers.models import PhoneNumber
from apps.organizations.authentication import organization_of
from apps.organizations.models import Organization
from apps.organizations.selectors import children_of
from apps.organizations.services import Actor, set_retention

CHILDREN = OpenApiParameter("include_children", boolean(default=False), description="Lists the client organizations too.")


class AssistantView(assistants.AssistantView):
    @operation("deleteAssistant", "Delete an assistant", "Its numbers lose it; its calls stay.")
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return _delete(request, pk)


class AgentView(assistants.AgentView):
    @operation("deleteAgent", "Delete an agent", assistants.OLDER, deprecated=True)
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return _delete(request, pk)


def _delete(request: Request, pk: UUID) -> Response:
    delete_assistant(assistant=assistants.find_assistant(request, pk), by=Actor.of(request), now=db.now())
    return Response({"success": True})


class RetentionSerializer(serializers.Serializer[Any]):
    content_retention_days = Choice([30, 90, 180, 365])
    metadata_retention_days = Choice([30, 90, 180, 365, 730])

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if data["content_retention_days"] > data["metadata_retention_days"]:
            raise serializers.ValidationError({"content_retention_days": "content is never kept longer than metadata"})
        return data


def organization_body(organization: Organization, now: dt.datetime) -> dict[str, Any]:
    """The caller's own organization; a client's balance is its wallet's, else its payer's."""
    credits = balance(organization.wallet_id) / CREDIT
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
    @operation("getOrganization", "Get your organization", answer=ref("Organization"), parameters=[CHILDREN])
    def get(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        body = organization_body(organization, db.now())
        if request.GET.get("include_children") == "true":
            body["children"] = [
                {"id": str(pk), "name": name, "created_at": instant(made)}
                for pk, name, made in children_of(organization)
            ]
        return Response(body)

    @operation(
        "updateOrganization", "Set the retention", "How many days content and metadata are kept. Both are needed.",
        body=ref("Retention"), answer=ref("Retention"),
    )  # fmt: skip
    def patch(self, request: Request, **kwargs: Any) -> Response:
        form = RetentionSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        set_retention(organization=organization_of(request), by=Actor.of(request), now=db.now(), **form.validated_data)
        return Response(form.validated_data)


class AccountView(OrganizationView):
    http_method_names = ["get", "head", "options"]

    @operation("getAccount", "Get your account", "The older name of your organization.", answer=ref("Organization"), parameters=[CHILDREN], deprecated=True)
    def get(self, request: Request, **kwargs: Any) -> Response:
        answer = super().get(request, **kwargs)
        answer["Deprecation"] = "true"
        return answer


class HealthView(APIView):
    """Answers on any host and without a key: the database, the cache, the queue and the voice backend."""

    is_public = True

    @operation(
        "getHealth", "Check the service", "503 with the same shape when the service cannot work. Needs no key.",
        answer=ref("Health"), others={503: ref("Health")},
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        body = report()
        return Response(body, status=503 if body["status"] == "error" else 200)
