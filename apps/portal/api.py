"""POST /organizations: it makes clients (api 8.11)."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api import instant
from apps.core.errors import Forbidden
from apps.core.openapi import operation, ref
from apps.core.strict_fields import Text
from apps.dashboard import api as dashboard
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import intended_id
from apps.organizations.services import Actor
from apps.portal.services.clients import create_client, create_independent


class OrganizationCreateSerializer(serializers.Serializer[Any]):
    name = Text(max_length=200)
    parent_org_id = serializers.UUIDField(required=False, allow_null=True)
    email = serializers.EmailField(required=False, allow_null=True)


class OrganizationView(dashboard.OrganizationView):
    @operation(
        "createOrganization", "Create an organization",
        "With `parent_org_id`, your own id, a client of yours; without, an independent organization, where that is allowed. "
        "The key is shown only in this answer.",
        body=ref("OrganizationCreate"), answer=ref("OrganizationCreated"), status=201,
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        own = organization_of(request)
        form = OrganizationCreateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        parent_id, name = form.validated_data.get("parent_org_id"), form.validated_data["name"]
        if own.parent_id or (parent_id is not None and parent_id != own.pk):
            raise Forbidden("parent_org_id must be your own organization, and a client may not make organizations.")
        pk = intended_id(request)
        if parent_id:
            made, secret = create_client(agency=own, name=name, by=Actor.of(request), key_name="API", pk=pk)
        else:
            made, secret = create_independent(like=own, name=name, by=Actor.of(request), pk=pk)
        body = {
            "id": str(made.pk), "name": made.name, "parent_org_id": str(made.parent_id) if made.parent_id else None,
            "api_key": secret, "created_at": instant(made.created_at),
        }  # fmt: skip
        return Response(body, status=201)
