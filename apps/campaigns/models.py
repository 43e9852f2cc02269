"""Campaigns, their leads, and one row per attempt to reach a lead."""

from __future__ import annotations

import datetime as dt
from typing import Self
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import Assistant
from apps.calls.models import Call
from apps.campaigns.window import Window
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Job, OwnedModel, OwnedQuerySet


def every_day() -> list[int]:
    return [1, 2, 3, 4, 5, 6, 7]


class CampaignQuerySet(OwnedQuerySet):
    def live(self) -> Self:
        """Not deleted: of a deleted one the row stays, so that its calls keep its name."""
        return self.filter(deleted_at__isnull=True)

    def unfinished(self) -> Self:
        """Those that may still dial."""
        return self.live().exclude(status__in=Campaign.FINAL)

    def newest(self) -> Self:
        return self.order_by("-created_at", "-id")


class Campaign(OwnedModel):
    class Status(models.TextChoices):
        DRAFT = "draft", _("Draft")
        SCHEDULED = "scheduled", _("Scheduled")
        PAUSED = "paused", _("Paused")
        COMPLETED = "completed", _("Completed")
        CANCELLED = "cancelled", _("Cancelled")

    class PausedBy(models.TextChoices):
        PERSON = "person", _("paused by a person")
        BALANCE = "balance", _("no balance")
        SUSPENDED = "suspended", _("organization suspended")
        ASSISTANT_DELETED = "assistant_deleted", _("assistant deleted")
        ASSISTANT_INACTIVE = "assistant_inactive", _("assistant switched off")
        NUMBER_UNAVAILABLE = "number_unavailable", _("number unavailable")

    NEXT = {
        Status.DRAFT: {Status.SCHEDULED, Status.CANCELLED},
        Status.SCHEDULED: {Status.PAUSED, Status.CANCELLED, Status.COMPLETED},
        Status.PAUSED: {Status.SCHEDULED, Status.CANCELLED, Status.COMPLETED},
        Status.COMPLETED: set(),
        Status.CANCELLED: set(),
    }
    FINAL = (Status.COMPLETED, Status.CANCELLED)
    ENDS_BY_ITSELF = (PausedBy.BALANCE, PausedBy.SUSPENDED)

    name = models.CharField(_("name"), max_length=200)
    assistant = models.ForeignKey(Assistant, on_delete=models.PROTECT, related_name="+")
    number = models.ForeignKey(PhoneNumber, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    has_own_number = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    paused_by = models.CharField(max_length=20, choices=PausedBy, blank=True)
    system_message_template = models.TextField(_("message template"), null=True, blank=True)  # noqa: DJ001
    schedule_start_time = models.TimeField(_("from"), default=dt.time(9))
    schedule_end_time = models.TimeField(_("until"), default=dt.time(17))
    schedule_days = models.JSONField(default=every_day)
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Amsterdam")
    max_attempts = models.PositiveSmallIntegerField(_("attempts per lead"), default=3)
    retry_delay_minutes = models.PositiveSmallIntegerField(_("minutes between attempts"), default=60)
    max_concurrent_calls = models.PositiveSmallIntegerField(_("calls at once"), default=1)
    waits_for_engine_since = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(schedule_end_time__gt=models.F("schedule_start_time")),
                name="window_ends_after_it_starts",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="campaign_newest"),
            models.Index(fields=["status"], name="campaign_scheduled", condition=models.Q(status="scheduled")),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_final(self) -> bool:
        """Nothing of it can be changed any more; it can be deleted."""
        return self.status in self.FINAL

    def may_become(self, status: str) -> bool:
        return status in self.NEXT[self.Status(self.status)]

    @property
    def window(self) -> Window:
        days = frozenset(self.schedule_days)
        return Window(self.schedule_start_time, self.schedule_end_time, days, ZoneInfo(self.timezone))

    @property
    def origin(self) -> str:
        """How its calls name it."""
        return f"campaign:{self.pk}"


