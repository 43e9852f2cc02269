"""The tables of billing, by noun."""

from apps.billing.models.invoices import Invoice, InvoiceCounter, Payment
from apps.billing.models.ledger import (
    CREDIT,
    Account,
    Checkpoint,
    Hold,
    HoldQuerySet,
    LedgerEntry,
    LedgerQuerySet,
    RateCard,
)
from apps.billing.models.sales import Buyer, Package, Plan, Purchase, Seller, StripeEvent, Subscription

__all__ = [
    "CREDIT",
    "Account",
    "Buyer",
    "Checkpoint",
    "Hold",
    "HoldQuerySet",
    "Invoice",
    "InvoiceCounter",
    "LedgerEntry",
    "LedgerQuerySet",
    "Package",
    "Payment",
    "Plan",
    "Purchase",
    "RateCard",
    "Seller",
    "StripeEvent",
    "Subscription",
]
