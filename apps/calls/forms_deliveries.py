"""What people type on the pages of the delivery log."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import Assistant
from apps.calls.forms import ListFilter
from apps.calls.services.samples import EVENTS
from apps.core.status import status_of
from apps.webhooks.models import Delivery, Level

ACCOUNT = "account"


class DeliveryFilter(ListFilter):
    """The filters of the delivery log."""

    q = forms.CharField(max_length=100, required=False)
    status = forms.ChoiceField(required=False, label=_("Status"))
    event = forms.ChoiceField(required=False, label=_("Event"))
    level = forms.ChoiceField(required=False, label=_("Level"))

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        states: list[tuple[str, Any]] = [
            (Delivery.Status.DELIVERED, status_of("delivered").label), (Delivery.Status.WAITING, _("Waiting or retrying")),
            (Delivery.Status.DEAD, status_of("dead").label),
        ]  # fmt: skip
        self._choose("status", _("Any status"), states)
        self._choose("event", _("Any event"), [(name, name) for name in EVENTS])
        self._choose("level", _("Any level"), list(Level.choices))
        self.full_clean()


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
