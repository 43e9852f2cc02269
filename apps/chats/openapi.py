"""Chats as the API's description shows them (api 8.14)."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiParameter

from apps.chats.models import CONTACT, CONTENT, WORD
from apps.core.openapi import Schema, anything, array, integer, moment, operation, record, ref, text, uuid

MESSAGE: dict[str, Schema] = {
    "contact_id": text("Phone number, e-mail or session of the contact.", minLength=1, maxLength=CONTACT, examples=["+31600000001"]),
    "channel": text("Open: whatsapp, web, sms, email, …", minLength=1, maxLength=WORD, examples=["whatsapp"]),
    "role": text("Open: user, assistant, …", minLength=1, maxLength=WORD, examples=["user"]),
    "content": text("What was written.", minLength=1, maxLength=CONTENT, examples=["Can I come on Tuesday?"]),
    "agent_id": uuid("The assistant that took part.", null=True),
    "metadata": anything("At most 16 KiB.", null=True, examples=[{"crm_id": "77"}]),
}  # fmt: skip
LINES = "USER: Can I come on Tuesday?\nASSISTANT: Yes, at ten."
SCHEMAS: dict[str, Schema] = {
    "ChatMessage": record({"id": uuid(), **MESSAGE, "created_at": moment()}),
    "ChatMessageCreate": record(
        MESSAGE | {"assistant_id": uuid("Another spelling of `agent_id`.", null=True)},
        required=["contact_id", "channel", "role", "content"],
        examples=[{"contact_id": "+31600000001", "channel": "whatsapp", "role": "user", "content": "Can I come on Tuesday?"}],
    ),
    "ChatContext": record(
        {
            "contact_id": MESSAGE["contact_id"],
            "agent_id": uuid("The assistant that was asked for.", null=True),
            "messages": array(ref("ChatMessage"), "The last ones, oldest first."),
            "formatted": text("One line per message, to add to a system prompt.", examples=[LINES]),
        }
    ),
}  # fmt: skip
_CONTACT = OpenApiParameter("contact_id", text(minLength=1, examples=["+31600000001"]), required=True, description="Whose messages.")
_AGENT = (
    OpenApiParameter("agent_id", uuid(), description="Only those of this assistant."),
    OpenApiParameter("assistant_id", uuid(), description="Another spelling of `agent_id`."),
)
_LIMIT = OpenApiParameter("limit", integer(minimum=1, maximum=500, default=100), description="How many, 1 to 500.")
_OFFSET = OpenApiParameter("offset", integer(minimum=0, default=0), description="How many to skip.")

append_message = operation(
    "createChatMessage", "Append a chat message", "Keeps one message of a contact. There is no update.",
    body=ref("ChatMessageCreate"), answer=ref("ChatMessage"), status=201, deprecated=True,
)  # fmt: skip
list_messages = operation(
    "listChatMessages", "List chat messages", "The messages of one contact, newest first.",
    answer=record({"messages": array(ref("ChatMessage")), "pagination": ref("Pagination")}),
    parameters=[_CONTACT, OpenApiParameter("channel", text(), description="Only those of this channel."), *_AGENT, _LIMIT, _OFFSET],
    deprecated=True,
)  # fmt: skip
delete_message = operation(
    "deleteChatMessage", "Delete a chat message", "Final: a deleted message cannot be brought back.", status=204,
    deprecated=True,
)  # fmt: skip
read_context = operation(
    "getChatContext", "Get chat context", "The last messages of a contact, oldest first, also as text for a system prompt.",
    answer=ref("ChatContext"), parameters=[_CONTACT, *_AGENT, _LIMIT], deprecated=True,
)  # fmt: skip


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result
