"""The table of api 8.1: every field of an assistant, its rule, whether null clears it, its default."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.analysis import read_analysis_plan
from apps.assistants.schema.configs import read_config
from apps.assistants.schema.report import Report
from apps.assistants.schema.speech import read_speech

EMAILS_LIMIT, EVENTS_LIMIT, METADATA_BYTES = 5, 100, 16 * 1024
# What an integer column of PostgreSQL holds; the contract sets no upper limit.
SECONDS_LIMIT = 2_147_483_647

Read = Callable[[Report, str, Any], Any]


@dataclass(frozen=True)
class Field:
    name: str
    read: Read
    nullable: bool = True
    default: Any = None
    required: bool = False


def text(limit: int, least: int = 0) -> Read:
    return lambda report, path, value: values.read_text(report, path, value, limit, least)


def whole_number(least: int, most: int) -> Read:
    def read(report: Report, path: str, value: Any) -> Any:
        values.read_number(report, path, value, least, most, whole=True)
        return int(value) if values.is_whole(value) else value

    return read


def read_emails(report: Report, path: str, value: Any) -> Any:
    if values.is_list(report, path, value, EMAILS_LIMIT):
        for index, entry in enumerate(value):
            values.read_email(report, f"{path}.{index}", entry)
    return value


def read_events(report: Report, path: str, value: Any) -> Any:
    """Unknown names are stored and echoed; they are only never sent."""
    if values.is_list(report, path, value, EVENTS_LIMIT):
        for index, entry in enumerate(value):
            values.read_text(report, f"{path}.{index}", entry, values.NAME_LIMIT, 1)
    return value


def read_consent(report: Report, path: str, value: Any) -> Any:
    if not values.is_object(report, path, value):
        return value
    if values.has(report, path, value, "enabled"):
        values.read_boolean(report, f"{path}.enabled", value["enabled"])
    if value.get("message") is None:
        report.missing(f"{path}.message")
    else:
        least = 1 if value.get("enabled") is True else 0
        values.read_text(report, f"{path}.message", value["message"], values.SPOKEN_LIMIT, least)
    return value


def read_metadata(report: Report, path: str, value: Any) -> Any:
    if values.is_object(report, path, value) and len(json.dumps(value, ensure_ascii=False).encode()) > METADATA_BYTES:
        report.refuse(path, _("must not be larger than %(limit)s KiB") % {"limit": METADATA_BYTES // 1024})
    return value


ASSISTANT_FIELDS = (
    Field("name", text(values.NAME_LIMIT, 1), nullable=False, required=True),
    Field("business_name", text(values.NAME_LIMIT)),
    Field("notification_email", values.read_email),
    Field("notification_emails", read_emails),
    Field("recording_consent", read_consent),
    Field("first_message", text(values.SPOKEN_LIMIT)),
    Field("is_active", values.read_boolean, nullable=False, default=True),
    Field("max_duration_seconds", whole_number(1, SECONDS_LIMIT)),
    Field("autonomous_silence_handling", values.read_boolean, nullable=False, default=False),
    Field("silence_timeout_seconds", whole_number(1, 60), nullable=False, default=8),
    Field("voicemail_detection", values.read_boolean, default=False),
    Field("voicemail_message", text(values.SPOKEN_LIMIT)),
    Field("gdpr_mode", values.read_boolean, nullable=False, default=False),
    Field("webhook_url", values.read_url),
    Field("webhook_secret", text(255, 1)),
    Field("webhook_events", read_events),
    Field("analysis_plan", read_analysis_plan),
    Field("stt_config", read_config, nullable=False),
    Field("llm_config", read_config, nullable=False),
    Field("tts_config", read_config),
    Field("speech_config", read_speech),
)
METADATA_FIELD = Field("metadata", read_metadata)

# api 9.7: what a one-time assistant and an override may hold; the last five are accepted too.
ONE_TIME_NAMES = (
    "first_message",
    "stt_config",
    "llm_config",
    "tts_config",
    "max_duration_seconds",
    "autonomous_silence_handling",
    "silence_timeout_seconds",
    "voicemail_detection",
    "voicemail_message",
    "webhook_url",
    "webhook_secret",
    "webhook_events",
    "metadata",
    "speech_config",
    "analysis_plan",
    "gdpr_mode",
    "name",
    "business_name",
)
_BY_NAME = {field.name: field for field in (*ASSISTANT_FIELDS, METADATA_FIELD)}
ONE_TIME_FIELDS = tuple(_BY_NAME[name] for name in ONE_TIME_NAMES)


def read_fields(report: Report, data: dict[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """The sent fields in the order of the table; a value with a problem is left out."""
    found: dict[str, Any] = {}
    for field in fields:
        if field.name not in data:
            continue
        value, before = data[field.name], len(report.problems)
        if value is None:
            if not field.nullable:
                report.refuse(field.name, _("must not be null"))
        elif values.is_storable(report, field.name, value):
            value = field.read(report, field.name, value)
        if len(report.problems) == before:
            found[field.name] = value
    return found
