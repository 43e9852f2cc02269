"""The outbox. A row is written in the transaction of its reason; sending is a task of each transport."""

from __future__ import annotations

import base64
import datetime as dt
import mimetypes
from dataclasses import dataclass
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.branding.models import Brand
from apps.core.fields_encrypted import EncryptedTextField
from apps.core.models import Row

OPERATOR = "operator"
# How the key of a mail begins whose content is kept nowhere (features 15).
PRIVATE = "private:"


@dataclass(frozen=True)
class Attachment:
    """A file by its name, whose ending says what it is."""

    name: str
    content: bytes

    @property
    def content_type(self) -> str:
        return mimetypes.guess_type(self.name)[0] or "application/octet-stream"


class MessageQuerySet(models.QuerySet["Message"]):
    def due(self, now: dt.datetime) -> Self:
        """To be sent now: waiting, or taken by a sender whose lease has run out."""
        return self.filter(status__in=(Message.Status.WAITING, Message.Status.SENDING), next_attempt_at__lte=now)

    def of(self, organization_id: object) -> Self:
        """The mails of one organization; None: those that belong to nobody."""
        return self.filter(organization_id=organization_id)

    def done(self) -> Self:
        return self.filter(status__in=(Message.Status.SENT, Message.Status.DEAD))

    def newest(self) -> Self:
        return self.select_related("brand").order_by("-created_at", "-id")


class Message(Row):
    """One mail. `organization_id` is a plain uuid: mail stands left of organizations; account mail belongs to nobody."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Sending")
        SENT = "sent", _("Sent")
        DEAD = "dead", _("Given up")

    organization_id = models.UUIDField(null=True, blank=True)
    key = models.CharField(max_length=200)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+")
    transport = models.CharField(max_length=20, default=OPERATOR)
    to = models.EmailField()
    subject = EncryptedTextField(default=b"", blank=True)
    text = EncryptedTextField(default=b"", blank=True)
    html = EncryptedTextField(default=b"", blank=True)
    # One file that goes with it, as base64.
    attachment_name = models.CharField(max_length=120, blank=True, default="", db_default="")
    attachment = EncryptedTextField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    objects = MessageQuerySet.as_manager()

    @property
    def file(self) -> Attachment | None:
        """What goes with the mail."""
        return Attachment(self.attachment_name, base64.b64decode(self.attachment)) if self.attachment else None

    @property
    def is_private(self) -> bool:
        return self.key.startswith(PRIVATE)

    class Meta:
        constraints = [
            models.UniqueConstraint("organization_id", "key", name="one_mail_per_key", nulls_distinct=False),
        ]
        indexes = [
            models.Index(
                fields=["next_attempt_at"], condition=models.Q(status__in=("waiting", "sending")), name="mail_due"
            )
        ]
