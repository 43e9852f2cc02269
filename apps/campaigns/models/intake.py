"""How leads come in: files, and what a customer's system posts."""

from __future__ import annotations

from typing import Self

from django.db import models

from apps.campaigns.models.campaign import Campaign
from apps.campaigns.models.lead import Lead
from apps.organizations.models import Job, OwnedModel, OwnedQuerySet


class UploadQuerySet(OwnedQuerySet):
    def waiting(self) -> Self:
        """Neither imported nor being imported."""
        return self.filter(imported_at__isnull=True, job__isnull=True)


class Upload(OwnedModel):
    """A leads file between its upload and its import, and its refused rows afterwards."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="uploads")
    job = models.ForeignKey(Job, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    filename = models.CharField(max_length=255)
    content = models.BinaryField()
    mapping = models.JSONField(default=dict, blank=True)
    country = models.CharField(max_length=2, blank=True)
    rows = models.PositiveIntegerField(default=0)
    imported_at = models.DateTimeField(null=True, blank=True)
    good = models.PositiveIntegerField(null=True, blank=True)
    bad = models.PositiveIntegerField(null=True, blank=True)
    duplicates = models.PositiveIntegerField(null=True, blank=True)
    bad_rows = models.BinaryField(null=True, blank=True)
    warnings = models.PositiveIntegerField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)

    objects = UploadQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["campaign", "-created_at"], name="upload_newest")]

    def __str__(self) -> str:
        return self.filename


class RememberedColumns(OwnedModel):
    """How the columns of a kind of file were mapped the last time; `signature` is a digest of its header."""

    signature = models.CharField(max_length=64)
    mapping = models.JSONField(default=dict)
    country = models.CharField(max_length=2, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "signature"], name="one_mapping_per_header")]


class HookLead(OwnedModel):
    """What a customer's system posted, under its key: the same key again adds nothing."""

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    lead = models.ForeignKey(Lead, null=True, on_delete=models.SET_NULL, related_name="+")
    status = models.PositiveSmallIntegerField()
    answer = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "campaign", "key"], name="one_lead_per_hook_key")]
