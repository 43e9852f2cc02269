"""Chats on the wire (api 8.14): append, list, delete, and the text for a system prompt."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.assistants.models import Assistant
from apps.chats import openapi
from apps.chats.models import CONTACT, CONTENT, WORD, ChatMessage, ChatMessageQuerySet
from apps.chats.services import append_message, delete_message, formatted
from apps.core.api import instant, pagination, window
from apps.core.errors import Invalid, NotFound
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import create_once
from apps.organizations.models import Organization

MOST = 500
METADATA_BYTES = 16 * 1024


class Text(serializers.CharField):
    """A text as it was sent: a number is no text, and spaces at its ends belong to it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class MessageForm(serializers.Serializer[Any]):
    contact_id = Text(max_length=CONTACT)
    channel = Text(max_length=WORD)
    role = Text(max_length=WORD)
    content = Text(max_length=CONTENT)
    assistant_id = serializers.UUIDField(required=False, allow_null=True)
    agent_id = serializers.UUIDField(required=False, allow_null=True)
    metadata = serializers.DictField(required=False, allow_null=True)

    def validate_metadata(self, metadata: dict[str, Any] | None) -> dict[str, Any] | None:
        if metadata and len(json.dumps(metadata, ensure_ascii=False).encode()) > METADATA_BYTES:
            raise serializers.ValidationError(f"must not be larger than {METADATA_BYTES // 1024} KiB")
        return metadata

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """The id becomes an assistant of the organization; `assistant_id` wins over `agent_id`."""
        name = "assistant_id" if data.get("assistant_id") else "agent_id"
        pk = data.get(name)
        values = {key: value for key, value in data.items() if key not in ("assistant_id", "agent_id")}
        if pk is None:
            return values
        organization: Organization = self.context["organization"]
        assistant = Assistant.objects.for_organization(organization).live().filter(pk=pk).first()
        if assistant is None:
            raise serializers.ValidationError({name: "there is no assistant with this id"})
        return values | {"assistant": assistant}


def message_body(message: ChatMessage) -> dict[str, Any]:
    """Every field of the contract, null when empty."""
    return {
        "id": str(message.pk),
        "agent_id": str(message.assistant_id) if message.assistant_id else None,
        "contact_id": message.contact_id,
        "channel": message.channel,
        "role": message.role,
        "content": message.content,
        "metadata": message.metadata,
        "created_at": instant(message.created_at),
    }


class Older(APIView):
    """An operation that is complete, and on which nothing new should be built."""

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(*args, **kwargs)
        answer["Deprecation"] = "true"
        return answer


class ChatListView(Older):
    @openapi.list_messages
    def get(self, request: Request, **kwargs: Any) -> Response:
        limit, offset = window(request, most=MOST)
        found = _asked_for(request)
        if channel := request.GET.get("channel"):
            found = found.filter(channel=channel)
        messages = [message_body(each) for each in found.newest()[offset : offset + limit]]
        return Response({"messages": messages, "pagination": pagination(found.count(), limit, offset)})

    @openapi.append_message
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        form = MessageForm(data=request.data, context={"organization": organization})
        form.is_valid(raise_exception=True)
        message = create_once(
            request, ChatMessage.objects.for_organization(organization),
            lambda pk: append_message(organization=organization, pk=pk, **form.validated_data),
        )  # fmt: skip
        return Response(message_body(message), status=201)


class ChatView(Older):
    @openapi.delete_message
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        message = ChatMessage.objects.for_organization(organization_of(request)).filter(pk=pk).first()
        if message is None or not delete_message(message=message):
            raise NotFound("There is no chat message with this id.")
        return Response(status=204)


class ChatContextView(Older):
    @openapi.read_context
    def get(self, request: Request, **kwargs: Any) -> Response:
        """The last messages with a contact, oldest first, and the same as text."""
        limit, _offset = window(request, most=MOST)
        agent_id = _agent_of(request)
        messages = list(_asked_for(request).newest()[:limit])[::-1]
        body = {
            "contact_id": request.GET["contact_id"],
            "agent_id": str(agent_id) if agent_id else None,
            "messages": [message_body(each) for each in messages],
            "formatted": formatted(messages),
        }
        return Response(body)


def _asked_for(request: Request) -> ChatMessageQuerySet:
    """The organization's messages with the contact of the query, of one assistant when it names one."""
    contact_id, agent_id = request.GET.get("contact_id"), _agent_of(request)
    if not contact_id:
        raise _refused("contact_id", "this field is required", "missing_field")
    found = ChatMessage.objects.for_organization(organization_of(request)).with_contact(contact_id)
    return found.filter(assistant_id=agent_id) if agent_id else found


def _agent_of(request: Request) -> UUID | None:
    name = "assistant_id" if request.GET.get("assistant_id") else "agent_id"
    text = request.GET.get(name)
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError:
        raise _refused(name, "a UUID is expected", "invalid_value") from None


def _refused(param: str, text: str, type: str) -> Invalid:
    line = f"{param}: {text}"
    return Invalid(line, param=param, details=[line], type=type)
