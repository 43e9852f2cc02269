"""Forms of the portal."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _
from phonenumbers import SUPPORTED_REGIONS

from apps.billing.models import CREDIT
from apps.organizations.forms_pace import MOST_CALLS, PaceForm
from apps.organizations.models import Limits


class RemoveDemoForm(forms.Form):
    confirm = forms.BooleanField(
        label=_("Remove the agency, its clients, their calls, leads and numbers"),
        error_messages={"required": _("Tick the box to confirm.")},
    )


class ClientLimitsForm(PaceForm):
    """What an agency lets a client use; `spend_per_hour` is typed in credits."""

    guaranteed_calls = forms.IntegerField(
        label=_("Lines of its own"), min_value=0, max_value=MOST_CALLS, initial=0,
        help_text=_("Given to its campaigns before others get more, while they have leads to call."),
    )  # fmt: skip
    inbound_lines = forms.IntegerField(
        label=_("Lines kept for inbound calls"), min_value=0, max_value=MOST_CALLS, initial=0,
        help_text=_("Of the calls at once, so many are never used by campaigns."),
    )  # fmt: skip
    countries = forms.CharField(
        label=_("Countries that may be called"), required=False, max_length=1000,
        help_text=_("Two-letter codes, such as NL, BE, DE. Empty: all."),
    )  # fmt: skip
    spend_per_hour = forms.DecimalField(
        label=_("Credits in an hour"), required=False, min_value=Decimal("0.0001"), max_value=Decimal(1_000_000), decimal_places=4,
        help_text=_("Calls that cost more than this in any hour are not begun. Empty: no limit."),
    )  # fmt: skip

    def __init__(self, data: Any, limits: Limits) -> None:
        names = ("concurrent_calls", "starts", "starts_seconds", "guaranteed_calls", "inbound_lines")
        initial = {name: getattr(limits, name) for name in names} | {"countries": ", ".join(limits.countries or [])}
        if limits.spend_per_hour is not None:
            initial["spend_per_hour"] = Decimal(limits.spend_per_hour) / CREDIT
        super().__init__(data, initial=initial)

    def clean_countries(self) -> list[str] | None:
        codes = sorted(set(self.cleaned_data["countries"].upper().replace(",", " ").split()))
        if unknown := [code for code in codes if code not in SUPPORTED_REGIONS]:
            raise forms.ValidationError(_("Not known as countries: %(codes)s.") % {"codes": ", ".join(unknown)})
        return codes or None

    def clean_spend_per_hour(self) -> int | None:
        credits = self.cleaned_data["spend_per_hour"]
        return None if credits is None else int(credits * CREDIT)

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        most, kept = found.get("concurrent_calls"), (found.get("guaranteed_calls") or 0) + (found.get("inbound_lines") or 0)
        if most is not None and kept > most:
            self.add_error("concurrent_calls", _("Its own lines and those for inbound calls together are more than this."))
        return found
