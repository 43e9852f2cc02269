"""What an agency says of its brand."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from apps.branding.images import LARGEST, MAX_BYTES
from apps.branding.models import RESERVED_SLUGS, Brand, slug_rule
from apps.core.colour import normal


class OpenPortalForm(forms.Form):
    name = forms.CharField(label=_("Company name"), max_length=200, help_text=_("Shown everywhere in the portal."))
    slug = forms.CharField(
        label=_("Address"), max_length=40, validators=[slug_rule],
        help_text=_("Stays as it is. A domain of your own can be added later."),
    )  # fmt: skip

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED_SLUGS or Brand.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("This address is not free. Choose another one."))
        return slug


def _colour(label: Any, help_text: Any) -> forms.CharField:
    picker = forms.TextInput(attrs={"data-colour": label, "spellcheck": "false"})
    return forms.CharField(label=label, max_length=7, widget=picker, help_text=help_text)


def _link(label: Any, help_text: Any = "") -> forms.URLField:
    return forms.URLField(label=label, max_length=2048, required=False, assume_scheme="https", help_text=help_text)


class BrandForm(forms.ModelForm):  # type: ignore[type-arg]
    """The fields of a brand; its pictures have a form of their own."""

    primary_color = _colour(_("Primary color"), _("Buttons, links, what is chosen."))
    accent_color = _colour(_("Accent color"), _("Small highlights."))
    language = forms.ChoiceField(
        label=_("Language"), required=False, choices=[("", _("As the visitor's browser says")), *settings.LANGUAGES],
        help_text=_("Of pages before sign-in and of e-mails to people who have not chosen one."),
    )  # fmt: skip
    support_url = _link(_("Support page"))
    terms_url = _link(_("Terms"), _("Accepted at sign-up."))
    privacy_url = _link(_("Privacy"))
    help_url = _link(_("Help pages"), _("Your own; they take the place of the built-in ones."))

    class Meta:
        model = Brand
        fields = ("name", "primary_color", "accent_color", "font", "language", "sender_name", "support_email", "support_url",
                  "help_url", "terms_url", "privacy_url", "sign_in_title", "sign_in_text")  # fmt: skip
        widgets = {"sign_in_text": forms.Textarea(attrs={"rows": 3})}
        help_texts = {
            "sender_name": _("Empty: the company name."),
            "support_email": _("Answers to e-mails go here; shown in the foot of pages and e-mails."),
        }

    def clean_primary_color(self) -> str:
        return _hex(self.cleaned_data["primary_color"])

    def clean_accent_color(self) -> str:
        return _hex(self.cleaned_data["accent_color"])

    def clean_support_url(self) -> str:
        return _web(self.cleaned_data["support_url"])

    def clean_terms_url(self) -> str:
        return _web(self.cleaned_data["terms_url"])

    def clean_privacy_url(self) -> str:
        return _web(self.cleaned_data["privacy_url"])

    def clean_help_url(self) -> str:
        return _web(self.cleaned_data["help_url"])

    def clean_sender_name(self) -> str:
        return _line(self.cleaned_data["sender_name"])

    def clean_name(self) -> str:
        return _line(self.cleaned_data["name"])


class PictureForm(forms.Form):
    """One picture of a brand: a file, or an address it is fetched from once, or the wish to remove it."""

    kind = forms.ChoiceField(choices=[(kind, kind) for kind in LARGEST])
    file = forms.FileField(required=False)
    url = forms.URLField(required=False, max_length=2048, assume_scheme="https")
    remove = forms.BooleanField(required=False)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file and file.size > MAX_BYTES:
            raise forms.ValidationError(_("The file is larger than 2 MB. Save it smaller and try again."))
        return file

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if not self.errors and not (found.get("file") or found.get("url") or found.get("remove")):
            raise forms.ValidationError(_("Choose a file, or give the address of a picture."))
        return found


def _hex(text: str) -> str:
    try:
        return normal(text).upper()
    except ValueError:
        raise forms.ValidationError(_("Write a colour as # and six hexadecimal digits, such as #3B82F6.")) from None


def _line(text: str) -> str:
    """It stands in headers of mails: no line breaks."""
    return " ".join(text.split())


def _web(url: str) -> str:
    if url and urlsplit(url).scheme not in ("http", "https"):
        raise forms.ValidationError(_("The address must start with https://."))
    return url
