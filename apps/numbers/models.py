"""Phone numbers, registered and not sold, and the SIP trunks they dial out through."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import Assistant, Workflow
from apps.core.fields_encrypted import EncryptedTextField
from apps.organizations.models import OwnedModel, OwnedQuerySet


class SipTrunk(OwnedModel):
    class Transport(models.TextChoices):
        UDP = "udp", "UDP"
        TCP = "tcp", "TCP"
        TLS = "tls", "TLS"

    name = models.CharField(_("name"), max_length=200)
    provider = models.CharField(_("provider"), max_length=200, blank=True)
    address = models.CharField(_("SIP server"), max_length=255, blank=True)
    transport = models.CharField(_("transport"), max_length=3, choices=Transport, null=True, blank=True, default="udp")  # noqa: DJ001
    auth_username = models.CharField(_("user name"), max_length=200, null=True, blank=True)  # noqa: DJ001
    auth_password = EncryptedTextField(default=b"", blank=True)
    is_active = models.BooleanField(default=True)
    inbound_addresses = models.JSONField(null=True, blank=True)
    outbound_number = models.CharField(max_length=32, null=True, blank=True)  # noqa: DJ001
    concurrent_calls = models.PositiveSmallIntegerField(_("calls at once"), null=True, blank=True)
    starts = models.PositiveSmallIntegerField(_("call starts"), null=True, blank=True)
    starts_seconds = models.PositiveSmallIntegerField(_("in seconds"), default=1)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(starts_seconds__gte=1), name="trunk_window_has_length")]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="trunk_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def can_dial(self) -> bool:
        return self.is_active and bool(self.address)


class PhoneNumberQuerySet(OwnedQuerySet):
    def can_dial(self) -> Self:
        """Active numbers whose trunk has an address: only these place calls."""
        return self.filter(is_active=True, transfer_trunk__is_active=True).exclude(transfer_trunk__address="")


class PhoneNumber(OwnedModel):
    phone_number = models.CharField(_("phone number"), max_length=16, unique=True)
    name = models.CharField(_("label"), max_length=200, null=True, blank=True)  # noqa: DJ001
    assistant = models.ForeignKey(Assistant, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    transfer_trunk = models.ForeignKey(
        SipTrunk, null=True, blank=True, on_delete=models.SET_NULL, related_name="numbers"
    )
    # Of a deleted assistant a number lets go; a workflow cannot be deleted while a number runs it (api 8.15).
    workflow = models.ForeignKey(Workflow, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    source = models.CharField(max_length=20, null=True, blank=True, default="manual")  # noqa: DJ001
    is_active = models.BooleanField(_("active"), default=True)
    version = models.PositiveIntegerField(default=1)

    objects = PhoneNumberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(phone_number__regex=r"^\+[1-9][0-9]{6,14}$"), name="number_is_e164"
            ),
        ]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="number_newest")]

    def __str__(self) -> str:
        return self.phone_number
