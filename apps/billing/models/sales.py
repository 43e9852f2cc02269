"""What an agency sells to its clients: packages and plans, bought by card or by transfer.

Money is in whole cents (minor units) of the seller's currency; tax rates are in basis points (2100 = 21 %). Rows of a client
(`organization`) that come from its agency carry what was agreed as a copy: a changed price does not touch the past.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.fields_encrypted import EncryptedTextField
from apps.organizations.models import OwnedModel


class Seller(OwnedModel):
    """How an agency (`organization`) sells: who it is on an invoice, its currency, tax, bank account and Stripe account."""

    legal_name = models.CharField(_("legal name"), max_length=200, blank=True)
    address = models.TextField(_("address"), max_length=500, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, default="NL")
    vat_id = models.CharField(_("VAT ID"), max_length=20, blank=True)
    registration = models.CharField(_("registration number"), max_length=60, blank=True)
    is_small_business = models.BooleanField(_("small business without VAT"), default=False)
    uses_one_stop_shop = models.BooleanField(_("VAT of the buyer's country (One-Stop Shop)"), default=False)
    vat_rate = models.PositiveIntegerField(_("VAT rate"), null=True, blank=True)
    currency = models.CharField(_("currency"), max_length=3, default="EUR")
    credit_price_micros = models.PositiveBigIntegerField(_("price of a credit"), default=100_000)
    invoice_prefix = models.CharField(_("prefix of invoice numbers"), max_length=12, default="INV-", blank=True)
    credit_note_prefix = models.CharField(_("prefix of credit note numbers"), max_length=12, default="CN-", blank=True)
    payment_days = models.PositiveSmallIntegerField(_("days to pay"), default=14)
    invoice_footer = models.CharField(_("foot of invoices"), max_length=500, blank=True)
    takes_transfers = models.BooleanField(_("bank transfer"), default=False)
    iban = models.CharField("IBAN", max_length=34, blank=True)
    bic = models.CharField("BIC", max_length=11, blank=True)
    account_holder = models.CharField(_("account holder"), max_length=200, blank=True)
    stripe_publishable_key = models.CharField(max_length=200, blank=True)
    stripe_secret_key = EncryptedTextField(null=True, blank=True)
    stripe_webhook_secret = EncryptedTextField(null=True, blank=True)
    stripe_hook = models.CharField(max_length=43, unique=True)
    stripe_account = models.CharField(max_length=64, blank=True)
    stripe_checked_at = models.DateTimeField(null=True, blank=True)
    stripe_error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="one_seller_per_organization")]

    def __str__(self) -> str:
        return self.legal_name

    @property
    def takes_cards(self) -> bool:
        return bool(self.stripe_secret_key and self.stripe_webhook_secret and not self.stripe_error)


class Buyer(OwnedModel):
    """Who a client (`organization`) is on an invoice."""

    company = models.CharField(_("company"), max_length=200, blank=True)
    contact = models.CharField(_("contact"), max_length=200, blank=True)
    email = models.EmailField(_("e-mail for invoices"), blank=True)
    address = models.TextField(_("address"), max_length=500, blank=True)
    postal_code = models.CharField(_("postal code"), max_length=20, blank=True)
    city = models.CharField(_("city"), max_length=100, blank=True)
    country = models.CharField(_("country"), max_length=2, blank=True)
    vat_id = models.CharField(_("VAT ID"), max_length=20, blank=True)
    is_business = models.BooleanField(_("buys as a business"), default=True)
    reference = models.CharField(_("your reference"), max_length=100, blank=True)
    stripe_customer = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization"], name="one_buyer_per_organization")]

    def __str__(self) -> str:
        return self.company


class Package(OwnedModel):
    """Credits for a price, sold once each time, by an agency (`organization`). Prices are net, in its currency."""

    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=300, blank=True)
    credits = models.PositiveIntegerField(_("credits"))
    price_cents = models.PositiveIntegerField(_("price"))
    is_active = models.BooleanField(_("on sale"), default=True)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(credits__gt=0), name="package_has_credits")]

    def __str__(self) -> str:
        return self.name


class Plan(OwnedModel):
    """What a client of an agency (`organization`) may use and pays each month. Price null: not for money, only its limits.

    `included_credits` are booked at the start of each month and lapse at its end. `overage_micros`: price of a credit used
    beyond them, in millionths of the currency, invoiced at the end of the month; null: the wallet must be topped up.
    `limits`: fields of Limits; `features`: names of what is switched on, null: everything.
    """

    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=300, blank=True)
    price_cents = models.PositiveIntegerField(_("price per month"), null=True, blank=True)
    included_credits = models.PositiveIntegerField(_("included credits"), default=0)
    overage_micros = models.PositiveBigIntegerField(_("price of a credit beyond them"), null=True, blank=True)
    overage_credits = models.PositiveIntegerField(_("credits beyond them, at most"), default=0)
    trial_days = models.PositiveSmallIntegerField(_("days to try"), default=0)
    micro_per_minute = models.BigIntegerField(_("credits per minute"), null=True, blank=True)
    limits = models.JSONField(default=dict, blank=True)
    features = models.JSONField(null=True, blank=True)
    is_active = models.BooleanField(_("on sale"), default=True)
    is_public = models.BooleanField(_("clients may choose it"), default=False)
    position = models.PositiveSmallIntegerField(_("order"), default=0)

    def __str__(self) -> str:
        return self.name


class Subscription(OwnedModel):
    """A client's plan with the terms as they were agreed. One that is not over per client."""

    class Status(models.TextChoices):
        TRIAL = "trial", _("Trial")
        ACTIVE = "active", _("Active")
        PAST_DUE = "past_due", _("Payment is late")
        ENDED = "ended", _("Ended")

    plan_id = models.UUIDField()
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    price_cents = models.PositiveIntegerField(null=True, blank=True)
    included_credits = models.PositiveIntegerField(default=0)
    overage_micros = models.PositiveBigIntegerField(null=True, blank=True)
    overage_credits = models.PositiveIntegerField(default=0)
    gateway = models.CharField(max_length=10, default="manual")
    stripe_subscription = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=10, choices=Status)
    trial_ends_at = models.DateTimeField(null=True, blank=True)
    period_start = models.DateTimeField()
    period_end = models.DateTimeField()
    ends_at_period_end = models.BooleanField(default=False)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization"], condition=~models.Q(status="ended"), name="one_subscription_at_a_time"
            ),
        ]
        indexes = [models.Index(fields=["period_end"], condition=~models.Q(status="ended"), name="subscriptions_due")]

    def __str__(self) -> str:
        return self.name


