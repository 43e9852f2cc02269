"""Numbers and trunks as people type them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import Assistant, Workflow
from apps.core.phone import PROBLEMS, WARNINGS, country_choices, parse
from apps.numbers.models import SipTrunk
from apps.organizations.features import has_feature
from apps.organizations.forms_pace import PaceForm
from apps.organizations.models import Organization


class AssignForm(forms.Form):
    """Who answers a number and which trunk it dials out through. Only rows of the organization can be chosen, as over the API.

    A trunk of the agency that a client is to use is made in the client's workspace, by the agency's people.
    """

    assistant = forms.ModelChoiceField(
        Assistant.objects.none(), label=_("Assistant"), required=False, empty_label=_("No assistant"),
        help_text=_("Answers calls to this number, and calls from it unless another is chosen."),
    )  # fmt: skip
    transfer_trunk = forms.ModelChoiceField(
        SipTrunk.objects.none(), label=_("SIP trunk"), required=False, empty_label=_("No trunk"),
        help_text=_("Needed for outgoing calls, campaigns and transfers to your PBX."),
    )  # fmt: skip

    workflow = forms.ModelChoiceField(
        Workflow.objects.none(), label=_("Workflow"), required=False, empty_label=_("No workflow"),
        help_text=_("Incoming calls follow it while it is active and workflows can be run; the assistant gives voice and model."),
    )  # fmt: skip

    use_required_attribute = False

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        workflows = Workflow.objects.for_organization(organization).order_by("name", "id")
        self.fields["workflow"].queryset = workflows  # type: ignore[attr-defined]
        assistants = Assistant.objects.for_organization(organization).live().order_by("name", "id")
        trunks = SipTrunk.objects.for_organization(organization).order_by("name", "id")
        self.fields["assistant"].queryset = assistants  # type: ignore[attr-defined]
        self.fields["transfer_trunk"].queryset = trunks  # type: ignore[attr-defined]
        if not has_feature(organization, "trunks"):
            self.fields["transfer_trunk"].help_text = _("Your provider sets it up for you. Outgoing calls and campaigns need one.")

    def sent(self) -> dict[str, Any]:
        """Only what was sent: assigning a trunk leaves the assistant alone."""
        return {name: value for name, value in self.cleaned_data.items() if name in self.data}


class NumberForm(AssignForm):
    name = forms.CharField(
        label=_("Label"), max_length=200, required=False, help_text=_("What you call it, such as “Main line”.")
    )
    is_active = forms.BooleanField(
        label=_("Active"), required=False, help_text=_("When off, calls to it are rejected and none leave from it.")
    )

    field_order = ("name", "assistant", "transfer_trunk", "workflow", "is_active")

    def values(self) -> dict[str, Any]:
        return self.cleaned_data | {"name": self.cleaned_data["name"] or None}


class RegisterForm(AssignForm):
    phone_number = forms.CharField(
        label=_("Phone number"), max_length=40, help_text=_("As you would dial it, or with + and the country code.")
    )
    country = forms.ChoiceField(label=_("Country"), help_text=_("For numbers without a country code."))
    name = forms.CharField(
        label=_("Label"), max_length=200, required=False, help_text=_("What you call it, such as “Main line”.")
    )

    field_order = ("phone_number", "country", "name", "assistant", "transfer_trunk", "workflow")

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(organization, *args, **kwargs)
        self.fields["country"].choices = country_choices()  # type: ignore[attr-defined]
        self.fields["country"].initial = organization.country
        self.fields["phone_number"].widget.attrs |= {"inputmode": "tel", "autocomplete": "off", "autofocus": ""}
        self.warning = ""

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if "phone_number" in found:
            parsed = parse(found["phone_number"], found.get("country"))
            if parsed.number is None:
                self.add_error("phone_number", str(PROBLEMS[parsed.problem or "not_a_number"]))
            else:
                found["phone_number"] = parsed.number
                self.warning = str(WARNINGS[parsed.warning]) if parsed.warning else ""
        return found

    def values(self) -> dict[str, Any]:
        values = {key: value for key, value in self.cleaned_data.items() if key != "country"}
        return values | {"name": values["name"] or None}


class TrunkForm(PaceForm):
    name = forms.CharField(label=_("Name"), max_length=200)
    provider = forms.CharField(
        label=_("Provider"), max_length=200, required=False, help_text=_("Only a note, such as “VoIP company”.")
    )
    address = forms.CharField(
        label=_("SIP server"), max_length=255, required=False,
        help_text=_("Host, with a port if it is not the usual one. Without it, nothing can be dialled."),
    )  # fmt: skip
    transport = forms.ChoiceField(label=_("Transport"), choices=SipTrunk.Transport.choices, initial="udp")
    auth_username = forms.CharField(label=_("User name"), max_length=200, required=False)
    auth_password = forms.CharField(
        label=_("Password"), max_length=255, required=False, strip=False,
        widget=forms.PasswordInput({"autocomplete": "new-password"}, render_value=True),
        help_text=_("Stored encrypted and never shown again."),
    )  # fmt: skip
    replaces = forms.ModelChoiceField(
        SipTrunk.objects.none(), label=_("Replaces"), required=False, empty_label=_("No other trunk"),
        help_text=_("The numbers of that trunk move over to the new one; then it can be deleted."),
    )  # fmt: skip

    use_required_attribute = False

    def __init__(self, organization: Organization, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        trunks = SipTrunk.objects.for_organization(organization).order_by("name", "id")
        self.fields["replaces"].queryset = trunks  # type: ignore[attr-defined]
        self.fields["address"].widget.attrs |= {"placeholder": "sip.example.com", "class": "is-mono"}

    def clean_address(self) -> str:
        """People paste addresses with a scheme; a trunk has only host and port."""
        address = self.cleaned_data["address"].strip().removeprefix("sips:").removeprefix("sip:").strip("/")
        if any(mark.isspace() for mark in address) or "/" in address or "@" in address:
            raise forms.ValidationError(_("Only the host is needed here, such as sip.example.com or 192.0.2.10:5061."))
        return address

    def values(self) -> dict[str, Any]:
        values = {key: value for key, value in self.cleaned_data.items() if key != "replaces"}
        return values | {"auth_username": values["auth_username"] or None}
