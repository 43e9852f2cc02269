"""Settings of an organization, its members and keys: text to clean Python."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from apps.core.addresses import address_problem
from apps.core.phone import country_choices
from apps.core.zones import ZONES
from apps.organizations.audit import AREAS, VISITS
from apps.organizations.models import Organization, Role

EVENTS = [
    ("assistant-request", _("Incoming call asks for an assistant")),
    ("tool-calls", _("Assistant uses a tool")),
    ("status-update", _("Call changes its state")),
    ("end-of-call-report", _("Call has ended: report")),
]
DAYS = {
    30: _("30 days"), 90: _("90 days"), 180: _("180 days"), 365: _("1 year"), 730: _("2 years"),
}  # fmt: skip
EXPIRIES = [
    ("", _("Never")), ("30", _("In 30 days")), ("90", _("In 90 days")), ("365", _("In a year")), ("date", _("On a date")),
]  # fmt: skip


class GeneralForm(forms.ModelForm):  # type: ignore[type-arg]
    country = forms.ChoiceField(
        label=_("Country"), help_text=_("Phone numbers without a country code are read as numbers of this country.")
    )
    language = forms.ChoiceField(
        label=_("Language"),
        choices=settings.LANGUAGES,
        help_text=_("The language of mails to people without an account."),
    )
    timezone = forms.CharField(
        label=_("Time zone"),
        widget=forms.TextInput(attrs={"list": "zones", "autocomplete": "off"}),
        help_text=_("New campaigns start with it. Type a city, such as Amsterdam."),
    )

    class Meta:
        model = Organization
        fields = ["name", "country", "language", "timezone"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["country"].choices = country_choices()  # type: ignore[attr-defined]

    def clean_timezone(self) -> str:
        zone: str = self.cleaned_data["timezone"].strip()
        if zone not in ZONES:
            raise forms.ValidationError(_("There is no time zone of this name. Choose one from the list."))
        return zone


class WebhookForm(forms.Form):
    webhook_url = forms.CharField(
        label=_("URL"), required=False, max_length=2048,
        widget=forms.URLInput(attrs={"class": "is-mono", "placeholder": "https://", "spellcheck": "false"}),
        help_text=_("Assistants without an own URL send their events here, and numbers without an assistant ask here."),
    )  # fmt: skip
    webhook_secret = forms.CharField(required=False, max_length=255, strip=False)
    clear_secret = forms.BooleanField(label=_("Remove the secret: requests go out unsigned"), required=False)
    all_events = forms.BooleanField(label=_("All events, also future ones"), required=False)
    webhook_events = forms.MultipleChoiceField(
        label=_("Events"), choices=EVENTS, required=False, widget=forms.CheckboxSelectMultiple
    )

    def clean_webhook_url(self) -> str:
        url: str = self.cleaned_data["webhook_url"].strip()
        if url and (problem := address_problem(url)):
            raise forms.ValidationError(problem)
        return url

    def values(self) -> dict[str, Any]:
        """What to write; an empty secret keeps the stored one."""
        data = self.cleaned_data
        values = {
            "webhook_url": data["webhook_url"],
            "webhook_events": None if data["all_events"] else data["webhook_events"],
        }
        if data["clear_secret"]:
            values["webhook_secret"] = ""
        elif data["webhook_secret"]:
            values["webhook_secret"] = data["webhook_secret"]
        return values


class PrivacyForm(forms.ModelForm):  # type: ignore[type-arg]
    content_retention_days = forms.TypedChoiceField(
        label=_("Keep content"), coerce=int, choices=[(each, DAYS[each]) for each in (30, 90, 180, 365)],
        help_text=_("Transcripts, summaries, analysis and recordings."),
    )  # fmt: skip
    metadata_retention_days = forms.TypedChoiceField(
        label=_("Keep metadata"), coerce=int, choices=list(DAYS.items()),
        help_text=_("Phone numbers, campaign links, call events and leads."),
    )  # fmt: skip

    class Meta:
        model = Organization
        fields = ["content_retention_days", "metadata_retention_days", "records_calls", "requires_second_factor", "asks_visit_reason"]
        help_texts = {
            "records_calls": _("Where the law or the assistant asks for consent, recording waits for it."),
            "requires_second_factor": _(
                "Members without it are asked to turn it on before any page opens. Only owners change this."
            ),
            "asks_visit_reason": _(
                "Asked once in 8 hours; the client reads it. Without it visits are noted all the same. Only owners change this."
            ),
        }

    def __init__(self, *args: Any, is_owner: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["requires_second_factor"].disabled = not is_owner
        self.fields["asks_visit_reason"].disabled = not is_owner
        if not self.instance.is_agency:
            del self.fields["asks_visit_reason"]

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        content, metadata = data.get("content_retention_days"), data.get("metadata_retention_days")
        if content and metadata and content > metadata:
            self.add_error("content_retention_days", _("Content is never kept longer than metadata."))
        return data


class VisitForm(forms.Form):
    """Why an agency's person enters a client's workspace, and where she goes then. `visit_sends`: a form goes on with her."""

    visit_reason = forms.CharField(
        label=_("Reason"), max_length=300, widget=forms.TextInput(attrs={"autofocus": "", "autocomplete": "off"}),
        help_text=_("For example a ticket, or what you were asked to do."),
    )  # fmt: skip
    visit_next = forms.CharField(required=False, max_length=2000, widget=forms.HiddenInput)
    visit_sends = forms.CharField(required=False, max_length=1, widget=forms.HiddenInput)

    use_required_attribute = False


class InvitationForm(forms.Form):
    email = forms.EmailField(
        label=_("E-mail address"), max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "placeholder": _("name@company.com"), "spellcheck": "false"}),
    )  # fmt: skip
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.MEMBER)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices)


class KeyForm(forms.Form):
    """`key_id` is made with the empty form: sent twice, it makes one key.

    Args:
        zone: the organization's time zone; a key that expires on a date works until that day ends there.
    """

    key_id = forms.UUIDField(required=False, widget=forms.HiddenInput)
    name = forms.CharField(
        label=_("Name"), max_length=200,
        widget=forms.TextInput(attrs={"placeholder": _("What uses it, such as CRM sync"), "autocomplete": "off"}),
    )  # fmt: skip
    expires = forms.ChoiceField(label=_("Expires"), choices=EXPIRIES, required=False)
    expires_on = forms.DateField(
        label=_("Last day"), required=False, widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=_("It works until this day ends."),
    )  # fmt: skip
    read_only = forms.BooleanField(
        label=_("Read only"), required=False, help_text=_("May read everything, change nothing.")
    )

    def __init__(self, *args: Any, zone: str, now: dt.datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.zone, self.now = ZoneInfo(zone), now
        self.fields["key_id"].initial = uuid7()
        self.fields["expires_on"].widget.attrs["min"] = now.astimezone(self.zone).date().isoformat()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        day = data.get("expires_on")
        if data.get("expires") == "date" and "expires_on" not in self.errors:
            if day is None:
                self.add_error("expires_on", _("Choose the last day on which the key works."))
            elif self._end_of(day) <= self.now:
                self.add_error("expires_on", _("This day is over already."))
        return data

    def expires_at(self) -> dt.datetime | None:
        choice = self.cleaned_data["expires"]
        if choice == "date":
            return self._end_of(self.cleaned_data["expires_on"])
        return self.now + dt.timedelta(days=int(choice)) if choice else None

    def _end_of(self, day: dt.date) -> dt.datetime:
        """The day's last second, so that every page shows the day that was chosen."""
        return dt.datetime.combine(day, dt.time(23, 59, 59), self.zone)


