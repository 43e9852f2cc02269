"""The whole form: who calls with what message, and every group of settings."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.assistants.models import Assistant
from apps.billing.metering import as_credits
from apps.campaigns.models import Campaign
from apps.campaigns.services.settings import BOUNDS
from apps.campaigns.settings_form.comparison import ComparisonFields, variant_value
from apps.campaigns.settings_form.hours import HoursFields, WindowRows, first_window, further, joined
from apps.campaigns.settings_form.pace import STANDARD, BrakeFields, PaceFields, ReportFields
from apps.campaigns.settings_form.retries import RetryFields, retry_values
from apps.campaigns.settings_form.rules import RuleFields
from apps.core import phone, variables
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

AUTOMATIC = "automatic"
# Fields whose value is the model's own.
PLAIN = (
    "name", "assistant", "number", "schedule_start_time", "schedule_end_time", "schedule_days", "timezone", "uses_lead_zone",
    "skips_holidays", "region", "purpose", "attestation", "max_attempts", "retry_delay_minutes", "retry_rules",
    "max_attempts_per_day", "voicemail_counts", "spreads_day_parts", "max_concurrent_calls", "priority", "starts",
    "starts_seconds", "floor_calls", "breaker_percent", "breaker_seconds", "breaker_calls", "budget", "variant_assistant",
    "variant_version", "variant_percent", "report_emails",
)  # fmt: skip
# Those whose field shows something else.
MADE = ("assistant", "number", "variant_assistant", "retry_rules")
# What the page changes while calls are being made; the rest waits for a pause.
WHILE_RUNNING = (
    "version", "name", *PaceFields.base_fields, *BrakeFields.base_fields, *ReportFields.base_fields,
)  # fmt: skip
# The fields of each part of the page that is folded while nothing is wrong there.
FOLDED: dict[str, tuple[str, ...]] = {
    "hours": ("timezone", "skips_holidays", "region"),
    "rules": tuple(RuleFields.base_fields), "pace": tuple(PaceFields.base_fields), "brakes": tuple(BrakeFields.base_fields),
    "comparison": tuple(ComparisonFields.base_fields), "report": tuple(ReportFields.base_fields),
}  # fmt: skip


class CampaignForm(HoursFields, RuleFields, RetryFields, PaceFields, BrakeFields, ComparisonFields, ReportFields):
    """Create and edit. The service has the last word; `forms.refuse` puts what it says at the right field."""

    version = forms.IntegerField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=200, help_text=gettext_lazy("Only your team sees it."),
        widget=forms.TextInput(attrs={"placeholder": gettext_lazy("Spring recall"), "autofocus": ""}),
    )  # fmt: skip
    assistant = forms.ModelChoiceField(
        label=gettext_lazy("Assistant"), queryset=Assistant.objects.none(), empty_label=None
    )
    number = forms.ChoiceField(
        label=gettext_lazy("Calls from"),
        help_text=gettext_lazy("Automatic is the assistant's own number, else the oldest that can dial."),
    )
    system_message_template = forms.CharField(
        label=gettext_lazy("What the assistant knows about each lead"), required=False, strip=False,
        help_text=gettext_lazy("Added to the assistant's own instructions. {{name}} becomes the lead's value."),
        widget=forms.Textarea(attrs={
            "rows": 6, "data-autosize": "", "data-template-variables": "template-variables",
            "placeholder": gettext_lazy("You call {{name}} of {{company}} about the yearly check-up."),
        }),
    )  # fmt: skip

    def __init__(self, *args: Any, organization: Organization, campaign: Campaign | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.campaign = campaign
        self.is_running = campaign is not None and campaign.status == Campaign.Status.SCHEDULED
        self.dialable = list(PhoneNumber.objects.for_organization(organization).can_dial().order_by("created_at", "id"))
        self._numbers = {str(number.pk): number for number in self._selectable()}
        self._set_assistants(organization)
        self._set_numbers()
        self.set_variants(organization, campaign)
        for name, field in self.fields.items() if self.is_running else ():
            field.disabled = field.disabled or name not in WHILE_RUNNING
        self.windows = WindowRows(
            self.data if self.is_bound else None, self.initial.get("windows") or [], disabled=self.is_running
        )

    @property
    def template_names(self) -> list[str]:
        """The variables that the message asks for, as typed."""
        return sorted(variables.names(str(self["system_message_template"].value() or "")))

    @property
    def open(self) -> set[str]:
        """The folded parts that have something to say."""
        found = {part for part, names in FOLDED.items() if any(name in self.errors for name in names)}
        if any(name.startswith("retry_") or name in RetryFields.base_fields for name in self.errors):
            found.add("retries")
        return found | ({"hours"} if self.windows.has_errors else set())

    def clean_number(self) -> PhoneNumber | None:
        chosen = self.cleaned_data["number"]
        return None if chosen == AUTOMATIC else self._numbers.get(chosen)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        for name in BOUNDS:
            if data.get(name) is None and name in data:
                data[name] = getattr(STANDARD, name)
        if not self.windows.is_valid():
            self.add_error(None, _("One of the further calling windows needs your attention."))
        elif not self.is_running and not {"schedule_start_time", "schedule_end_time", "schedule_days"} & set(self.errors):
            try:
                data["windows"] = joined(data, self.windows.values())
            except ValueError as error:
                self.add_error("schedule_days", str(error))
        return data

    def values(self) -> dict[str, Any]:
        """What the service takes."""
        data = self.cleaned_data
        values = {name: data[name] for name in PLAIN} | {"windows": data["windows"]}
        return values | {"system_message_template": data["system_message_template"].strip() or None}

    def changes(self) -> dict[str, Any]:
        """As `values`; the assistant only where it may change, and of a running campaign what may be changed."""
        if self.is_running:
            return {name: self.cleaned_data[name] for name in WHILE_RUNNING if name != "version"}
        values = self.values()
        if self.fields["assistant"].disabled:
            del values["assistant"]
        return values

    def _set_assistants(self, organization: Organization) -> None:
        field = self.fields["assistant"]
        assert isinstance(field, forms.ModelChoiceField)
        active = Assistant.objects.for_organization(organization).active().order_by("name", "id")
        current = self.campaign.assistant if self.campaign else None
        if current is None or current.deleted_at:
            field.queryset = active
            field.empty_label = None if len(active) == 1 else _("Choose an assistant")
            return
        field.queryset = Assistant.objects.for_organization(organization).filter(pk=current.pk)
        field.disabled = True
        field.help_text = _("Stays the same for the life of a campaign. Duplicate the campaign to use another one.")

    def _selectable(self) -> list[PhoneNumber]:
        own = self.campaign.number if self.campaign else None
        return [*self.dialable, *([own] if own and own not in self.dialable else [])]

    def _set_numbers(self) -> None:
        choices = [(AUTOMATIC, _("Automatic"))]
        choices += [(key, self._number_label(number)) for key, number in self._numbers.items()]
        if self.campaign and self.campaign.has_own_number and self.campaign.number_id is None:
            choices.insert(0, ("", _("Its number was deleted: choose another one")))
        field = self.fields["number"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _number_label(self, number: PhoneNumber) -> str:
        label = phone.format_international(number.phone_number)
        if number.name:
            label = f"{label} · {number.name}"
        return label if number in self.dialable else _("%(number)s (cannot dial now)") % {"number": label}


def initial_of(campaign: Campaign) -> dict[str, Any]:
    """A campaign as its form's initial values."""
    same = {name: getattr(campaign, name) for name in (*PLAIN, "version", "system_message_template") if name not in MADE}
    return same | first_window(campaign) | retry_values(campaign.retry_rules) | {
        "number": str(campaign.number_id or "") if campaign.has_own_number else AUTOMATIC,
        "assistant": campaign.assistant_id,
        "windows": further(campaign),
        "attests": campaign.attested_at is not None,
        "budget": None if campaign.budget is None else as_credits(campaign.budget).normalize(),
        "variant": variant_value(campaign),
        "variant_percent": campaign.variant_percent or None,
        "report_emails": "\n".join(campaign.report_emails),
    }  # fmt: skip
