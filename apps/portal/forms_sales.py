"""What an agency types about selling: itself, its payment account, its packages, and money that came or goes back."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from stdnum import iban
from stdnum.exceptions import ValidationError

from apps.billing.countries import country_names
from apps.billing.forms_money import CentsField, MicrosField, RateField
from apps.billing.models import Package, Purchase, Seller
from apps.billing.vat import vat_id_problem
from apps.billing.vat.ids import compact

CURRENCIES = ("EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "RON", "AUD", "CAD")


class SellerForm(forms.ModelForm):  # type: ignore[type-arg]
    """Who the agency is on an invoice, its tax, and its bank account."""

    vat_rate = RateField(label=_("VAT rate"), required=False, help_text=_("Empty: the standard rate of your country."))
    credit_price_micros = MicrosField(
        label=_("Price of a credit"), help_text=_("What a credit is worth where no package or plan names its price."),
    )  # fmt: skip

    use_required_attribute = False

    class Meta:
        model = Seller
        fields = (
            "legal_name", "registration", "address", "postal_code", "city", "country", "vat_id", "is_small_business",
            "uses_one_stop_shop", "vat_rate", "currency", "credit_price_micros", "invoice_prefix", "credit_note_prefix", "payment_days",
            "invoice_footer", "takes_transfers", "account_holder", "iban", "bic",
        )  # fmt: skip
        widgets = {"address": forms.Textarea({"rows": 2}), "country": forms.Select, "currency": forms.Select}
        help_texts = {
            "registration": _("Such as the number in the trade register."),
            "is_small_business": _("No VAT is charged at home; invoices say why."),
            "uses_one_stop_shop": _("Off: below the threshold of 10,000 euros a year, consumers in the EU pay the rate of your country."),
            "currency": _("Packages and plans are priced in it. What was sold keeps its own."),
            "invoice_footer": _("At the foot of each page, such as your bank or your management."),
            "takes_transfers": _("Clients get the account and a reference; you mark what has arrived."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].widget.choices = country_names()  # type: ignore[attr-defined]
        self.fields["currency"].widget.choices = [(code, code) for code in CURRENCIES]  # type: ignore[attr-defined]
        for name in ("legal_name", "address", "city"):
            self.fields[name].required = True
        self.fields["credit_price_micros"].say_currency(self.instance.currency)  # type: ignore[attr-defined]

    def clean_currency(self) -> str:
        if self.cleaned_data["currency"] not in CURRENCIES:
            raise forms.ValidationError(_("Choose a currency."))
        return str(self.cleaned_data["currency"])

    def clean_country(self) -> str:
        if self.cleaned_data["country"] not in dict(country_names()):
            raise forms.ValidationError(_("Choose a country."))
        return str(self.cleaned_data["country"])

    def clean_vat_id(self) -> str:
        return compact(self.cleaned_data["vat_id"])

    def clean_iban(self) -> str:
        text = compact(self.cleaned_data["iban"])
        try:
            return iban.validate(text) if text else ""
        except ValidationError:
            raise forms.ValidationError(_("This IBAN is not valid: its form or its check digits are wrong.")) from None

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        if problem := vat_id_problem(found.get("vat_id", ""), found.get("country", "")):
            self.add_error("vat_id", problem)
        if found.get("takes_transfers") and not found.get("iban") and "iban" not in self.errors:
            self.add_error("iban", _("Clients need to know where to transfer to."))
        return found


class StripeForm(forms.Form):
    """The keys of the agency's own account. Secrets are never sent back."""

    publishable_key = forms.CharField(label=_("Publishable key"), max_length=200, widget=forms.TextInput({"class": "is-mono", "placeholder": "pk_live_…"}))
    secret_key = forms.CharField(
        label=_("Secret key"), required=False, max_length=300,
        widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false", "placeholder": "sk_live_…"}),
    )  # fmt: skip
    webhook_secret = forms.CharField(
        label=_("Webhook secret"), required=False, max_length=300,
        widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false", "placeholder": "whsec_…"}),
        help_text=_("Stripe shows it once the webhook below is made."),
    )  # fmt: skip

    use_required_attribute = False

    def __init__(self, data: Any, seller: Seller | None) -> None:
        self.has_secret = bool(seller and seller.stripe_secret_key)
        self.has_webhook = bool(seller and seller.stripe_webhook_secret)
        super().__init__(data, initial={"publishable_key": seller.stripe_publishable_key if seller else ""})
        if self.has_secret:
            self.fields["secret_key"].help_text = _("Stored encrypted. Leave empty to keep it.")
        if self.has_webhook:
            self.fields["webhook_secret"].help_text = _("Stored encrypted. Leave empty to keep it.")

    def clean_publishable_key(self) -> str:
        return _begins(self.cleaned_data["publishable_key"], ("pk_live_", "pk_test_"))

    def clean_secret_key(self) -> str:
        key: str = self.cleaned_data["secret_key"]
        if not key and not self.has_secret:
            raise forms.ValidationError(_("Enter the secret key."))
        return _begins(key, ("sk_live_", "sk_test_", "rk_live_", "rk_test_")) if key else ""

    def clean_webhook_secret(self) -> str:
        key: str = self.cleaned_data["webhook_secret"]
        return _begins(key, ("whsec_",)) if key else ""

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        public, secret = found.get("publishable_key", ""), found.get("secret_key", "")
        if public and secret and ("_test_" in public[:8]) != ("_test_" in secret[:8]):
            self.add_error("secret_key", _("One key is for tests, the other one for real payments."))
        return found


