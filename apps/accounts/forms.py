"""Account forms: host and e-mail address become the technical name that allauth signs in with."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account_forms
from allauth.account.adapter import get_adapter
from allauth.core import context as allauth_context
from allauth.mfa.adapter import get_adapter as get_mfa_adapter
from allauth.mfa.base import forms as mfa_forms
from django import forms
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User, username_of
from apps.core.zones import ZONES

# Longer than a code can be right with one step of tolerance on both sides.
CODE_SECONDS = 120


EMAIL = _("E-mail address")


def email_field(autocomplete: str = "email", label: Any = EMAIL) -> forms.EmailField:
    widget = forms.EmailInput(attrs={"autocomplete": autocomplete, "inputmode": "email", "spellcheck": "false"})
    return forms.EmailField(label=label, max_length=254, widget=widget)


def _plain(field: forms.Field, **attrs: str) -> None:
    """Labels stand above our fields, so placeholders that repeat them go."""
    field.widget.attrs.pop("placeholder", None)
    field.widget.attrs.update(attrs)


class LoginForm(account_forms.LoginForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"] = email_field("username")
        self.fields["password"].help_text = ""
        _plain(self.fields["password"])
        self.order_fields(["login", "password"])

    def user_credentials(self) -> dict[str, str]:
        brand = allauth_context.request.brand
        return {
            "username": username_of(brand.pk, self.cleaned_data["login"]),
            "password": self.cleaned_data["password"],
        }


class ResetPasswordForm(account_forms.ResetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = email_field()

    def clean_email(self) -> str:
        """The account of this brand, or none: the answer is the same."""
        email = self.cleaned_data["email"].lower()
        self.users = list(User.objects.at(allauth_context.request.brand.pk, email).filter(is_active=True))
        return email


class NewPasswordForm(account_forms.ResetPasswordKeyForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _one_password(self, _("New password"))


class ChangePasswordForm(account_forms.ChangePasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["oldpassword"].label = _("Current password")
        self.fields["oldpassword"].help_text = ""
        _plain(self.fields["oldpassword"])
        _one_password(self, _("New password"))


class SetPasswordForm(account_forms.SetPasswordForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _one_password(self, _("New password"))


def _one_password(form: forms.Form, label: Any) -> None:
    """One field with a button that shows it, instead of typing blind twice."""
    del form.fields["password2"]
    form.fields["password1"].label = label
    form.fields["password1"].help_text = _("At least 8 characters, and not one of the common passwords.")
    _plain(form.fields["password1"])


class AddEmailForm(account_forms.AddEmailForm):
    """A new address. Whether somebody else has it here is said only to who can read its mail."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["email"] = email_field(label=_("New e-mail address"))

    def clean_email(self) -> str:
        email = self.cleaned_data["email"].lower()
        if self.user is not None and email == self.user.email.lower():
            raise get_adapter().validation_error("same_as_current")
        return email


class ConfirmEmailForm(account_forms.ConfirmEmailVerificationCodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self.fields["code"], autofocus="", spellcheck="false")

    def clean_code(self) -> str:
        code = super().clean_code()
        if self.user and User.objects.at(self.user.brand_id, self.email).exclude(pk=self.user.pk).exists():
            raise get_adapter().validation_error("email_taken")
        return code


class ConfirmResetForm(account_forms.ConfirmPasswordResetCodeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self.fields["code"], autofocus="", spellcheck="false")


class ReauthenticateForm(account_forms.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].help_text = ""
        _plain(self.fields["password"], autofocus="")


class _OnceOnly:
    """A code works once, also while the neighbouring half minute still lets it pass."""

    user: User

    def clean_code(self) -> str:
        typed = self.cleaned_data["code"]  # type: ignore[attr-defined]
        key = f"totp-used:{self.user.pk}:{''.join(filter(str.isalnum, typed)).lower()}"
        if cache.get(key):
            raise get_mfa_adapter().validation_error("incorrect_code")
        code: str = super().clean_code()  # type: ignore[misc]
        cache.set(key, True, CODE_SECONDS)
        return code


class AuthenticateForm(_OnceOnly, mfa_forms.AuthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self.fields["code"], autofocus="", spellcheck="false")


class MfaReauthenticateForm(_OnceOnly, mfa_forms.ReauthenticateForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _plain(self.fields["code"], autofocus="", spellcheck="false")


class SecondFactorOffForm(_OnceOnly, mfa_forms.ReauthenticateForm):
    """Turning it off needs both: the password and a code."""

    password = forms.CharField(
        label=_("Password"), strip=False, widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    field_order = ["password", "code"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("Code from your app, or a recovery code")
        _plain(self.fields["code"], spellcheck="false")

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        if not get_adapter().reauthenticate(self.user, password):
            raise get_adapter().validation_error("incorrect_password")
        return password

    def clean_code(self) -> str:
        # A recovery code is used up when it is looked at: not before the password is right.
        return super().clean_code() if "password" in self.cleaned_data else ""


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]
    language = forms.ChoiceField(label=_("Language"), required=False)
    timezone = forms.CharField(
        label=_("Time zone"),
        required=False,
        widget=forms.TextInput(attrs={"list": "zones", "placeholder": settings.TIME_ZONE, "autocomplete": "off"}),
        help_text=_("Type a city, such as Amsterdam. Times on every page are shown in this zone."),
    )

    class Meta:
        model = User
        fields = ["name", "language", "timezone", "compact_tables"]
        help_texts = {"compact_tables": _("Rows of 36 instead of 44 pixels.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].required = True
        self.fields["name"].widget.attrs["autocomplete"] = "name"
        self.fields["language"].choices = [("", _("As the browser asks for")), *settings.LANGUAGES]  # type: ignore[attr-defined]

    def clean_timezone(self) -> str:
        zone: str = self.cleaned_data["timezone"].strip()
        if zone and zone not in ZONES:
            raise forms.ValidationError(_("There is no time zone of this name. Choose one from the list."))
        return zone


class NewPersonForm(forms.Form):
    """Name and password of somebody who comes by an invitation."""

    name = forms.CharField(label=_("Your name"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    password = forms.CharField(
        label=_("Password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        help_text=_("At least 8 characters, and not one of the common passwords."),
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        self.email = email
        super().__init__(*args, **kwargs)

    def clean_password(self) -> str:
        person = User(email=self.email, name=self.cleaned_data.get("name", ""))
        return get_adapter().clean_password(self.cleaned_data["password"], user=person)
