"""What an agency types on a client's wallet: credits by hand, the rate, the plan."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.billing.models import Plan
from apps.billing.wallets import MOST_PER_MINUTE


class CreditsForm(forms.Form):
    """The hidden key makes a form that is sent twice book once."""

    credits = forms.DecimalField(
        label=_("Credits"), max_digits=11, decimal_places=4, min_value=Decimal(-1_000_000), max_value=Decimal(1_000_000),
        help_text=_("Below zero takes credits away."),
    )  # fmt: skip
    note = forms.CharField(label=_("Note"), max_length=300, help_text=_("The client can read it."))
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs, initial={"key": uuid.uuid4()})


class RateForm(forms.Form):
    rate = forms.DecimalField(
        label=_("A minute costs"), required=False, decimal_places=4, max_digits=8, min_value=Decimal(0),
        max_value=Decimal(MOST_PER_MINUTE), help_text=_("Empty: one credit. Holds for calls that end from now on."),
        widget=forms.NumberInput(attrs={"data-unit": _("credits"), "step": "any"}),
    )  # fmt: skip


class PlanForm(forms.Form):
    """Which plan begins, or follows the one that runs."""

    plan = forms.ChoiceField(label=_("Plan"))

    def __init__(self, data: Any, plans: Iterable[Plan]) -> None:
        super().__init__(data)
        self.plans = {str(each.pk): each for each in plans}
        self.fields["plan"].choices = [(key, each.name) for key, each in self.plans.items()]  # type: ignore[attr-defined]

    @property
    def chosen(self) -> Plan:
        return self.plans[self.cleaned_data["plan"]]
