"""A campaign: what is said to whom, when and how fast."""

from __future__ import annotations

import datetime as dt
from typing import Self
from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import Assistant
from apps.campaigns.window import Week, Window, daily, week_of
from apps.core.fields_encrypted import EncryptedTextField
from apps.numbers.models import PhoneNumber
from apps.organizations.models import OwnedModel, OwnedQuerySet


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
        BREAKER = "breaker", _("too many calls failed")
        BUDGET = "budget", _("budget used up")
        SPEND = "spend", _("too much spent in an hour")
        MINUTES = "minutes", _("minutes of this month used up")

    class Purpose(models.TextChoices):
        """`marketing` follows the rules for unasked calls of the country that is called."""

        MARKETING = "marketing", _("Marketing")
        SERVICE = "service", _("Service")

    class Voicemail(models.TextChoices):
        """When a voicemail counts as answered, so that the lead is not called again."""

        MESSAGE = "message", _("when a message was left")
        ALWAYS = "always", _("always")
        NEVER = "never", _("never")

    class Priority(models.IntegerChoices):
        LOW = 1, _("Low")
        NORMAL = 2, _("Normal")
        HIGH = 3, _("High")

    NEXT = {
        Status.DRAFT: {Status.SCHEDULED, Status.CANCELLED},
        Status.SCHEDULED: {Status.PAUSED, Status.CANCELLED, Status.COMPLETED},
        Status.PAUSED: {Status.SCHEDULED, Status.CANCELLED, Status.COMPLETED},
        Status.COMPLETED: set(),
        Status.CANCELLED: set(),
    }
    FINAL = (Status.COMPLETED, Status.CANCELLED)
    ENDS_BY_ITSELF = (PausedBy.BALANCE, PausedBy.MINUTES, PausedBy.SUSPENDED)

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

    # Calling hours: several windows take the place of the daily one; null: that one.
    windows = models.JSONField(null=True, blank=True)
    uses_lead_zone = models.BooleanField(_("hours of the person called"), default=False)
    skips_holidays = models.BooleanField(_("not on public holidays"), default=False)
    region = models.CharField(_("region"), max_length=10, blank=True)
    # The rules of the countries that are called, and consent.
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose, default=Purpose.SERVICE)
    attestation = models.CharField(max_length=500, blank=True)
    attested_by = models.CharField(max_length=200, blank=True)
    attested_at = models.DateTimeField(null=True, blank=True)
    # Retries: by outcome {"attempts": 1-10, "delays": [minutes, …]}; an outcome that is not named follows the two above.
    retry_rules = models.JSONField(default=dict, blank=True)
    max_attempts_per_day = models.PositiveSmallIntegerField(_("attempts per day"), null=True, blank=True)
    spreads_day_parts = models.BooleanField(_("another part of the day each time"), default=False)
    voicemail_counts = models.CharField(_("voicemail counts as answered"), max_length=10, choices=Voicemail, default=Voicemail.MESSAGE)
    # Pace: `starts` calls begin in any `starts_seconds`; `floor_calls` lines are its own while it has leads to call.
    starts = models.PositiveSmallIntegerField(_("call starts"), null=True, blank=True)
    starts_seconds = models.PositiveSmallIntegerField(_("in seconds"), default=1)
    floor_calls = models.PositiveSmallIntegerField(_("lines of its own"), default=0)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority, default=Priority.NORMAL)
    wants = models.PositiveIntegerField(default=0)
    wants_at = models.DateTimeField(null=True, blank=True)
    # Brakes: share of failed calls within seconds, from a number of calls on; credits in micro-credits.
    breaker_percent = models.PositiveSmallIntegerField(_("share of failed calls"), default=50)
    breaker_seconds = models.PositiveSmallIntegerField(_("within seconds"), default=120)
    breaker_calls = models.PositiveSmallIntegerField(_("from calls on"), default=5)
    tripped = models.JSONField(default=list, blank=True)
    budget = models.BigIntegerField(_("budget"), null=True, blank=True)
    # A comparison: this share of the leads talks to another assistant, or to an earlier version of the same one.
    variant_assistant = models.ForeignKey(Assistant, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    variant_version = models.PositiveIntegerField(null=True, blank=True)
    variant_percent = models.PositiveSmallIntegerField(default=0)
    # A child calls some of its parent's leads again.
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="children")
    # Where a customer's system posts leads.
    hook_id = models.CharField(max_length=64, null=True, blank=True, unique=True)
    hook_secret = EncryptedTextField(default=b"", blank=True)
    hook_mapping = models.JSONField(default=dict, blank=True)
    report_emails = models.JSONField(default=list, blank=True)
    reported_at = models.DateTimeField(null=True, blank=True)

    waits_for_engine_since = models.DateTimeField(null=True, blank=True)
    # No lead may be called before: the tick leaves it alone. Never far ahead, so that nobody has to reset it.
    sleeps_until = models.DateTimeField(null=True, blank=True)
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
            models.CheckConstraint(condition=models.Q(starts_seconds__gte=1), name="campaign_window_has_length"),
            models.CheckConstraint(condition=models.Q(variant_percent__lte=100), name="variant_is_a_share"),
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
        """Its calling hours by its own zone, without holidays and rules: see rules.Rules for a person's."""
        return Window(self.week, ZoneInfo(self.timezone))

    @property
    def week(self) -> Week:
        """When it calls, by the weekday: its windows, or the daily one."""
        if self.windows is not None:
            return week_of(self.windows)
        return daily(self.schedule_start_time, self.schedule_end_time, self.schedule_days)

    @property
    def origin(self) -> str:
        """How its calls name it."""
        return f"campaign:{self.pk}"
