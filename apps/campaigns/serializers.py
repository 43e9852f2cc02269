"""What the API takes for campaigns and leads, and their documented shapes (api 8.12)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.assistants.models import Assistant
from apps.campaigns.models import Campaign
from apps.campaigns.services.campaigns import ZONES
from apps.campaigns.services.leads import NewLead
from apps.core import variables
from apps.core.errors import Invalid, NotFound
from apps.core.phone import clean_e164
from apps.core.strict_fields import Choice, Ident, Text, Whole
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

MAX_VARIABLES, MAX_VALUE, MAX_NAME = 50, 2000, 200
NOT_E164 = "a phone number in E.164 form is expected, such as +31600000001"
TIMES = ["%H:%M", "%H:%M:%S"]


class LeadSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(read_only=True)
    campaign_id = serializers.UUIDField(read_only=True)
    phone_number = Text(max_length=64)
    name = Text(required=False, allow_null=True, allow_blank=True, max_length=MAX_VALUE)
    variables = serializers.DictField(child=serializers.JSONField(allow_null=True), required=False, allow_null=True)
    status = serializers.CharField(read_only=True)
    call_id = serializers.CharField(read_only=True, allow_null=True)
    attempts = serializers.IntegerField(read_only=True)
    last_attempt_at = serializers.DateTimeField(read_only=True, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def validate_phone_number(self, text: str) -> str:
        if (number := clean_e164(text)) is None:
            raise serializers.ValidationError(NOT_E164)
        return number

    def validate_variables(self, found: Mapping[str, Any] | None) -> dict[str, str]:
        return as_texts(found or {})

    def validate(self, data: dict[str, Any]) -> Any:
        values = data.get("variables") or {}
        if data.get("name") and "name" not in values:
            values = {"name": data["name"], **values}
        return NewLead(data["phone_number"], values)


def as_texts(found: Mapping[str, Any]) -> dict[str, str]:
    """A map of text to text: numbers and booleans become text, null is no value."""
    if len(found) > MAX_VARIABLES:
        raise serializers.ValidationError(f"at most {MAX_VARIABLES} variables")
    texts = {}
    for name, value in found.items():
        if value is None:
            continue
        text = variables.as_text(value)
        if text is None or not name.strip() or len(name) > MAX_NAME or "\x00" in text + name:
            raise serializers.ValidationError(f'"{name[:60]}" is no text')
        if len(text) > MAX_VALUE:
            raise serializers.ValidationError(f'"{name}" is longer than {MAX_VALUE} characters')
        texts[name] = text
    return texts


class LeadsField(serializers.Field[list[NewLead], Any, Any, Any]):
    """A list of lead bodies; a problem names the lead by its place and number, as the launch checks do."""

    def to_internal_value(self, data: Any) -> list[NewLead]:
        if not isinstance(data, list):
            raise serializers.ValidationError("a list of leads is expected")
        leads, problems = [], []
        for place, each in enumerate(data, 1):
            form = LeadSerializer(data=each if isinstance(each, dict) else {})
            if form.is_valid():
                leads.append(form.validated_data)
                continue
            number = str(each.get("phone_number", ""))[:32] if isinstance(each, dict) else ""
            named = f"lead {place} ({number})" if number else f"lead {place}"
            problems += [f"{named}: {field}: {text}" for field, texts in form.errors.items() for text in _flat(texts)]
        if problems:
            raise Invalid(problems[0], details=problems, param="leads")
        return leads

    def to_representation(self, value: Any) -> Any:
        return value


class CampaignSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(read_only=True)
    name = Text(max_length=200)
    assistant_id = Ident(required=False)
    agent_id = Ident(required=False)
    status = Choice(Campaign.Status.choices, required=False)
    system_message_template = Text(
        required=False, allow_null=True, allow_blank=True, max_length=100_000
    )
    schedule_start_time = serializers.TimeField(required=False, input_formats=TIMES)
    schedule_end_time = serializers.TimeField(required=False, input_formats=TIMES)
    timezone = Text(required=False, max_length=64)
    number_id = Ident(required=False, allow_null=True)
    schedule_days = serializers.ListField(
        child=Whole(min_value=1, max_value=7), required=False, allow_empty=False
    )
    max_attempts = Whole(required=False, min_value=1, max_value=10)
    retry_delay_minutes = Whole(required=False, min_value=5, max_value=1440)
    max_concurrent_calls = Whole(required=False, min_value=1, max_value=50)
    leads = LeadsField(required=False, write_only=True)
    total_leads = serializers.IntegerField(read_only=True)
    completed_leads = serializers.IntegerField(read_only=True)
    failed_leads = serializers.IntegerField(read_only=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)

    def validate_status(self, status: str) -> str:
        if status == Campaign.Status.COMPLETED:
            raise serializers.ValidationError("the platform sets this when no lead is left to call")
        if not self.partial and status not in (Campaign.Status.DRAFT, Campaign.Status.SCHEDULED):
            raise serializers.ValidationError("a new campaign is draft or scheduled")
        return status

    def validate_timezone(self, name: str) -> str:
        if name not in ZONES:
            raise serializers.ValidationError("an IANA time zone is expected, such as Europe/Amsterdam")
        return name

    def validate_schedule_start_time(self, moment: dt.time) -> dt.time:
        return moment.replace(microsecond=0)

    def validate_schedule_days(self, days: list[int]) -> list[int]:
        return sorted(set(days))

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Ids become rows of the organization; `assistant_id` wins over `agent_id`."""
        organization: Organization = self.context["organization"]
        values = {name: value for name, value in data.items() if name not in ("assistant_id", "agent_id", "number_id")}
        if not self.partial:
            values["assistant"] = _assistant(organization, data)
        if "number_id" in data:
            values["number"] = _number(organization, data["number_id"])
        return values


def _assistant(organization: Organization, data: dict[str, Any]) -> Assistant:
    named = data.get("assistant_id") or data.get("agent_id")
    if named is None:
        raise serializers.ValidationError({"assistant_id": serializers.ErrorDetail("required", code="required")})
    found = Assistant.objects.for_organization(organization).live().filter(pk=named).first()
    if found is None:
        raise NotFound("There is no assistant with this id.")
    return found


def _number(organization: Organization, pk: Any) -> PhoneNumber | None:
    if pk is None:
        return None
    found = PhoneNumber.objects.for_organization(organization).filter(pk=pk).first()
    if found is None:
        raise serializers.ValidationError({"number_id": "there is nothing with this id in your organization"})
    return found


def _flat(texts: Any) -> list[str]:
    if isinstance(texts, dict):
        return [text for inner in texts.values() for text in _flat(inner)]
    return ["this field is required" if getattr(text, "code", "") == "required" else str(text) for text in texts]
