"""Numbers and SIP trunks on the wire (api 8.3, 8.6)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.assistants.models import Assistant, Workflow
from apps.core import db
from apps.core.api import instant
from apps.core.errors import NotFound
from apps.core.openapi import many, one, operation, ref
from apps.core.phone import clean_e164
from apps.core.strict_fields import Choice, Flag, Text, Whole
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.numbers.services import create_trunk, delete_number, delete_trunk, register_number, update_number
from apps.organizations.authentication import organization_of
from apps.organizations.forms_pace import MOST_CALLS, MOST_SECONDS, MOST_STARTS
from apps.organizations.idempotency import create_once
from apps.organizations.models import Organization
from apps.organizations.services import Actor

LINKS = ("assistant", "transfer_trunk", "workflow")


class NumberSerializer(serializers.Serializer[Any]):
    phone_number = Text(max_length=32)
    assistant_id = serializers.UUIDField(required=False, allow_null=True)
    agent_id = serializers.UUIDField(required=False, allow_null=True)
    transfer_trunk_id = serializers.UUIDField(required=False, allow_null=True)
    workflow_id = serializers.UUIDField(required=False, allow_null=True)
    name = Text(max_length=200, required=False, allow_null=True)
    is_active = Flag(required=False)

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and "phone_number" not in data and "number" in data:
            data = data | {"phone_number": data["number"]}
        return super().to_internal_value(data)

    def validate_phone_number(self, text: str) -> str:
        if (number := clean_e164(text)) is None:
            raise serializers.ValidationError("a phone number in E.164 form is expected, such as +31850000001")
        return number

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Ids become rows of the organization; `assistant_id` wins over `agent_id`."""
        organization: Organization = self.context["organization"]
        values: dict[str, Any] = {key: data[key] for key in ("phone_number", "name", "is_active") if key in data}
        named = next((key for key in ("assistant_id", "agent_id") if key in data), None)
        if named:
            live = Assistant.objects.for_organization(organization).live()
            values["assistant"] = _own(live, data[named], named)
        if "transfer_trunk_id" in data:
            trunks = SipTrunk.objects.for_organization(organization)
            values["transfer_trunk"] = _own(trunks, data["transfer_trunk_id"], "transfer_trunk_id")
        if "workflow_id" in data:
            workflows = Workflow.objects.for_organization(organization)
            values["workflow"] = _own(workflows, data["workflow_id"], "workflow_id")
        return values


def _own(rows: Any, pk: UUID | None, field: str) -> Any:
    if pk is None:
        return None
    if (found := rows.filter(pk=pk).first()) is None:
        raise serializers.ValidationError({field: "there is nothing with this id in your organization"})
    return found


def number_body(number: PhoneNumber) -> dict[str, Any]:
    assistant, trunk, workflow = number.assistant, number.transfer_trunk, number.workflow
    assistant_id = str(assistant.pk) if assistant else None
    name = assistant.name if assistant else None
    return {
        "id": str(number.pk),
        "phone_number": number.phone_number,
        "agent_id": assistant_id,
        "assistant_id": assistant_id,
        "agent_name": name,
        "assistant_name": name,
        "business_name": assistant.business_name if assistant else None,
        "transfer_trunk_id": str(trunk.pk) if trunk else None,
        "transfer_trunk_name": trunk.name if trunk else None,
        "workflow_id": str(workflow.pk) if workflow else None,
        "workflow_name": workflow.name if workflow else None,
        "source": number.source,
        "is_active": number.is_active,
        "name": number.name,
        "created_at": instant(number.created_at),
        "updated_at": instant(number.updated_at),
    }


def _number(request: Request, pk: UUID) -> PhoneNumber:
    found = PhoneNumber.objects.for_organization(organization_of(request))
    if (number := found.select_related(*LINKS, "organization").filter(pk=pk).first()) is None:
        raise NotFound("There is no number with this id.")
    return number


ONE_NUMBER, ONE_TRUNK = one("number", "PhoneNumber"), one("trunk", "SipTrunk")


