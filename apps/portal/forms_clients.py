"""Forms of an agency's clients."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.forms import email_field
from apps.billing.models import Plan
from apps.organizations.models import Notification, Organization


class ClientForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("The company that will use this workspace."))
    email = email_field(label=_("E-mail of its owner"))
    plan = forms.ChoiceField(label=_("Plan"), required=False)
    has_wallet = forms.BooleanField(
        label=_("Pays from a wallet of its own"), required=False, initial=True,
        help_text=_("It buys credits from you. Without a wallet your balance alone pays, and it sees no amounts."),
    )  # fmt: skip

    def __init__(self, data: Any, agency: Organization) -> None:
        super().__init__(data)
        self.fields["email"].required = False
        self.fields["email"].help_text = _("Gets an invitation, valid for 7 days. You can invite people later, too.")
        plans = Plan.objects.for_organization(agency).filter(is_active=True).order_by("position", "name")
        self.plans = {str(plan.pk): plan for plan in plans}
        self.fields["plan"].choices = [("", _("None: no limits")), *((key, plan.name) for key, plan in self.plans.items())]  # type: ignore[attr-defined]

    def clean_plan(self) -> Plan | None:
        return self.plans.get(self.cleaned_data["plan"])


class DeleteForm(forms.Form):
    """The name is typed, so that nobody deletes the wrong one."""

    name = forms.CharField(label=_("Name of the client"), max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"}))

    def __init__(self, data: Any, client: Organization) -> None:
        self.client = client
        super().__init__(data)

    def clean_name(self) -> str:
        typed: str = self.cleaned_data["name"].strip()
        if typed != self.client.name.strip():
            raise forms.ValidationError(_("This is not its name. Type it exactly as it stands above."))
        return typed


class AnnouncementForm(forms.Form):
    title = forms.CharField(label=_("Title"), max_length=200)
    text = forms.CharField(label=_("Text"), max_length=4000, widget=forms.Textarea(attrs={"rows": 6}))
    level = forms.ChoiceField(label=_("Kind"), choices=Notification.Level.choices, initial="info")
    clients = forms.MultipleChoiceField(
        label=_("To"), required=False, help_text=_("None selected: to all clients."), widget=forms.CheckboxSelectMultiple(attrs={"class": "choice-list choice-scroll"})
    )
    until = forms.DateTimeField(
        label=_("Show until"), required=False, widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        help_text=_("Empty: until each reader puts it away."),
    )  # fmt: skip
    is_banner = forms.BooleanField(label=_("Show as a banner on every page"), required=False, initial=True)
    sends_mail = forms.BooleanField(label=_("Send to the owners as an e-mail, too"), required=False)

    def __init__(self, data: Any, clients: list[Organization]) -> None:
        super().__init__(data)
        self.fields["clients"].choices = [(str(each.pk), each.name) for each in clients]  # type: ignore[attr-defined]
