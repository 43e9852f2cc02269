"""What the API takes for campaigns (api 8.12, and what is ours)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from apps.assistants.models import Assistant
from apps.billing.services import micro
from apps.campaigns.models import Campaign
from apps.campaigns.serializers import LeadsField
from apps.campaigns.services.settings import (
    BOUNDS,
    MOST_CREDITS,
    MOST_EMAILS,
    MOST_WINDOWS,
    clean_emails,
    clean_rules,
    clean_windows,
)
from apps.core.errors import NotFound
from apps.core.strict_fields import Choice, Flag, Ident, Text, Whole
from apps.core.zones import ZONES
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization

LINKS = ("assistant_id", "agent_id", "number_id", "variant_assistant_id")
TIMES = ["%H:%M", "%H:%M:%S"]


def bounded(name: str, **options: Any) -> Whole:
    least, most = BOUNDS[name]
    return Whole(required=False, min_value=least, max_value=most, **options)


class Credits(serializers.Field[int, Any, Any, Any]):
    """A number of credits, kept as micro-credits."""

    default_error_messages = {
        "invalid": "a number of credits above 0 is expected", "too_many": f"at most {MOST_CREDITS} credits are possible",
    }  # fmt: skip

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or not data > 0:
            self.fail("invalid")
        if data > MOST_CREDITS:
            self.fail("too_many")
        if not (found := micro(Decimal(str(data)))):
            self.fail("invalid")
        return found

    def to_representation(self, value: int) -> Any:
        return value


class WindowSerializer(serializers.Serializer[Any]):
    days = serializers.ListField(child=Whole(min_value=1, max_value=7), allow_empty=False)
    start = Text(max_length=8)
    end = Text(max_length=8)


class RetryRuleSerializer(serializers.Serializer[Any]):
    attempts = Whole(required=False)
    delays = serializers.ListField(child=Whole(), required=False)
    seconds = Whole(required=False)


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
    max_attempts = bounded("max_attempts")
    retry_delay_minutes = bounded("retry_delay_minutes")
    max_concurrent_calls = bounded("max_concurrent_calls")
    windows = serializers.ListField(
        child=WindowSerializer(), required=False, allow_null=True, allow_empty=False, max_length=MOST_WINDOWS
    )
    uses_lead_zone = Flag(required=False)
    skips_holidays = Flag(required=False)
    region = Text(required=False, allow_null=True, allow_blank=True, max_length=10)
    purpose = Choice(Campaign.Purpose.choices, required=False)
    attestation = Text(required=False, allow_null=True, allow_blank=True, max_length=500)
    retry_rules = serializers.DictField(child=RetryRuleSerializer(), required=False)
    max_attempts_per_day = bounded("max_attempts_per_day", allow_null=True)
    spreads_day_parts = Flag(required=False)
    voicemail_counts = Choice(Campaign.Voicemail.choices, required=False)
    starts = bounded("starts", allow_null=True)
    starts_seconds = bounded("starts_seconds")
    floor_calls = bounded("floor_calls")
    priority = Choice(Campaign.Priority.choices, required=False)
    breaker_percent = bounded("breaker_percent")
    breaker_seconds = bounded("breaker_seconds")
    breaker_calls = bounded("breaker_calls")
    budget = Credits(required=False, allow_null=True)
    variant_assistant_id = Ident(required=False, allow_null=True)
    variant_version = Whole(required=False, allow_null=True, min_value=1, max_value=2**31 - 1)
    variant_percent = bounded("variant_percent")
    report_emails = serializers.ListField(child=Text(max_length=254), required=False, max_length=MOST_EMAILS)
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

    def validate_windows(self, windows: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
        return _cleaned(clean_windows, windows)

    def validate_retry_rules(self, rules: Mapping[str, Any]) -> dict[str, Any]:
        return _cleaned(clean_rules, rules)

    def validate_report_emails(self, addresses: list[str]) -> list[str]:
        return _cleaned(clean_emails, addresses)

    def validate_region(self, region: str | None) -> str:
        return (region or "").strip()

    def validate_attestation(self, text: str | None) -> str:
        return text or ""

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        """Ids become rows of the organization; `assistant_id` wins over `agent_id`."""
        organization: Organization = self.context["organization"]
        values = {name: value for name, value in data.items() if name not in LINKS}
        if not self.partial:
            values["assistant"] = _assistant(organization, data)
        if "number_id" in data:
            values["number"] = _number(organization, data["number_id"])
        if "variant_assistant_id" in data:
            values["variant_assistant"] = _variant(organization, data["variant_assistant_id"])
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


def _variant(organization: Organization, pk: Any) -> Assistant | None:
    if pk is None:
        return None
    found = Assistant.objects.for_organization(organization).live().filter(pk=pk).first()
    if found is None:
        raise serializers.ValidationError({"variant_assistant_id": "there is nothing with this id in your organization"})
    return found


def _cleaned(clean: Any, value: Any) -> Any:
    try:
        return clean(value)
    except ValueError as error:
        raise serializers.ValidationError(str(error)) from None
