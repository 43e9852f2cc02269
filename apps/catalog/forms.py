"""Provider keys and the sender domain as people type them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.catalog.services.domains import full_domain
from apps.catalog.slots import VERTEX, Slot, key_problem


class KeyForm(forms.Form):
    """The key of one slot. What was typed is never sent back, not even beside an error."""

    api_key = forms.CharField(
        label=_("Key"), strip=True, widget=forms.PasswordInput({"autocomplete": "off", "spellcheck": "false"}),
        help_text=_("Stored encrypted and never shown again."),
    )  # fmt: skip

    use_required_attribute = False

    def __init__(self, slot: Slot, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.slot = slot
        if slot.id == VERTEX:
            field = self.fields["api_key"]
            field.label = _("Service account (JSON)")
            field.help_text = _("The whole file that Google gave you. Stored encrypted and never shown again.")
            field.widget = _Unshown({"rows": 8, "class": "is-mono", "spellcheck": "false", "autocomplete": "off"})

    def clean_api_key(self) -> str:
        key: str = self.cleaned_data["api_key"]
        if problem := key_problem(self.slot, key):
            raise forms.ValidationError(problem)
        return key


class _Unshown(forms.Textarea):
    def format_value(self, value: Any) -> str:
        return ""


class DomainForm(forms.Form):
    domain_name = forms.CharField(
        label=_("Domain"), max_length=253, widget=forms.TextInput({"placeholder": "mail.example.org", "class": "is-mono"}),
        help_text=_("A subdomain is best, such as mail.example.org: your other e-mail stays as it is."),
    )  # fmt: skip

    use_required_attribute = False

    def clean_domain_name(self) -> str:
        name = full_domain(self.cleaned_data["domain_name"])
        if not name:
            raise forms.ValidationError(_("Write a full domain name, such as mail.example.org, without https:// or @."))
        return name
