"""Prepaid credits: an append-only ledger, and holds for what may still be booked.

Amounts are whole micro-credits, a millionth of a credit; what is booked is a multiple of 100 (four decimals).
"""

from __future__ import annotations

import datetime as dt
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.models import Row
from apps.organizations.models import OwnedModel, OwnedQuerySet

CREDIT = 1_000_000


class LedgerQuerySet(OwnedQuerySet):
    def calls(self) -> Self:
        return self.filter(kind=LedgerEntry.Kind.CALL)

    def between(self, start: dt.datetime, end: dt.datetime) -> Self:
        return self.filter(created_at__gte=start, created_at__lt=end)

    def newest(self) -> Self:
        return self.order_by("-created_at", "-id")


class LedgerEntry(OwnedModel):
    """One booking on the balance of `organization`. Rows never change; corrections are new rows.

    For a call of a client the payer is the agency: `organization` is the payer, `used_by` the client.
    """

    class Kind(models.TextChoices):
        CREDIT = "credit", _("Credits added")
        CALL = "call", _("Call")
        CORRECTION = "correction", _("Correction")
        PURCHASE = "purchase", _("Credits bought")
        REFUND = "refund", _("Purchase refunded")
        GRANT = "grant", _("Free credits")
        INCLUDED = "included", _("Included in the plan")
        LAPSE = "lapse", _("Included credits lapsed")
        OVERAGE = "overage", _("Overage invoiced")

    key = models.CharField(max_length=200)
    kind = models.CharField(max_length=12, choices=Kind)
    amount = models.BigIntegerField()
    used_by = models.UUIDField()
    used_by_name = models.CharField(max_length=200, blank=True)
    call_id = models.CharField(max_length=64, blank=True)
    seconds = models.PositiveIntegerField(null=True, blank=True)
    lines = models.JSONField(default=list, blank=True)
    note = models.CharField(max_length=500, blank=True)
    actor = models.CharField(max_length=200, blank=True)

    objects = LedgerQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "ledger entries"
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="one_booking_per_key")]
        indexes = [
            models.Index(fields=["organization", "-created_at", "-id"], name="ledger_newest"),
            models.Index(fields=["organization", "used_by", "-created_at", "-id"], name="ledger_newest_of_client"),
        ]

    def __str__(self) -> str:
        return self.call_id or self.note or str(self.pk)


class HoldQuerySet(OwnedQuerySet):
    def open(self) -> Self:
        return self.filter(released_at__isnull=True)


class Hold(OwnedModel):
    """What a running call may still cost its payer (`organization`)."""

    key = models.CharField(max_length=200)
    amount = models.BigIntegerField()
    used_by = models.UUIDField()
    released_at = models.DateTimeField(null=True, blank=True)

    objects = HoldQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="one_hold_per_key")]
        indexes = [models.Index(fields=["organization"], condition=models.Q(released_at=None), name="open_holds")]


class Checkpoint(OwnedModel):
    """The sum of all entries up to an instant, so that a balance reads few rows."""

    at = models.DateTimeField()
    balance = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "at"], name="one_checkpoint_per_instant")]


class Account(OwnedModel):
    """How an organization's balance is watched, and what its minutes cost.

    Of an agency: `micro_per_minute` is its wholesale rate, set by the operator (null: the rate card's). Of a client with a
    wallet: its retail rate, in micro-credits of its wallet, set by the agency (null: one credit a minute).
    `credit_line` (micro-credits): how far a wallet may fall below zero, because a plan invoices what is used beyond the
    included minutes.
    """

    micro_per_minute = models.BigIntegerField(null=True, blank=True)
    credit_line = models.BigIntegerField(default=0, db_default=0)
    low_balance_credits = models.PositiveIntegerField(_("warn below (credits)"), default=60)
    low_balance_mailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="one_account_per_organization"),
            models.CheckConstraint(condition=models.Q(credit_line__gte=0), name="credit_line_is_not_negative"),
        ]


class RateCard(Row):
    """What a minute of orchestration costs, in micro-credits; the newest row that is valid counts."""

    valid_from = models.DateTimeField()
    micro_per_minute = models.BigIntegerField(default=CREDIT)

    @staticmethod
    def at(now: dt.datetime) -> int:
        row = RateCard.objects.filter(valid_from__lte=now).order_by("-valid_from").first()
        return row.micro_per_minute if row else CREDIT
