"""How many calls at once, and how many begin within a time, as people type it."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

MOST_CALLS, MOST_STARTS, MOST_SECONDS = 10_000, 1_000, 60


class PaceForm(forms.Form):
    """Empty fields are no limit. `starts` calls begin in any `starts_seconds`."""

    concurrent_calls = forms.IntegerField(
        label=_("Calls at once"), required=False, min_value=1, max_value=MOST_CALLS, help_text=_("Empty: no limit of its own.")
    )
    starts = forms.IntegerField(
        label=_("Call starts"), required=False, min_value=1, max_value=MOST_STARTS,
        help_text=_("So many calls begin within the time beside it, in any such time. Empty: no limit of its own."),
    )  # fmt: skip
    starts_seconds = forms.IntegerField(label=_("In seconds"), required=False, min_value=1, max_value=MOST_SECONDS, initial=1)

    use_required_attribute = False

    def clean_starts_seconds(self) -> int:
        return self.cleaned_data["starts_seconds"] or 1

    def pace(self) -> dict[str, Any]:
        return {name: self.cleaned_data[name] for name in ("concurrent_calls", "starts", "starts_seconds")}
