"""Forms of a portal's address."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.branding.models import RESERVED_SLUGS, slug_rule


class SlugForm(forms.Form):
    slug = forms.CharField(
        label=_("Name in the address"), max_length=40, validators=[slug_rule],
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}),
        help_text=_("The old address stops at once: bookmarks and links in mails that were sent lead nowhere."),
    )  # fmt: skip

    def clean_slug(self) -> str:
        slug: str = self.cleaned_data["slug"]
        if slug in RESERVED_SLUGS:
            raise forms.ValidationError(_("This word is reserved. Choose another one."))
        return slug


class DomainForm(forms.Form):
    host = forms.CharField(
        label=_("Your domain"), max_length=260,
        widget=forms.TextInput(
            attrs={"placeholder": "calls.example.com", "autocomplete": "off", "spellcheck": "false", "inputmode": "url"}
        ),
        help_text=_("A name of your own, such as calls.example.com. The next step shows the two DNS records it needs."),
    )  # fmt: skip