class Purchase(OwnedModel):
    """A client's order of a package: open until it is paid. `key` is unique, so a form sent twice orders once."""

    class Status(models.TextChoices):
        OPEN = "open", _("Waiting for payment")
        PAID = "paid", _("Paid")
        FAILED = "failed", _("Payment failed")
        EXPIRED = "expired", _("Not completed")
        REFUNDED = "refunded", _("Refunded")

    class Gateway(models.TextChoices):
        STRIPE = "stripe", _("Card")
        TRANSFER = "transfer", _("Bank transfer")
        MANUAL = "manual", _("By hand")

    key = models.CharField(max_length=200)
    package_id = models.UUIDField(null=True, blank=True)
    name = models.CharField(max_length=100)
    credits = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    net_cents = models.PositiveIntegerField()
    vat_rate = models.PositiveIntegerField(default=0)
    vat_cents = models.PositiveIntegerField(default=0)
    vat_reason = models.CharField(max_length=40, blank=True)
    gateway = models.CharField(max_length=10, choices=Gateway)
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    reference = models.CharField(max_length=30)
    stripe_session = models.CharField(max_length=100, blank=True)
    stripe_payment = models.CharField(max_length=100, blank=True)
    error = models.CharField(max_length=300, blank=True)
    bought_by = models.CharField(max_length=200, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    refunded_cents = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "key"], name="one_purchase_per_key"),
            models.UniqueConstraint(fields=["organization", "reference"], name="one_purchase_per_reference"),
        ]
        indexes = [models.Index(fields=["organization", "-created_at"], name="purchases_newest")]

    def __str__(self) -> str:
        return self.reference

    @property
    def gross_cents(self) -> int:
        return self.net_cents + self.vat_cents


class StripeEvent(OwnedModel):
    """An event of the agency's Stripe account, once per its id. Its content is encrypted until it was handled."""

    event_id = models.CharField(max_length=100)
    type = models.CharField(max_length=80)
    payload = EncryptedTextField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization", "event_id"], name="one_row_per_stripe_event")]
        indexes = [models.Index(fields=["next_attempt_at"], condition=models.Q(done_at=None), name="stripe_events_due")]