class NumberListView(APIView):
    @operation("listNumbers", "List phone numbers", "All of them, newest first.", answer=many("numbers", "PhoneNumber"))
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = PhoneNumber.objects.for_organization(organization_of(request)).order_by("-created_at", "-id")
        return Response(
            {"numbers": [number_body(each) for each in found.select_related(*LINKS)]}
        )

    @operation(
        "createNumber", "Register a phone number",
        "The number itself stays with its carrier: forward it by SIP. 409 when it is registered already, by anybody.",
        body=ref("PhoneNumberCreate"), answer=ONE_NUMBER, status=201,
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        form = NumberSerializer(data=request.data, context={"organization": organization})
        form.is_valid(raise_exception=True)
        values, by = form.validated_data, Actor.of(request)
        number = create_once(
            request, PhoneNumber.objects.for_organization(organization),
            lambda pk: register_number(organization=organization, values=values | {"id": pk}, by=by),
        )  # fmt: skip
        return Response({"number": number_body(number)}, status=201)


class NumberView(APIView):
    @operation("getNumber", "Get a phone number", answer=ONE_NUMBER)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return Response({"number": number_body(_number(request, pk))})

    @operation(
        "updateNumber", "Change a phone number", "Only the keys that are sent change.",
        body=ref("PhoneNumberUpdate"), answer=ONE_NUMBER,
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        number = _number(request, pk)
        sent = {key: value for key, value in dict(request.data).items() if key not in ("phone_number", "number")}
        form = NumberSerializer(data=sent, partial=True, context={"organization": organization_of(request)})
        form.is_valid(raise_exception=True)
        update_number(number=number, values=form.validated_data, by=Actor.of(request), now=db.now())
        return Response({"number": number_body(_number(request, pk))})

    @operation("deleteNumber", "Delete a phone number")
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        delete_number(number=_number(request, pk), by=Actor.of(request))
        return Response({"success": True})


RENAMED = {"auth_username": "username", "auth_password": "password"}


class TrunkSerializer(serializers.Serializer[Any]):
    """The newer spelling; older ones (`outbound_address`, `host` and `port`, `username`, `password`) are read too."""

    name = Text(max_length=200)
    provider = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    address = Text(max_length=255, required=False, allow_blank=True)
    transport = Choice(SipTrunk.Transport.choices, required=False, allow_null=True)
    auth_username = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    auth_password = Text(max_length=255, required=False, allow_blank=True)
    inbound_addresses = serializers.ListField(
        child=Text(max_length=255), required=False, allow_null=True
    )
    outbound_number = Text(max_length=32, required=False, allow_null=True)
    concurrent_calls = Whole(min_value=1, max_value=MOST_CALLS, required=False, allow_null=True)
    starts = Whole(min_value=1, max_value=MOST_STARTS, required=False, allow_null=True)
    starts_seconds = Whole(min_value=1, max_value=MOST_SECONDS, required=False)

    # Older spellings are fields of their own, so that an error names the key that was sent.
    outbound_address = Text(max_length=255, required=False, allow_null=True, allow_blank=True)
    host = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    port = Whole(min_value=1, max_value=65535, required=False, allow_null=True)
    username = Text(max_length=200, required=False, allow_null=True, allow_blank=True)
    password = Text(max_length=255, required=False, allow_blank=True)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        host, port = data.pop("host", None), data.pop("port", None)
        address = data.pop("outbound_address", None) or (f"{host}:{port}" if host and port else host) or ""
        older = {"address": address} | {new: data.pop(old) for new, old in RENAMED.items() if old in data}
        return older | data | {"provider": data.get("provider") or ""}


def trunk_body(trunk: SipTrunk) -> dict[str, Any]:
    """Every spelling a supported client reads; never the password."""
    return {
        "id": str(trunk.pk),
        "org_id": str(trunk.organization_id),
        "name": trunk.name,
        "provider": trunk.provider,
        "address": trunk.address,
        "outbound_address": trunk.address,
        "transport": trunk.transport,
        "auth_username": trunk.auth_username,
        "is_active": trunk.is_active,
        "inbound_addresses": trunk.inbound_addresses,
        "outbound_number": trunk.outbound_number,
        "concurrent_calls": trunk.concurrent_calls,
        "starts": trunk.starts,
        "starts_seconds": trunk.starts_seconds,
        "created_at": instant(trunk.created_at),
        "updated_at": instant(trunk.updated_at),
    }


def _trunk(request: Request, pk: UUID) -> SipTrunk:
    found = SipTrunk.objects.for_organization(organization_of(request)).select_related("organization").filter(pk=pk)
    if (trunk := found.first()) is None:
        raise NotFound("There is no SIP trunk with this id.")
    return trunk


class TrunkListView(APIView):
    @operation("listSipTrunks", "List SIP trunks", "All of them, newest first.", answer=many("trunks", "SipTrunk"))
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = SipTrunk.objects.for_organization(organization_of(request)).order_by("-created_at", "-id")
        return Response({"trunks": [trunk_body(each) for each in found]})

    @operation(
        "createSipTrunk", "Create a SIP trunk", "A trunk cannot be changed: create a new one and delete the old.",
        body=ref("SipTrunkCreate"), answer=ONE_TRUNK, status=201,
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        form = TrunkSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        organization, values, by = organization_of(request), form.validated_data, Actor.of(request)
        trunk = create_once(
            request, SipTrunk.objects.for_organization(organization),
            lambda pk: create_trunk(organization=organization, values=values | {"id": pk}, by=by),
        )  # fmt: skip
        return Response({"trunk": trunk_body(trunk)}, status=201)


class TrunkView(APIView):
    @operation("getSipTrunk", "Get a SIP trunk", answer=ONE_TRUNK)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return Response({"trunk": trunk_body(_trunk(request, pk))})

    @operation("deleteSipTrunk", "Delete a SIP trunk", "Numbers that use it lose it; no running call ends.")
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        delete_trunk(trunk=_trunk(request, pk), by=Actor.of(request), now=db.now())
        return Response({"success": True})
