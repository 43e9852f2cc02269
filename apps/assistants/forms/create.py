"""Creating an assistant takes a name; a starting point saves the first half hour."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.assistants.starters import STARTERS


class CreateForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("Only your team sees it. It can be changed."))
    starter = forms.ChoiceField(label=_("Start with"), required=False, initial="blank")

    use_required_attribute = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["starter"].choices = [("blank", _("Blank"))] + [(key, each.label) for key, each in STARTERS.items()]  # type: ignore[attr-defined]
        self.fields["name"].widget.attrs |= {"autofocus": "", "autocomplete": "off"}

    def values(self) -> dict[str, Any]:
        """What the API would be sent for it."""
        starter = STARTERS.get(self.cleaned_data["starter"])
        return {"name": self.cleaned_data["name"]} | (starter.values() if starter else {})
