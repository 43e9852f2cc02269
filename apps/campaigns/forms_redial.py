"""Which leads are called again."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy

from apps.campaigns.models import Campaign
from apps.campaigns.services.redial import again_name

PROPOSED = ("no_answer", "busy", "voicemail")


class RedialForm(forms.Form):
    name = forms.CharField(label=gettext_lazy("Name"), max_length=200)
    outcomes = forms.MultipleChoiceField(
        label=gettext_lazy("Who is called again"), widget=forms.CheckboxSelectMultiple,
        error_messages={"required": gettext_lazy("Choose at least one outcome.")},
    )  # fmt: skip

    def __init__(self, data: Any = None, *, choices: list[tuple[str, str]], campaign: Campaign) -> None:
        chosen = [outcome for outcome, _label in choices if outcome in PROPOSED]
        super().__init__(data, initial={"name": again_name(campaign), "outcomes": chosen})
        self.fields["outcomes"].choices = choices  # type: ignore[attr-defined]
