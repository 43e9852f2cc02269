"""Campaigns and leads as the API's description shows them (api 8.12)."""

from __future__ import annotations

from typing import Any

from apps.campaigns.intake import MAX_PROOF, MAX_VALUE, MAX_VARIABLES
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.openapi_settings import SETTINGS, STATED
from apps.core.openapi import EXAMPLE_ID, Schema, array, boolean, integer, moment, phone, record, ref, text, uuid

OTHER = "+31600000001"
CLOCK: Schema = {"pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$"}
PLAN: dict[str, Schema] = {
    "name": text(minLength=1, maxLength=200, examples=["Spring recall"]),
    "system_message_template": text(
        "The instructions; `{{name}}` stands for a variable of the lead. Null: the assistant's own.", null=True, maxLength=100_000,
        examples=["You call {{name}} of {{company}}."],
    ),
    "schedule_start_time": text("No call before.", **CLOCK, default="09:00:00"),
    "schedule_end_time": text("No call after; must be later than the start.", **CLOCK, default="17:00:00"),
    "timezone": text("An IANA name.", minLength=1, maxLength=64, default="Europe/Amsterdam"),
    "number_id": uuid("From which number; null: the assistant's oldest one with a trunk.", null=True, examples=[None]),
    "schedule_days": array(
        integer(minimum=1, maximum=7), "Monday is 1.", minItems=1, default=[1, 2, 3, 4, 5, 6, 7]
    ),
    "max_attempts": integer("Calls to one lead, in all.", minimum=1, maximum=10, default=3),
    "retry_delay_minutes": integer("Between two attempts.", minimum=5, maximum=1440, default=60),
    "max_concurrent_calls": integer("At the same time.", minimum=1, maximum=50, default=1),
    **SETTINGS,
}  # fmt: skip
SHOWN_CLOCK: Schema = {"pattern": r"^[0-9]{2}:[0-9]{2}:[0-9]{2}$"}
VALUE = {"type": ["string", "number", "boolean", "null"], "maxLength": MAX_VALUE}
# What the rules of the person's country ask.
ABOUT: dict[str, Schema] = {
    "timezone": text("The person's, an IANA name. Null: that of the number.", null=True, maxLength=64, examples=["Europe/Berlin"]),
    "region": text("The person's region or state: `BY`, `DE-BY`, `NY`.", null=True, maxLength=64, examples=["BY"]),
    "consent": text("The kind of consent the person gave.", null=True, enum=[*Lead.Consent.values, None], examples=["express"]),
    "consent_at": moment("When it was given.", null=True),
    "consent_proof": text("Where that is recorded, an address for example.", null=True, maxLength=MAX_PROOF, examples=["form 4711"]),
}
SCHEMAS: dict[str, Schema] = {
    "Campaign": record(
        {
            "id": uuid(),
            **{name: PLAN[name] for name in ("name",)},
            "agent_id": uuid("The same as `assistant_id`."),
            "assistant_id": uuid(),
            "status": text(enum=list(Campaign.Status.values)),
            "system_message_template": PLAN["system_message_template"],
            "schedule_start_time": text(**SHOWN_CLOCK, examples=["09:00:00"]),
            "schedule_end_time": text(**SHOWN_CLOCK, examples=["17:00:00"]),
            "timezone": PLAN["timezone"],
            "total_leads": integer(minimum=0, examples=[40]),
            "completed_leads": integer(minimum=0, examples=[12]),
            "failed_leads": integer(minimum=0, examples=[3]),
            **{name: PLAN[name] for name in (
                "number_id", "schedule_days", "max_attempts", "retry_delay_minutes", "max_concurrent_calls"
            )},
            **SETTINGS,
            **STATED,
            "created_at": moment(),
            "updated_at": moment(),
        }
    ),
    "CampaignCreate": record(
        {
            **PLAN,
            "assistant_id": uuid("Who calls. One of this and `agent_id` is needed."),
            "agent_id": uuid("The older spelling of `assistant_id`.", deprecated=True),
            "status": text(enum=["draft", "scheduled"], default="draft"),
            "leads": array(ref("CampaignLeadCreate"), "Who is called."),
        },
        required=["name"], anyOf=[{"required": ["assistant_id"]}, {"required": ["agent_id"]}],
        examples=[
            {"name": "Spring recall", "assistant_id": EXAMPLE_ID, "system_message_template": "You call {{name}} of {{company}}.",
             "schedule_start_time": "09:00:00", "schedule_end_time": "17:00:00", "timezone": "Europe/Amsterdam",
             "leads": [{"phone_number": OTHER, "variables": {"name": "Sam", "company": "Acme"}}]}
        ],
    ),
    "CampaignUpdate": record(
        {**PLAN, "status": text("`scheduled` launches, `paused` stops after the running calls.",
                                enum=[status for status in Campaign.Status.values if status != "completed"])},
        required=[], description="Only the keys that are sent change.", examples=[{"status": "scheduled"}],
    ),
    "CampaignLead": record(
        {
            "id": uuid(),
            "campaign_id": uuid(),
            "phone_number": phone(examples=[OTHER]),
            "name": text("The same as `variables.name`.", null=True, examples=["Sam"]),
            "variables": record({}, additionalProperties={"type": "string"}, examples=[{"name": "Sam", "company": "Acme"}]),
            **{name: schema | {"examples": [None]} for name, schema in ABOUT.items()},
            "status": text(enum=list(Lead.Status.values)),
            "call_id": text("Of the last attempt.", null=True, examples=[None]),
            "attempts": integer(minimum=0, examples=[0]),
            "last_attempt_at": moment(null=True, examples=[None]),
            "created_at": moment(),
            "updated_at": moment(),
        }
    ),
    "CampaignLeadCreate": record(
        {
            "phone_number": phone("E.164; spaces, dots and dashes are removed."),
            "name": text("Goes into `variables.name` when that is not sent.", null=True, maxLength=MAX_VALUE),
            "variables": record(
                {}, type=["object", "null"], additionalProperties=VALUE, maxProperties=MAX_VARIABLES,
                description="Values of the template's variables. Numbers and booleans become text.",
            ),
            **ABOUT,
        },
        required=["phone_number"], examples=[{"phone_number": OTHER, "variables": {"name": "Sam", "company": "Acme"}}],
    ),
    "CampaignLeadCallNow": record(
        {"whenever": boolean("When the lead may not be called at this instant: wait for the first one at which it may.", default=False)},
        required=[], examples=[{"whenever": True}],
    ),
    "CampaignRedial": record(
        {
            "name": text("Of the new campaign; null: the old one's with “(again)”.", null=True, minLength=1, maxLength=200, examples=["Spring recall (again)"]),
            "outcomes": array(
                text(maxLength=60, examples=["no_answer"]),
                "`answered`, `voicemail`, `no_answer`, `busy`, `declined`, `invalid_number`, `error`, `in_doubt`, or `skipped:` and the "
                "reason of a skipped lead.",
                minItems=1, maxItems=40, default=["no_answer", "busy", "voicemail"],
            ),
        },
        required=[], examples=[{"outcomes": ["no_answer", "busy"]}],
    ),
}  # fmt: skip


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result
