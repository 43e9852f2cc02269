"""Events on their way to customers: the row is the outbox, its attempts are rows too."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.fields_encrypted import EncryptedTextField
from apps.organizations.models import OwnedModel, OwnedQuerySet


class Level(models.TextChoices):
    TOOL = "tool", _("Tool")
    ASSISTANT = "assistant", _("Assistant")
    ACCOUNT = "account", _("Account")


class DeliveryQuerySet(OwnedQuerySet):
    def due(self, now: dt.datetime) -> Self:
        return self.filter(status=Delivery.Status.WAITING, next_attempt_at__lte=now)

    def failed(self) -> Self:
        """Given up, and not what somebody tried out."""
        return self.filter(status=Delivery.Status.DEAD, is_test=False)

    def with_body(self) -> Self:
        """What can be sent again: never wiped, and no question, whose content is not kept."""
        return self.filter(erased_at=None)

    def unclaimed(self, now: dt.datetime) -> Self:
        """Nobody is sending them: never claimed, or by a worker that did not come back."""
        return self.filter(models.Q(lease_until=None) | models.Q(lease_until__lte=now))


class Delivery(OwnedModel):
    """One event for one URL. `id` is X-Webhook-Id, the same on every retry; the body is serialised once."""

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        DELIVERED = "delivered", _("Delivered")
        DEAD = "dead", _("Given up")

    key = models.CharField(max_length=200)
    event = models.CharField(max_length=40)
    call_id = models.CharField(max_length=64, blank=True)
    level = models.CharField(max_length=10, choices=Level)
    owner_id = models.CharField(max_length=64, blank=True)
    url = models.CharField(max_length=2048)
    url_digest = models.BinaryField(default=b"")
    secret = EncryptedTextField(default=b"", blank=True)
    body = EncryptedTextField(default=b"", blank=True)
    user_agent = models.CharField(max_length=100, blank=True)
    wipes_body = models.BooleanField(default=False)
    retries = models.BooleanField(default=True)
    is_test = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    attempt_count = models.PositiveSmallIntegerField(default=0)
    # Attempts made before the last replay, which starts the schedule anew.
    attempts_before = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    replayed_at = models.DateTimeField(null=True, blank=True)
    erased_at = models.DateTimeField(null=True, blank=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="one_delivery_per_key")]
        indexes = [
            models.Index(fields=["next_attempt_at"], condition=models.Q(status="waiting"), name="delivery_due"),
            models.Index(fields=["organization", "-created_at"], name="delivery_newest"),
            models.Index(fields=["organization", "call_id"], name="delivery_by_call"),
            models.Index(
                fields=["organization", "url_digest", "next_attempt_at"],
                condition=models.Q(status="waiting"),
                name="delivery_by_endpoint",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"

    @property
    def is_question(self) -> bool:
        """A question of a running call: it was asked once, and only what came of it is kept."""
        return self.key.startswith("question:")

    @property
    def shown_status(self) -> str:
        """The word of the vocabulary for it."""
        if self.status != self.Status.WAITING:
            return self.status
        return "retrying" if self.attempts_now else "queued"

    @property
    def attempts_now(self) -> int:
        """Attempts since it was queued or last replayed."""
        return self.attempt_count - self.attempts_before


class Attempt(OwnedModel):
    """One try of a delivery, written before it is sent: a try without outcome is one whose worker did not come back."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    sent_at = models.DateTimeField()
    seconds = models.FloatField(null=True, blank=True)
    status_code = models.PositiveSmallIntegerField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)
    answer = EncryptedTextField(default=b"", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "delivery", "number"], name="one_row_per_attempt")
        ]


class EndpointQuerySet(OwnedQuerySet):
    def off(self) -> Self:
        return self.filter(off_at__isnull=False)


class Endpoint(OwnedModel):
    """What we know of a customer's URL: switched off, or resting behind its breaker (webhooks 10.3).

    `failures` counts in a row; `failing_since` is the first of them. From ten on, `open_until` is when the next probe
    may go.
    """

    OPENS_AT = 10

    class Reason(models.TextChoices):
        GONE = "gone", _("It answered 410 Gone")
        FAILING = "failing", _("Nothing but failures for five days")

    level = models.CharField(max_length=10, choices=Level)
    owner_id = models.CharField(max_length=64, blank=True)
    url = models.CharField(max_length=2048, blank=True)
    url_digest = models.BinaryField()
    off_at = models.DateTimeField(null=True, blank=True)
    off_reason = models.CharField(max_length=10, choices=Reason, blank=True)
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True, blank=True)
    open_until = models.DateTimeField(null=True, blank=True)

    objects = EndpointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "level", "owner_id", "url_digest"], name="one_endpoint_per_url"
            ),
        ]

    @property
    def is_open(self) -> bool:
        """Ten failures in a row: one probe at a time, the rest waits."""
        return self.failures >= self.OPENS_AT


class SecretChangeQuerySet(OwnedQuerySet):
    def pending(self, now: dt.datetime) -> Self:
        """The old secret still signs."""
        return self.filter(switches_at__gt=now)


class SecretChange(OwnedModel):
    """A secret that replaces another: until `switches_at` the old one signs, and the new one in a header of its own.

    `owner_id` is that of the level which holds the secret. What was queued, or began, with the old secret follows.
    """

    owner_id = models.CharField(max_length=64)
    old = EncryptedTextField()
    new = EncryptedTextField()
    switches_at = models.DateTimeField()

    objects = SecretChangeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "owner_id", "created_at"], name="secret_change_by_owner")]
