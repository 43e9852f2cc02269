"""Appending to the memory of a contact, and forgetting."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

from apps.assistants.models import Assistant
from apps.chats.models import ChatMessage
from apps.core.db import step, writes
from apps.core.mentions import Mention
from apps.organizations.models import Organization


@writes
def append_message(
    *, organization: Organization, contact_id: str, channel: str, role: str, content: str,
    assistant: Assistant | None = None, metadata: dict[str, Any] | None = None, pk: UUID | None = None,
) -> ChatMessage:  # fmt: skip
    """Keep one message of a contact, in the order in which they are sent."""
    return ChatMessage.objects.create(
        organization=organization, contact_id=contact_id, channel=channel, role=role, content=content,
        assistant=assistant, metadata=metadata, id=pk or uuid7(),
    )  # fmt: skip


@writes
def delete_message(*, message: ChatMessage) -> bool:
    """Forget one message for good. False when somebody else just did."""
    found = ChatMessage.objects.for_organization(message.organization_id).filter(pk=message.pk)
    return bool(found.delete()[0])


def formatted(messages: Sequence[ChatMessage]) -> str:
    """The messages as text for a system prompt: one line each, `ROLE: content`.

    Line breaks inside a message become spaces, so that no message can pass for two.
    """
    return "\n".join(f"{_line(each.role).upper()}: {_line(each.content)}" for each in messages)


@writes
def erase_expired(*, organization: Organization, now: dt.datetime) -> int:
    """Messages are content: they go when the organization's content retention has passed. Returns how many."""
    limit = now - dt.timedelta(days=organization.content_retention_days)
    return ChatMessage.objects.for_organization(organization).before(limit).delete()[0]


def find_person(*, organization: Organization, mention: Mention) -> int:
    """How many messages were exchanged with the person."""
    count: int = mention.rows(ChatMessage.objects.for_organization(organization), "contact_id").count()
    return count


@step
def erase_person(*, organization: Organization, mention: Mention, now: dt.datetime) -> dict[str, int]:
    """Forget the messages of the contact, and take the number out of others'. Returns what, by kind."""
    own = ChatMessage.objects.for_organization(organization)
    gone = mention.rows(own, "contact_id").delete()[0]
    others = list(mention.rows(own, "content", "metadata", "channel"))
    for row in others:
        row.change(now, **{name: mention.without(getattr(row, name)) for name in ("content", "metadata", "channel")})
    return {"chats": gone, "mentions": len(others)}


@step
def erase_organization(*, organization: Organization) -> None:
    ChatMessage.objects.for_organization(organization).delete()


def _line(text: str) -> str:
    return " ".join(text.split())
