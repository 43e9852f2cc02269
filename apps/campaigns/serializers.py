"""What the API takes for leads (api 8.12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from apps.campaigns.intake import MAX_NAME, MAX_PROOF, MAX_VALUE, MAX_VARIABLES
from apps.campaigns.models import Lead
from apps.campaigns.readings import read_region, read_zone
from apps.campaigns.services.leads import NewLead
from apps.core import variables
from apps.core.errors import Invalid
from apps.core.phone import clean_e164
from apps.core.strict_fields import Text

NOT_READ = {
    "timezone": "an IANA time zone is expected, such as Europe/Amsterdam",
    "region": "the code of a region is expected, such as BY, DE-BY or NY",
}
NOT_E164 = "a phone number in E.164 form is expected, such as +31600000001"


class LeadSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(read_only=True)
    campaign_id = serializers.UUIDField(read_only=True)
    phone_number = Text(max_length=64)
    name = Text(required=False, allow_null=True, allow_blank=True, max_length=MAX_VALUE)
    variables = serializers.DictField(child=serializers.JSONField(allow_null=True), required=False, allow_null=True)
    timezone = Text(required=False, allow_null=True, allow_blank=True, max_length=64)
    region = Text(required=False, allow_null=True, allow_blank=True, max_length=64)
    consent = serializers.ChoiceField(Lead.Consent.choices, required=False, allow_null=True)
    consent_at = serializers.DateTimeField(required=False, allow_null=True)
    consent_proof = Text(required=False, allow_null=True, allow_blank=True, max_length=MAX_PROOF)
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
        number = data["phone_number"]
        zone, region = read_zone(data.get("timezone") or "", number), read_region(data.get("region") or "", number)
        if zone is None or region is None:
            name = "timezone" if zone is None else "region"
            raise serializers.ValidationError({name: NOT_READ[name]})
        return NewLead(
            number, values, zone, region, consent=data.get("consent") or "", consent_at=data.get("consent_at"),
            consent_proof=data.get("consent_proof") or "",
        )  # fmt: skip


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


def _flat(texts: Any) -> list[str]:
    if isinstance(texts, dict):
        return [text for inner in texts.values() for text in _flat(inner)]
    return ["this field is required" if getattr(text, "code", "") == "required" else str(text) for text in texts]
