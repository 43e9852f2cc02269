"""Leads, and one row per attempt to reach a lead."""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.calls.models import Call
from apps.campaigns.models.campaign import Campaign
from apps.organizations.models import Organization, OwnedModel, OwnedQuerySet


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
        OUTSIDE_HOURS = "outside_hours", _("outside the legal calling hours")
        HOLIDAY = "holiday", _("public holiday")
        NO_CONSENT = "no_consent", _("no consent")
        NUMBER_LIMIT = "number_limit", _("called often enough for now")
        NUMBER_GAP = "number_gap", _("called a moment ago")
        DAY_LIMIT = "day_limit", _("called often enough today")
        CALL_BACK = "call_back", _("asked to be called back")
        NOT_ALLOWED = "not_allowed", _("number not allowed")
        TRUNK_FAILING = "trunk_failing", _("trunk fails")
        BREAKER = "breaker", _("paused: too many calls failed")
        BUDGET = "budget", _("budget used up")
        MINUTES_USED_UP = "minutes_used_up", _("minutes of this month used up")
        SKIPPED = "skipped", _("skipped by a person")
        CANCELLED = "cancelled", _("campaign cancelled")
        NEVER_OPEN = "never_open", _("no time at which calling is allowed")
        FINISHED = "finished", _("finished")

    class Consent(models.TextChoices):
        EXPRESS = "express", _("Express consent")
        WRITTEN = "written", _("Express written consent")
        CUSTOMER = "customer", _("Existing customer")

    UNFINISHED = (Status.PENDING, Status.CALLING)

    # The keys that carry the organization with them (migrations, SameOwner) see to it that all of these exist, and the
    # indexes below begin with organization and campaign: a second key and index of its own costs each claim.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    campaign = models.ForeignKey(
        Campaign, on_delete=models.CASCADE, related_name="leads", db_constraint=False, db_index=False
    )
    upload = models.ForeignKey(
        "Upload", null=True, blank=True, on_delete=models.SET_NULL, related_name="leads", db_constraint=False
    )
    position = models.PositiveIntegerField(default=0)
    phone_number = models.CharField(_("phone number"), max_length=16)
    variables = models.JSONField(default=dict, blank=True)
    # Where the person is: the zone and region that were given, and `place`: all that the rules need to know, as one text.
    timezone = models.CharField(_("time zone"), max_length=64, blank=True)
    region = models.CharField(_("region"), max_length=10, blank=True)
    place = models.TextField(blank=True)
    consent = models.CharField(_("consent"), max_length=20, choices=Consent, blank=True)
    consent_at = models.DateTimeField(_("consent given"), null=True, blank=True)
    consent_proof = models.CharField(_("proof of consent"), max_length=300, blank=True)
    variant = models.CharField(max_length=1, blank=True)
    # Called before all others, as soon as it may be: a person asked for it.
    hurried_at = models.DateTimeField(null=True, blank=True)
    voicemail_left_at = models.DateTimeField(null=True, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.PENDING)
    # Of a pending lead: why `next_attempt_at` lies ahead.
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
            models.Index(
                fields=["campaign", "place", "next_attempt_at", "position"],
                condition=models.Q(status="pending"),
                name="lead_due_in_place",
            ),
            models.Index(
                fields=["campaign", "hurried_at"], condition=models.Q(status="pending", hurried_at__isnull=False), name="lead_hurried"
            ),
            models.Index(fields=["organization", "phone_number"], name="lead_by_number"),
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

    # As with leads.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )
    lead = models.ForeignKey(Lead, on_delete=models.CASCADE, related_name="tries", db_constraint=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="tries", db_constraint=False)
    number = models.PositiveSmallIntegerField()
    call = models.ForeignKey(Call, null=True, on_delete=models.SET_NULL, related_name="+", db_constraint=False)
    settled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=40, blank=True)
    is_counted = models.BooleanField(default=True)
    variant = models.CharField(max_length=1, blank=True)

    objects = AttemptQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "lead", "number"], name="one_attempt_per_number")
        ]
        indexes = [
            models.Index(fields=["campaign"], condition=models.Q(settled_at=None), name="attempt_open"),
            models.Index(fields=["settled_at"], condition=models.Q(outcome="in_doubt"), name="attempt_in_doubt"),
            models.Index(
                fields=["campaign", "settled_at"],
                condition=models.Q(settled_at__isnull=False),
                name="attempt_settled",
            ),
        ]
