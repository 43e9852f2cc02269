"""The outbox. A row is written in the transaction of its reason; sending is a task of each transport."""

from django.db import models

from apps.branding.models import Brand
from apps.core.fields_encrypted import EncryptedTextField
from apps.core.models import Row


class Message(Row):
    """One mail. `organization_id` is a plain uuid: mail stands left of organizations; account mail belongs to nobody."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENDING = "sending"
        SENT = "sent"
        DEAD = "dead"

    organization_id = models.UUIDField(null=True, blank=True)
    key = models.CharField(max_length=200)
    brand = models.ForeignKey(Brand, on_delete=models.PROTECT, related_name="+")
    transport = models.CharField(max_length=20, default="operator")
    to = models.EmailField()
    subject = EncryptedTextField(default=b"", blank=True)
    text = EncryptedTextField(default=b"", blank=True)
    html = EncryptedTextField(default=b"", blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint("organization_id", "key", name="one_mail_per_key", nulls_distinct=False),
        ]
        indexes = [models.Index(fields=["next_attempt_at"], condition=models.Q(status="waiting"), name="mail_due")]
