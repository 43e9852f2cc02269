"""What people type on the pages of the delivery log."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from apps.assistants.models import Assistant
from apps.calls.services.samples import EVENTS
from apps.core.status import status_of
from apps.webhooks.models import Delivery, Level

ACCOUNT = "account"


class DeliveryFilter(forms.Form):
    """The log's filters, as they stand in the address. What cannot be read is ignored, never an error."""

    q = forms.CharField(max_length=100, required=False)
    status = forms.ChoiceField(required=False, label=_("Status"))
    event = forms.ChoiceField(required=False, label=_("Event"))
    level = forms.ChoiceField(required=False, label=_("Level"))

    def __init__(self, data: Any) -> None:
        super().__init__(data, auto_id="filter_%s")
        for name, label in (("from", _("From")), ("to", pgettext_lazy("date", "To"))):
            widget = forms.DateInput(attrs={"type": "date", "class": "input-sm"})
            self.fields[name] = forms.DateField(required=False, label=label, widget=widget)
        states: list[tuple[str, Any]] = [
            (Delivery.Status.DELIVERED, status_of("delivered").label), (Delivery.Status.WAITING, _("Waiting or retrying")),
            (Delivery.Status.DEAD, status_of("dead").label),
        ]  # fmt: skip
        self._choose("status", _("Any status"), states)
        self._choose("event", _("Any event"), [(name, name) for name in EVENTS])
        self._choose("level", _("Any level"), list(Level.choices))
        self.full_clean()

    def _choose(self, name: str, empty: Any, choices: list[tuple[str, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", empty), *choices]
        field.widget.attrs["class"] = "select-sm"

    @property
    def values(self) -> dict[str, Any]:
        """Only what was given and can be read."""
        return {name: value for name, value in self.cleaned_data.items() if value not in ("", None)}

    @property
    def since(self) -> dt.datetime | None:
        return _midnight(self.values.get("from"))

    @property
    def until(self) -> dt.datetime | None:
        """The first instant after the last day."""
        last = self.values.get("to")
        return _midnight(last + dt.timedelta(days=1)) if last and last < dt.date.max else None


class SinceForm(forms.Form):
    """From when on what failed is sent again."""

    since = forms.DateTimeField(
        label=_("Failed since"),
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        input_formats=["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    )


class TestForm(forms.Form):
    """A test event: where to, and which."""

    to = forms.ChoiceField(label=_("Address"))
    event = forms.ChoiceField(label=_("Event"), choices=[(name, name) for name in EVENTS], initial="status-update")

    def __init__(self, data: Any = None, *, assistants: list[Assistant], has_account: bool, initial: Any = None) -> None:
        super().__init__(data, initial=initial)
        self.assistants = {str(each.pk): each for each in assistants}
        account = [(ACCOUNT, _("Account webhook"))] if has_account else []
        field = self.fields["to"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*account, *((pk, each.name) for pk, each in self.assistants.items())]

    @property
    def assistant(self) -> Assistant | None:
        """The chosen assistant; None: the account."""
        return self.assistants.get(self.cleaned_data["to"])


def _midnight(day: dt.date | None) -> dt.datetime | None:
    return dt.datetime.combine(day, dt.time(), timezone.get_current_timezone()) if day else None
