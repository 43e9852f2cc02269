"""Forms of signing up: the person's, the agency's settings, a refusal."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from django import forms
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from apps.accounts.forms import email_field
from apps.accounts.models import User
from apps.billing.models import Plan
from apps.branding.models import Brand
from apps.organizations.models import Organization
from apps.portal.models import Portal

MOST_CREDITS = 1_000_000


class SignUpForm(forms.Form):
    name = forms.CharField(label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    company = forms.CharField(
        label=_("Company"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )
    email = email_field("email")
    password = forms.CharField(
        label=_("Password"), strip=False, max_length=200, widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters, and not one of the common passwords."),
    )  # fmt: skip
    terms = forms.BooleanField(
        label=_("I accept the terms"), error_messages={"required": _("Accept the terms to continue.")}
    )

    def __init__(self, *args: Any, brand: Brand, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not brand.terms_url:
            del self.fields["terms"]
            return
        links = [(brand.terms_url, _("Read the terms"))]
        if brand.privacy_url:
            links.append((brand.privacy_url, _("Read the privacy notice")))
        link = '<a class="link" href="{}" target="_blank" rel="noopener">{}</a>'
        self.fields["terms"].help_text = format_html(
            " · ".join(["{}"] * len(links)), *(format_html(link, url, text) for url, text in links)
        )

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"].lower()
        return email

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        person = User(email=found.get("email", ""), name=found.get("name", ""))
        if password := found.get("password"):
            try:
                get_adapter().clean_password(password, user=person)
            except forms.ValidationError as error:
                self.add_error("password", error)
        return found


class SignUpSettingsForm(forms.ModelForm):  # type: ignore[type-arg]
    plan_id = forms.TypedChoiceField(label=_("Plan"), required=False, coerce=str, empty_value=None)

    class Meta:
        model = Portal
        fields = ["allows_sign_up", "approves_sign_ups", "gives_wallets", "free_credits", "plan_id", "notify_email"]
        help_texts = {
            "allows_sign_up": _("A link on your sign-in page leads to the form."),
            "approves_sign_ups": _("Until you approve, the person sees a page that says so. You get a mail for each."),
            "gives_wallets": _("Without a wallet your balance pays their calls, and they buy nothing."),
            "free_credits": _("Booked once when the workspace is made."),
            "notify_email": _("Empty: the owners of your organization."),
        }

    def __init__(self, *args: Any, agency: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        plans = Plan.objects.for_organization(agency).filter(is_active=True).order_by("position", "name")
        self.fields["plan_id"].choices = [("", _("None: the usual features, without limits")), *((str(each.pk), each.name) for each in plans)]  # type: ignore[attr-defined]
        self.fields["free_credits"].max_value = MOST_CREDITS  # type: ignore[attr-defined]
        self.fields["free_credits"].widget.attrs["max"] = MOST_CREDITS

    def clean(self) -> dict[str, Any]:
        found: dict[str, Any] = super().clean() or {}
        credits = found.get("free_credits") or 0
        if credits > MOST_CREDITS:
            self.add_error("free_credits", _("At most %(count)s.") % {"count": MOST_CREDITS})
        if credits and not found.get("gives_wallets"):
            self.add_error("free_credits", _("Free credits need a wallet to be booked on."))
        return found


class RefuseForm(forms.Form):
    note = forms.CharField(
        label=_("A note to the person"), required=False, max_length=300, widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("It stands in the mail and on the page that the person sees."),
    )  # fmt: skip
