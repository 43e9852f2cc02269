"""Keys of providers that an organization brings along, their settings, the model for after its calls, and the domain its
e-mail comes from."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.fields_encrypted import EncryptedTextField
from apps.organizations.models import OwnedModel, OwnedQuerySet

PENDING_FOR = dt.timedelta(hours=72)


class ProviderKey(OwnedModel):
    """A provider's key in one of the catalogue's slots. `secret_id` is what the API shows; a new key has a new one."""

    slot = models.CharField(max_length=20)
    secret_id = models.UUIDField(default=uuid.uuid4)
    secret = EncryptedTextField()
    set_by = models.CharField(max_length=200)
    set_at = models.DateTimeField()
    broken_at = models.DateTimeField(null=True, blank=True)
    broken_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "slot"], name="one_key_per_slot")]

    def __str__(self) -> str:
        return self.slot


class ProviderSettings(OwnedModel):
    """What an organization says about one provider beside its key, such as a location."""

    provider = models.CharField(max_length=40)
    settings = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "provider"], name="one_settings_per_provider")]

    def __str__(self) -> str:
        return self.provider


class PostCallModel(OwnedModel):
    """Which model summarises and analyses an organization's calls. No row: chosen by the call (services/postcall.py).

    `provider` empty: none at all, summaries are excerpts. `model` empty: the provider's own choice.
    """

    provider = models.CharField(max_length=40, blank=True)
    model = models.CharField(max_length=100, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="one_postcall_model")]

    def __str__(self) -> str:
        return f"{self.provider} {self.model}".strip()


class SenderDomainQuerySet(OwnedQuerySet):
    def verified(self) -> Self:
        return self.filter(status=SenderDomain.Status.VERIFIED)

    def to_refresh(self, now: dt.datetime) -> Self:
        """Waiting for their DNS records, and not for longer than 72 h (features 17)."""
        return self.filter(status=SenderDomain.Status.PENDING, pending_since__gt=now - PENDING_FOR)


class SenderDomain(OwnedModel):
    """The domain an organization's e-mail comes from, as Resend knows it. `status` is Resend's word; new ones may come."""

    class Status(models.TextChoices):
        NOT_STARTED = "not_started", _("Not started")
        PENDING = "pending", _("Pending")
        VERIFIED = "verified", _("Verified")
        FAILED = "failed", _("Failed")

    domain_name = models.CharField(_("domain"), max_length=253)
    resend_domain_id = models.CharField(max_length=100, null=True, blank=True)  # noqa: DJ001
    status = models.CharField(max_length=40, default=Status.NOT_STARTED)
    region = models.CharField(max_length=40, default="eu-west-1")
    records = models.JSONField(null=True, blank=True)
    # One that was there before us may serve other programs: it is let go here, and stays at Resend.
    was_picked = models.BooleanField(default=False)
    verified_at = models.DateTimeField(null=True, blank=True)
    pending_since = models.DateTimeField(null=True, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)

    objects = SenderDomainQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="one_sender_domain")]
        indexes = [
            models.Index(fields=["pending_since"], condition=models.Q(status="pending"), name="sender_domain_pending")
        ]

    def __str__(self) -> str:
        return self.domain_name

    @property
    def is_verified(self) -> bool:
        return self.status == self.Status.VERIFIED

    @property
    def address(self) -> str:
        """What mails of the organization come from."""
        return f"no-reply@{self.domain_name}"
