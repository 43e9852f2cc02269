"""The form of the calling rules."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.calls.models import CallingRules
from apps.calls.opt_out import KEYS, LANGUAGES, LONGEST_PHRASE, MOST_PHRASES, phrases_of
from apps.calls.opt_out_phrases import PHRASES

NAMES = {"en": _("English"), "nl": _("Dutch"), "de": _("German"), "fr": _("French")}


class CallingRulesForm(forms.Form):
    min_gap_minutes = forms.IntegerField(
        label=_("Pause between two calls"), min_value=0, max_value=43_200,
        widget=forms.NumberInput(attrs={"data-unit": _("min"), "placeholder": "5"}),
        help_text=_("From the end of one call to the next, whatever the campaign. Usual: 5."),
    )  # fmt: skip
    number_attempts = forms.IntegerField(
        label=_("Calls at most"), min_value=1, max_value=100,
        widget=forms.NumberInput(attrs={"placeholder": "10"}), help_text=_("Of all campaigns and single calls. Usual: 10."),
    )  # fmt: skip
    number_days = forms.IntegerField(
        label=_("In any period of"), min_value=1, max_value=90,
        widget=forms.NumberInput(attrs={"data-unit": _("days"), "placeholder": "1"}), help_text=_("Usual: 1."),
    )  # fmt: skip
    opt_out_key = forms.ChoiceField(
        label=_("Key that ends all calls"), required=False, choices=[("", _("None")), *[(key, key) for key in KEYS]],
        help_text=_("Have the assistant say which one: “Press 9 if you want no more calls.”"),
    )  # fmt: skip

    def __init__(self, data: Any = None, *, rules: CallingRules) -> None:
        names = ("min_gap_minutes", "number_attempts", "number_days", "opt_out_key")
        phrases = {f"phrases_{language}": "\n".join(found) for language, found in phrases_of(rules).items()}
        super().__init__(data, initial={name: getattr(rules, name) for name in names} | phrases)
        for language in LANGUAGES:
            self.fields[f"phrases_{language}"] = forms.CharField(
                label=NAMES[language], required=False, max_length=MOST_PHRASES * (LONGEST_PHRASE + 2), strip=True,
                widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
            )  # fmt: skip

    def clean(self) -> dict[str, Any]:
        found = super().clean() or self.cleaned_data
        for language in LANGUAGES:
            name = f"phrases_{language}"
            lines = [" ".join(line.split()) for line in found.get(name, "").splitlines()]
            lines = list(dict.fromkeys(line for line in lines if any(mark.isalnum() for mark in line)))
            if len(lines) > MOST_PHRASES or any(len(line) > LONGEST_PHRASE for line in lines):
                self.add_error(name, _("At most 200 phrases of 100 characters each."))
            elif any(len(line) < 4 for line in lines):
                self.add_error(name, _("A phrase has at least 4 characters: shorter ones are said by chance."))
            found[name] = lines
        return found

    @property
    def phrase_fields(self) -> list[forms.BoundField]:
        return [self[f"phrases_{language}"] for language in LANGUAGES]

    @property
    def values(self) -> dict[str, Any]:
        """What is stored; a language whose phrases are those that are shipped goes on following them."""
        data = self.cleaned_data
        written = {language: data[f"phrases_{language}"] for language in LANGUAGES}
        own = {language: lines for language, lines in written.items() if lines != list(PHRASES[language])}
        names = ("min_gap_minutes", "number_attempts", "number_days", "opt_out_key")
        return {name: data[name] for name in names} | {"opt_out_phrases": own or None}
