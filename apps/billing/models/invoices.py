"""Invoices and credit notes: numbered without gaps, never changed. What was paid is in rows of its own."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.organizations.models import OwnedModel


class InvoiceCounter(OwnedModel):
    """The last number of a series of an agency (`organization`); locked while the next one is given out."""

    series = models.CharField(max_length=20)
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "series"], name="one_counter_per_series")]


class Invoice(OwnedModel):
    """A document to a client (`organization`) from its agency (`seller_id`). Append-only: the database refuses a change.

    `seller` and `buyer` are copies of who they were. `lines`: [{"text", "quantity", "unit_micros", "net_cents", "vat_rate",
    "vat_cents", "entries": [ledger keys]}]. A credit note has the same fields with amounts below zero, and `corrects`.
    """

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice")
        CREDIT_NOTE = "credit_note", _("Credit note")

    key = models.CharField(max_length=200)
    seller_id = models.UUIDField()
    kind = models.CharField(max_length=12, choices=Kind)
    series = models.CharField(max_length=20)
    sequence = models.PositiveIntegerField()
    number = models.CharField(max_length=40)
    corrects = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="corrections")
    language = models.CharField(max_length=5)
    currency = models.CharField(max_length=3)
    issued_on = models.DateField()
    due_on = models.DateField(null=True, blank=True)
    supplied_from = models.DateField(null=True, blank=True)
    supplied_until = models.DateField(null=True, blank=True)
    seller = models.JSONField()
    buyer = models.JSONField()
    lines = models.JSONField()
    net_cents = models.BigIntegerField()
    vat_cents = models.BigIntegerField()
    vat_reason = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=500, blank=True)
    # What it is for: a purchase, or a month of a subscription.
    purchase = models.ForeignKey("Purchase", null=True, blank=True, on_delete=models.PROTECT, related_name="invoices")
    subscription = models.ForeignKey("Subscription", null=True, blank=True, on_delete=models.PROTECT, related_name="invoices")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="one_invoice_per_key"),
            models.UniqueConstraint(fields=["seller_id", "series", "sequence"], name="one_invoice_per_number"),
        ]
        indexes = [models.Index(fields=["organization", "-created_at"], name="invoices_newest")]

    def __str__(self) -> str:
        return self.number

    @property
    def gross_cents(self) -> int:
        return self.net_cents + self.vat_cents


class Payment(OwnedModel):
    """Money that came from a client (`organization`), or went back to it (below zero). Append-only.

    `key` names what it was: the gateway's own id, or the form by which a person marked it.
    """

    key = models.CharField(max_length=200)
    gateway = models.CharField(max_length=10)
    currency = models.CharField(max_length=3)
    amount_cents = models.BigIntegerField()
    received_on = models.DateField()
    purchase = models.ForeignKey("Purchase", null=True, blank=True, on_delete=models.PROTECT, related_name="payments")
    invoice = models.ForeignKey(Invoice, null=True, blank=True, on_delete=models.PROTECT, related_name="payments")
    note = models.CharField(max_length=300, blank=True)
    actor = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "key"], name="one_payment_per_key")]
