"""Provider keys and the sender domain as people type them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.catalog.providers import provider, providers
from apps.catalog.services.domains import full_domain
from apps.catalog.services.postcall import OPERATOR, Choice, operator_model
from apps.catalog.slots import VERTEX, Slot, key_problem
from apps.core.addresses import address_problem

# The slot whose key may belong to any server that speaks OpenAI's API.
COMPATIBLE = "openai"


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

        if slot.id == COMPATIBLE:
            self.fields["base_url"] = forms.URLField(
                label=_("Address"), required=False, assume_scheme="https", max_length=2048,
                widget=forms.URLInput({"placeholder": "https://api.openai.com/v1", "class": "is-mono"}),
                help_text=_("Of another OpenAI-compatible server, for summaries and analyses after calls. Empty: OpenAI's own."),
            )  # fmt: skip

    def clean_base_url(self) -> str:
        url: str = self.cleaned_data["base_url"]
        if url and (problem := address_problem(url)):
            raise forms.ValidationError(problem)
        return url

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


AUTOMATIC, NOTHING = "automatic", "none"


class PostCallForm(forms.Form):
    """One choice: by the call, none at all, the operator's model, or a provider with a model of it."""

    choice = forms.ChoiceField(
        label=_("Model"), help_text=_("Used for every assistant of this workspace, from the next call that ends."),
    )  # fmt: skip

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["choice"].choices = model_choices()  # type: ignore[attr-defined]

    @property
    def chosen(self) -> Choice | None:
        """None for “none”; look at `is_automatic` first."""
        name, _dot, model = self.cleaned_data["choice"].partition("/")
        return None if name == NOTHING else Choice(name, model or None)

    @property
    def is_automatic(self) -> bool:
        return bool(self.cleaned_data["choice"] == AUTOMATIC)


def model_choices() -> list[Any]:
    """The choices of `PostCallForm`, grouped by provider."""
    first: list[Any] = [(AUTOMATIC, _("Automatic")), (NOTHING, _("No model: short excerpts only"))]
    if name := operator_model():
        first.append((OPERATOR, _("The platform's model (%(name)s)") % {"name": name}))
    groups = []
    for entry in providers("postcall_llm"):
        known = provider("llm", entry.id)
        models = [(f"{entry.id}/{model.id}", model.id) for model in entry.models if not model.legacy]
        groups.append((known.label if known else entry.label, models))
    return first + groups


def choice_value(choice: Choice | None, *, is_stored: bool) -> str:
    """What `PostCallForm` shows for a stored choice."""
    if not is_stored:
        return AUTOMATIC
    if choice is None:
        return NOTHING
    return f"{choice.provider}/{choice.model}" if choice.model else choice.provider
