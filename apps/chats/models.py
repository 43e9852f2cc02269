"""Contact memory: messages of any channel, kept by the contact they were exchanged with (features 18)."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models

from apps.assistants.models import Assistant
from apps.organizations.models import OwnedModel, OwnedQuerySet

CONTACT, WORD, CONTENT = 255, 100, 100_000


class ChatMessageQuerySet(OwnedQuerySet):
    def with_contact(self, contact_id: str) -> Self:
        return self.filter(contact_id=contact_id)

    def newest(self) -> Self:
        return self.order_by("-created_at", "-id")

    def before(self, instant: dt.datetime) -> Self:
        return self.filter(created_at__lt=instant)


class ChatMessage(OwnedModel):
    """One message. It is appended or deleted, never changed."""

    contact_id = models.CharField(max_length=CONTACT)
    channel = models.CharField(max_length=WORD)
    role = models.CharField(max_length=WORD)
    content = models.TextField()
    assistant = models.ForeignKey(Assistant, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    metadata = models.JSONField(null=True, blank=True)

    objects = ChatMessageQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["organization", "contact_id", "-created_at", "-id"], name="chat_of_contact"),
            models.Index(fields=["organization", "created_at"], name="chat_by_age"),
        ]

    def __str__(self) -> str:
        return str(self.pk)