class PackageForm(forms.ModelForm):  # type: ignore[type-arg]
    """Credits for a price."""

    price_cents = CentsField(label=_("Price"), min_value=1, help_text=_("Before tax."))

    use_required_attribute = False

    class Meta:
        model = Package
        fields = ("name", "description", "credits", "price_cents", "is_active")
        help_texts = {"description": _("One sentence below the name."), "is_active": _("Clients can buy it.")}

    def __init__(self, *args: Any, currency: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["price_cents"].say_currency(currency)  # type: ignore[attr-defined]
        self.fields["credits"].min_value = 1  # type: ignore[attr-defined]

    def clean_credits(self) -> int:
        if not 0 < self.cleaned_data["credits"] <= 100_000_000:
            raise forms.ValidationError(_("Enter a number between 1 and 100,000,000."))
        return int(self.cleaned_data["credits"])


class PaidForm(forms.Form):
    """A transfer that arrived. The hidden key books a form that is sent twice once."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    amount = CentsField(label=_("Amount received"), min_value=0)
    received_on = forms.DateField(label=_("Received on"), widget=forms.DateInput({"type": "date"}))
    note = forms.CharField(label=_("Note"), required=False, max_length=300, help_text=_("Such as the line of your bank statement."))

    use_required_attribute = False

    def __init__(self, *args: Any, currency: str, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.fields["amount"].say_currency(currency)  # type: ignore[attr-defined]

    def clean_received_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["received_on"]
        if not self.today - dt.timedelta(days=366) <= day <= self.today:
            raise forms.ValidationError(_("Choose a day of the last year, not in the future."))
        return day


class RefundForm(forms.Form):
    """Money that goes back. The hidden key gives back once."""

    key = forms.UUIDField(widget=forms.HiddenInput)
    amount = CentsField(label=_("Amount to refund"), min_value=0, help_text=_("With tax."))
    refunded_on = forms.DateField(label=_("Transferred back on"), required=False, widget=forms.DateInput({"type": "date"}))
    takes_used = forms.BooleanField(label=_("Take back used credits as well: the balance may fall below zero"), required=False)

    use_required_attribute = False

    def __init__(self, *args: Any, purchase: Purchase, today: dt.date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.most = today, purchase.gross_cents - purchase.refunded_cents
        self.fields["amount"].say_currency(purchase.currency)  # type: ignore[attr-defined]
        if purchase.gateway == Purchase.Gateway.STRIPE:
            del self.fields["refunded_on"]

    def clean_amount(self) -> int:
        cents: int = self.cleaned_data["amount"]
        if not 0 < cents <= self.most:
            raise forms.ValidationError(_("Refund at most what was paid and not refunded yet."))
        return cents

    def clean_refunded_on(self) -> dt.date:
        day: dt.date = self.cleaned_data["refunded_on"] or self.today
        if day > self.today:
            raise forms.ValidationError(_("Choose a day that is not in the future."))
        return day


def _begins(text: str, words: tuple[str, ...]) -> str:
    if not text.startswith(words):
        raise forms.ValidationError(_("This key begins with %(words)s.") % {"words": " / ".join(words)})
    return text
