"""Assistants as the API's description shows them (api 8.1, 8.7, 9.5, 9.7)."""

from __future__ import annotations

from typing import Any

from apps.assistants.openapi_configs import SCHEMAS as CONFIGS
from apps.assistants.openapi_templates import SCHEMAS as TEMPLATES
from apps.assistants.openapi_workflows import SCHEMAS as WORKFLOWS
from apps.assistants.schema.analysis import ROLES, THRESHOLD_LIMIT
from apps.assistants.schema.defaults import PLATFORM_DEFAULTS
from apps.assistants.schema.fields import ASSISTANT_FIELDS, EMAILS_LIMIT, EVENTS_LIMIT, ONE_TIME_NAMES, SECONDS_LIMIT
from apps.assistants.schema.values import EMAIL_LIMIT, NAME_LIMIT, PROMPT_LIMIT, SPOKEN_LIMIT, URL_LIMIT
from apps.core.openapi import (
    Schema,
    anything,
    array,
    boolean,
    integer,
    moment,
    optional,
    record,
    ref,
    text,
    uuid,
)

EVENTS = ["assistant-request", "tool-calls", "status-update", "end-of-call-report"]
EMAIL: Schema = {"format": "email", "maxLength": EMAIL_LIMIT, "examples": ["office@example.org"]}
FIELDS: dict[str, Schema] = {
    "name": text("What you call it.", minLength=1, maxLength=NAME_LIMIT, examples=["Front desk"]),
    "business_name": text("For whom it speaks.", null=True, maxLength=NAME_LIMIT, examples=["Bakker Dental"]),
    "notification_email": text("Gets a report of each call.", null=True, **EMAIL),
    "notification_emails": array(
        text(**EMAIL), "The same, for several.", null=True, maxItems=EMAILS_LIMIT, examples=[["office@example.org"]]
    ),
    "recording_consent": record(
        {"enabled": boolean(), "message": text("Asked before an inbound call.", maxLength=SPOKEN_LIMIT, examples=["Press 1 to agree."])},
        type=["object", "null"], additionalProperties=True, examples=[None],
    ),
    "first_message": text("What it says first.", null=True, maxLength=SPOKEN_LIMIT, examples=["Good morning, Bakker Dental."]),
    "is_active": boolean("An inactive one takes no calls.", default=True),
    "max_duration_seconds": integer("Null: no limit.", null=True, minimum=1, maximum=SECONDS_LIMIT, examples=[600]),
    "autonomous_silence_handling": boolean("The model decides itself what to do when nobody speaks.", default=False),
    "silence_timeout_seconds": integer("Silence after which the call ends.", minimum=1, maximum=60, default=8),
    "voicemail_detection": boolean("Outbound calls only.", null=True, default=False),
    "voicemail_message": text("Left on an answering machine.", null=True, maxLength=SPOKEN_LIMIT, examples=[None]),
    "gdpr_mode": boolean("Content of calls is not kept.", default=False),
    "webhook_url": text("Gets the events of its calls.", null=True, maxLength=URL_LIMIT, examples=["https://example.org/hook"]),
    "webhook_secret": text("Signs the events.", null=True, minLength=1, maxLength=255, examples=["whsec_4f1c"]),
    "webhook_events": array(
        text(minLength=1, maxLength=NAME_LIMIT), f"Null: all. Known: {', '.join(EVENTS)}; other names are kept, never sent.",
        null=True, maxItems=EVENTS_LIMIT, examples=[EVENTS[2:]],
    ),
    "analysis_plan": optional("AnalysisPlan", "What is read out of the transcript."),
    "stt_config": ref("STTConfig") | {"description": "Speech to text."},
    "llm_config": ref("LLMConfig") | {"description": "The model, its instructions and its tools."},
    "tts_config": optional("TTSConfig", "Text to speech. Null for a speech-to-speech model."),
    "speech_config": optional("SpeechConfig"),
}  # fmt: skip
METADATA = anything("Comes back in every later event of the call; at most 16 KiB.", examples=[{"crm_id": "77"}])
LOOSE = "A config without `provider` takes provider, model and language from the saved one, else the platform's."
EXAMPLE = {
    "name": "Front desk", "first_message": "Good morning, Bakker Dental.",
    "llm_config": {
        "provider": "mistral", "model": "mistral-medium-latest",
        "messages": [{"role": "system", "content": "You answer the phone of a dental practice."}],
        "tools": [{"type": "end_call"}],
    },
}  # fmt: skip
ONE_TIME = {
    "first_message": "Hello, this is Bakker Dental.",
    **{name: PLATFORM_DEFAULTS[name] for name in ("stt_config", "llm_config", "tts_config")},
    "metadata": {"crm_id": "77"},
}