class LeadQuerySet(OwnedQuerySet):
    def pending(self) -> Self:
        return self.filter(status=Lead.Status.PENDING)

    def unfinished(self) -> Self:
        return self.filter(status__in=Lead.UNFINISHED)

    def oldest(self) -> Self:
        return self.order_by("position", "id")


class Lead(OwnedModel):
    class Status(models.TextChoices):
        PENDING = "pending", _("Pending")
        CALLING = "calling", _("Calling")
        COMPLETED = "completed", _("Completed")
        FAILED = "failed", _("Failed")
        SKIPPED = "skipped", _("Skipped")

    class Reason(models.TextChoices):
        """Why a lead is not being called: exactly one, computed while it waits, stored when it is over."""

        WAITING_WINDOW = "waiting_window", _("waits for the calling hours")
        WAITING_RETRY = "waiting_retry", _("waits for the next attempt")
        WAITING_SLOT = "waiting_slot", _("waits for its turn")
        PAUSED = "paused", _("campaign not running")
        NO_BALANCE = "no_balance", _("no credits")
        DO_NOT_CALL = "do_not_call", _("on the do-not-call list")
        NUMBER_UNAVAILABLE = "number_unavailable", _("no number to call from")
        ENGINE_UNAVAILABLE = "engine_unavailable", _("voice engine unavailable")
        IN_DOUBT = "in_doubt", _("unknown whether it rang")
        FINISHED = "finished", _("finished")

    UNFINISHED = (Status.PENDING, Status.CALLING)

    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="leads")
    upload = models.ForeignKey("Upload", null=True, blank=True, on_delete=models.SET_NULL, related_name="leads")
    position = models.PositiveIntegerField(default=0)
    phone_number = models.CharField(_("phone number"), max_length=16)
    variables = models.JSONField(default=dict, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    reason = models.CharField(max_length=40, choices=Reason, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_call_id = models.CharField(max_length=64, blank=True)
    result = models.CharField(max_length=40, blank=True)

    objects = LeadQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "campaign", "phone_number"], name="one_lead_per_number"),
            models.CheckConstraint(
                condition=models.Q(phone_number__regex=r"^\+[1-9][0-9]{6,14}$"), name="lead_is_e164"
            ),
        ]
        indexes = [
            models.Index(
                fields=["campaign", "next_attempt_at", "position"],
                condition=models.Q(status="pending"),
                name="lead_due",
            ),
            models.Index(fields=["campaign", "position", "id"], name="lead_oldest"),
            models.Index(fields=["campaign", "status"], name="lead_by_status"),
        ]

    def __str__(self) -> str:
        return self.phone_number

    @property
    def name(self) -> str | None:
        return self.variables.get("name")


class AttemptQuerySet(OwnedQuerySet):
    def open(self) -> Self:
        """Its outcome has not been carried over to the lead."""
        return self.filter(settled_at__isnull=True)

    def ended(self) -> Self:
        """Open, and its call has come to an end (or was erased)."""
        return self.open().exclude(call__status__in=Call.RUNNING)

    def turned(self, since: dt.datetime) -> Self:
        """Settled in doubt since then, and a late event told the truth (features 12)."""
        doubtful = self.filter(outcome="in_doubt", settled_at__gte=since, call__isnull=False)
        return doubtful.exclude(call__end_reason="in_doubt").exclude(call__status__in=Call.RUNNING)


class Attempt(OwnedModel):
    """One try to reach a lead. `number` counts from 1; its call is reserved under `lead:<id>:<number>`."""

    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="tries")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    call = models.ForeignKey(Call, null=True, on_delete=models.SET_NULL, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=40, blank=True)
    is_counted = models.BooleanField(default=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "lead", "number"], name="one_attempt_per_number")
        ]
        indexes = [
            models.Index(fields=["campaign"], condition=models.Q(settled_at=None), name="attempt_open"),
            models.Index(fields=["settled_at"], condition=models.Q(outcome="in_doubt"), name="attempt_in_doubt"),
        ]


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

    objects = UploadQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["campaign", "-created_at"], name="upload_newest")]

    def __str__(self) -> str:
        return self.filename