class AuditFilterForm(forms.Form):
    """The query of the audit log; what does not fit is ignored."""

    person = forms.UUIDField(required=False)
    area = forms.ChoiceField(required=False, choices=[("", ""), *AREAS])
    before = forms.CharField(required=False, max_length=80)
    visit = forms.CharField(required=False, max_length=36)
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)

    def clean_since(self) -> dt.datetime | None:
        return _midnight(self.cleaned_data["since"])

    def clean_until(self) -> dt.datetime | None:
        """The day that was chosen belongs to it."""
        day: dt.date | None = self.cleaned_data["until"]
        return _midnight(day + dt.timedelta(days=1)) if day else None

    def clean_visit(self) -> str:
        """Any visit, or one by its id."""
        visit: str = self.cleaned_data["visit"]
        try:
            return visit if visit in ("", VISITS) else str(UUID(visit))
        except ValueError as error:
            raise forms.ValidationError("visit") from error

    def clean_before(self) -> str:
        """A cursor as `audit_page` gave it: instant and id."""
        before: str = self.cleaned_data["before"]
        at, _sep, pk = before.partition("~")
        try:
            if before and (dt.datetime.fromisoformat(at).tzinfo is None or not UUID(pk)):
                raise ValueError(before)
        except ValueError as error:
            raise forms.ValidationError("cursor") from error
        return before

    def values(self) -> dict[str, Any]:
        self.is_valid()
        return {name: self.cleaned_data.get(name) or None for name in self.fields}


def _midnight(day: dt.date | None) -> dt.datetime | None:
    """When a day begins where the viewer is."""
    return timezone.make_aware(dt.datetime.combine(day, dt.time())) if day else None
