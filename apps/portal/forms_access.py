"""What is switched on and how much of it, as a part of a form: of a plan, or of one client."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from apps.organizations.features import ALL, FEATURES, Feature, closed

MOST = 1_000_000
NO_LIMIT = _("Empty: no limit.")


@dataclass(frozen=True)
class Row:
    """One switch as it is drawn: `needed` are the labels of what it needs, `lacks` those of them that are off."""

    name: str
    label: Any
    help: Any
    is_on: bool
    needs: str
    needed: list[Any]
    lacks: list[Any]
    depth: int
    is_exception: bool


class AccessForm(forms.Form):
    """Switches and limits. `values()` gives what a plan keeps, or `set_exceptions` takes.

    Args:
        limits: what holds now, by fields of Limits.
        features: what is switched on now; null: everything.
        plan_features: what the client's plan switches on, to mark what differs; leave it out for a plan.
    """

    assistants = forms.IntegerField(label=_("Assistants"), required=False, min_value=0, max_value=MOST, help_text=NO_LIMIT)
    numbers = forms.IntegerField(label=_("Phone numbers"), required=False, min_value=0, max_value=MOST, help_text=NO_LIMIT)
    campaigns = forms.IntegerField(label=_("Campaigns"), required=False, min_value=0, max_value=MOST, help_text=NO_LIMIT)
    members = forms.IntegerField(
        label=_("Members"), required=False, min_value=1, max_value=MOST, help_text=format_lazy("{} {}", _("Open invitations count."), NO_LIMIT)
    )
    api_keys = forms.IntegerField(label=_("API keys"), required=False, min_value=0, max_value=MOST, help_text=NO_LIMIT)
    minutes_per_month = forms.IntegerField(
        label=_("Minutes a month"), required=False, min_value=0, max_value=100 * MOST,
        help_text=_("No call begins once as many were talked in this calendar month. Empty: no limit."),
    )  # fmt: skip
    concurrent_calls = forms.IntegerField(label=_("Calls at once"), required=False, min_value=1, max_value=10_000, help_text=NO_LIMIT)

    LIMITS = ("assistants", "numbers", "campaigns", "members", "api_keys", "minutes_per_month", "concurrent_calls")
    use_required_attribute = False

    def __init__(
        self, data: Any = None, *, limits: Mapping[str, Any], features: Iterable[str] | None, plan_features: Iterable[str] | None = (),
        prefix: str | None = None,
    ) -> None:  # fmt: skip
        super().__init__(data, initial={name: limits.get(name) for name in self.LIMITS}, prefix=prefix)
        self._held = ALL if features is None else closed(features)
        self._plan = None if plan_features == () else ALL if plan_features is None else closed(plan_features)

    @property
    def features_field(self) -> str:
        return self.add_prefix("features")

    def chosen(self) -> frozenset[str]:
        """What is switched on: as sent, else as held."""
        if not self.is_bound:
            return self._held
        sent = self.data.getlist(self.features_field) if hasattr(self.data, "getlist") else self.data.get(self.features_field, [])
        return closed(sent)

    def values(self) -> tuple[dict[str, int | None], list[str] | None]:
        """Limits that are set, and the names of what is on; null when that is everything. After `is_valid()`."""
        chosen = self.chosen()
        limits = {name: self.cleaned_data[name] for name in self.LIMITS}
        return limits, None if chosen == ALL else sorted(chosen)

    def rows(self) -> list[Row]:
        """The switches in the order of the list, each below what it needs."""
        chosen = self.chosen()
        return [self._row(each, chosen) for root in FEATURES.values() if not root.needs for each in family(root)]

    def _row(self, each: Feature, chosen: frozenset[str]) -> Row:
        needed = [FEATURES[name].label for name in each.needs]
        lacks = [FEATURES[name].label for name in each.needs if name not in chosen]
        differs = self._plan is not None and (each.name in chosen) != (each.name in self._plan)
        return Row(each.name, each.label, each.help, each.name in chosen, " ".join(each.needs), needed, lacks, depth_of(each), differs)


def family(root: Feature) -> list[Feature]:
    """A feature and, below it, all that need it."""
    below = [each for each in FEATURES.values() if each.needs and each.needs[-1] == root.name]
    return [root, *(inner for each in below for inner in family(each))]


def depth_of(each: Feature) -> int:
    return 1 + max(depth_of(FEATURES[name]) for name in each.needs) if each.needs else 0
