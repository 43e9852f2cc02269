"""The documented shapes of calls and usage; the rules stand in services and in the assistant's schema."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class PageSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    limit = serializers.IntegerField()
    offset = serializers.IntegerField()


class CallSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    caller_phone = serializers.CharField(allow_null=True)
    assistant_phone = serializers.CharField(allow_null=True)
    agent_phone = serializers.CharField(allow_null=True)
    status = serializers.CharField()
    direction = serializers.CharField(allow_null=True)
    end_reason = serializers.CharField(allow_null=True)
    error = serializers.CharField(allow_null=True)
    started_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    duration_seconds = serializers.IntegerField(allow_null=True)
    summary = serializers.CharField(allow_null=True)
    analysis_result = serializers.JSONField(allow_null=True)
    messages = serializers.ListField(child=serializers.DictField(), allow_null=True)
    room_name = serializers.CharField(allow_null=True)
    recording_url = serializers.URLField(allow_null=True)
    agent_id = serializers.UUIDField(allow_null=True)
    assistant_id = serializers.UUIDField(allow_null=True)
    agent_name = serializers.CharField(allow_null=True)
    assistant_name = serializers.CharField(allow_null=True)
    business_name = serializers.CharField(allow_null=True)
    number_id = serializers.UUIDField(allow_null=True)
    phone_number = serializers.CharField(allow_null=True)
    metadata = serializers.JSONField(allow_null=True)
    reference = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    updated_at = serializers.DateTimeField()


class OutboundSerializer(serializers.Serializer[Any]):
    destination = serializers.CharField(help_text="E.164")
    number_id = serializers.UUIDField(required=False, allow_null=True)
    assistant_id = serializers.UUIDField(required=False, allow_null=True)
    agent_id = serializers.UUIDField(required=False, allow_null=True)
    assistant_override = serializers.JSONField(required=False, allow_null=True)
    assistant = serializers.JSONField(required=False, allow_null=True)
    first_message = serializers.CharField(required=False, allow_null=True)
    reference = serializers.CharField(required=False, allow_null=True)


class CommandSerializer(serializers.Serializer[Any]):
    type = serializers.CharField(help_text="inject-context, say, end-call or transfer")
    content = serializers.CharField(required=False)
    trigger_response = serializers.BooleanField(required=False)
    end_after = serializers.BooleanField(required=False)
    message = serializers.CharField(required=False)
    destination = serializers.CharField(required=False, help_text="E.164 or a SIP URI")


class UsageLogSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    call_id = serializers.CharField()
    duration_sec = serializers.IntegerField()
    call_type = serializers.CharField()
    byok_stt = serializers.BooleanField()
    byok_llm = serializers.BooleanField()
    byok_tts = serializers.BooleanField()
    phone_number = serializers.CharField(allow_null=True)
    agent_name = serializers.CharField(allow_null=True)
    business_name = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
