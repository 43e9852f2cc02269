"""A share of the leads talks to another assistant, or to a saved version of one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.assistants.models import Assistant, AssistantVersion
from apps.campaigns.models import Campaign
from apps.organizations.models import Organization

MOST_VERSIONS = 100
HALF = 50


class ComparisonFields(forms.Form):
    """`variant` says both fields of the model in one: `<assistant>` as it is now, or `<assistant>:<version>`."""

    variant = forms.ChoiceField(
        label=gettext_lazy("Compare with"), required=False,
        help_text=gettext_lazy("Who talks to whom is decided by the lead: the same one always gets the same."),
    )  # fmt: skip
    variant_percent = forms.IntegerField(
        label=gettext_lazy("Share of the leads"), required=False, min_value=1, max_value=99,
        widget=forms.NumberInput(attrs={"data-unit": "%", "placeholder": str(HALF)}),
        help_text=gettext_lazy("The others talk to the campaign's assistant."),
    )  # fmt: skip

    def set_variants(self, organization: Organization, campaign: Campaign | None) -> None:
        assistants = list(Assistant.objects.for_organization(organization).active().order_by("name", "id"))
        chosen = campaign.variant_assistant if campaign else None
        if chosen and chosen not in assistants:
            assistants.append(chosen)
        self._assistants = {assistant.pk: assistant for assistant in assistants}
        saved = AssistantVersion.objects.for_organization(organization).filter(assistant__in=assistants)
        newest = saved.order_by("-created_at", "-version").only("assistant_id", "version", "created_at")[:MOST_VERSIONS]
        own = campaign.assistant_id if campaign else None
        others = [(str(each.pk), each.name) for each in assistants if each.pk != own]
        versions = [(f"{each.assistant_id}:{each.version}", self._version_label(each)) for each in newest]
        choices: list[Any] = [("", _("Nothing: all leads talk to the same assistant"))]
        choices += [(_("Another assistant"), others)] if others else []
        choices += [(_("A saved version"), versions)] if versions else []
        field = self.fields["variant"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        pk, _colon, version = str(data.get("variant") or "").partition(":")
        chosen = self._assistants.get(UUID(pk)) if pk else None
        same = chosen is not None and chosen == data.get("assistant")
        if chosen and same and not version:
            self.add_error("variant", _("Choose another assistant, or a saved version of this one."))
        data["variant_version"] = int(version) if version else None
        data["variant_assistant"] = None if chosen is None or (same and version) else chosen
        data["variant_percent"] = (data.get("variant_percent") or HALF) if chosen else 0
        return data

    def _version_label(self, saved: AssistantVersion) -> str:
        day = date_format(localtime(saved.created_at), "SHORT_DATETIME_FORMAT")
        name = self._assistants[saved.assistant_id].name
        return _("%(name)s, version %(version)s of %(day)s") % {"name": name, "version": saved.version, "day": day}


def variant_value(campaign: Campaign) -> str:
    if campaign.variant_assistant_id is None and campaign.variant_version is None:
        return ""
    assistant = campaign.variant_assistant_id or campaign.assistant_id
    return f"{assistant}:{campaign.variant_version}" if campaign.variant_version is not None else str(assistant)