def _one_time() -> dict[str, Schema]:
    loose = {
        name: anything(f"As {component}. {LOOSE}")
        for name, component in (("stt_config", "STTConfig"), ("llm_config", "LLMConfig"), ("tts_config", "TTSConfig"))
    }
    known = FIELDS | {"metadata": METADATA} | loose
    return {name: known[name] for name in ONE_TIME_NAMES}


def _shown() -> Schema:
    fields = {"id": uuid(), "org_id": uuid("Your organization."), **FIELDS}
    return record(
        fields | {"created_at": moment(), "updated_at": moment()},
        description="Who answers the phone. Configs come back exactly as they were sent.", examples=[_example()],
    )  # fmt: skip


def _example() -> dict[str, Any]:
    values: dict[str, Any] = {field.name: field.default for field in ASSISTANT_FIELDS} | dict(PLATFORM_DEFAULTS) | EXAMPLE
    ident = "0190f3c2-7b1e-7c4d-9a55-3f0e8c6d1b27"
    times = dict.fromkeys(("created_at", "updated_at"), "2026-04-23T10:43:17.123Z")
    return {"id": ident, "org_id": "0190f3c2-0000-7000-8000-000000000001", **values, **times}


SCHEMAS: dict[str, Schema] = {
    **CONFIGS,
    **TEMPLATES,
    **WORKFLOWS,
    "Assistant": _shown(),
    "AssistantCreate": record(
        FIELDS, required=["name"], description="Only the name is needed; the platform's defaults fill the rest.", examples=[EXAMPLE]
    ),
    "AssistantUpdate": record(
        FIELDS | {"tts_config": optional("TTSConfig", "Null puts the default back.")}, required=[],
        description="Only the keys that are sent change. A config replaces the stored one whole.",
        examples=[{"first_message": "Good afternoon, Bakker Dental.", "max_duration_seconds": None}],
    ),
    "OneTimeAssistant": record(
        _one_time(), required=["llm_config"], examples=[ONE_TIME],
        description="An assistant for one call. With a text model `stt_config` and `tts_config` are needed too.",
    ),
    "AssistantConfigOverride": record(
        _one_time(), required=[], examples=[{"first_message": "Hello Sam.", "metadata": {"crm_id": "77"}}],
        description="Each key that is sent replaces that block of the saved assistant whole, for one call.",
    ),
    "AnalysisPlan": record(
        {
            "structured_data_plan": record(
                {
                    "enabled": boolean(),
                    "schema": optional("JsonSchema", "What is wanted."),
                    "messages": array(
                        record({"role": text(enum=list(ROLES)), "content": text(maxLength=PROMPT_LIMIT, examples=["Transcript: {{transcript}}"])}, additionalProperties=True),
                        "Placeholders: `{{schema}}`, `{{transcript}}`, `{{ended_reason}}`.", null=True,
                    ),
                    "template_id": uuid("Its schema and messages are copied in where none are sent.", null=True, examples=[None]),
                },
                required=["enabled"], type=["object", "null"], additionalProperties=True,
            ),
            "min_messages_threshold": integer("Fewer messages: no analysis.", null=True, minimum=0, maximum=THRESHOLD_LIMIT, default=2),
        },
        required=[], additionalProperties=True,
    ),
    "Voice": record(
        {
            "id": text(), "name": text(), "language": text(),
            "description": record({"en": text(), "nl": text()}, required=[], additionalProperties=text()),
        },
        examples=[{"id": "nl_NL-pim-medium", "name": "Pim", "language": "nl",
                   "description": {"en": "Calm male voice", "nl": "Rustige mannenstem"}}],
    ),
}  # fmt: skip


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result
