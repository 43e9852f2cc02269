"""Tool templates and analysis templates as the API's description shows them (api 8.2, 8.10)."""

from __future__ import annotations

from typing import Any

from apps.assistants.openapi_configs import DESTINATION, FUNCTION, WEBHOOK
from apps.assistants.schema.analysis import THRESHOLD_LIMIT
from apps.assistants.schema.analysis_template import DEFAULT_PROMPTS, ROLES
from apps.assistants.schema.tool_rules import NAME, SECRET_LIMIT
from apps.assistants.schema.values import NAME_LIMIT, PROMPT_LIMIT, SPOKEN_LIMIT, URL_LIMIT
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

PARAMETERS = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
CONFIG = {"description": "Checks a free slot", "url": "https://n8n.example.org/slot", "parameters": PARAMETERS}
FRAME_ID: dict[str, Schema] = {"id": uuid(), "org_id": uuid("Your organization.")}
FRAME_TIMES: dict[str, Schema] = {"created_at": moment(), "updated_at": moment()}

# Tool templates ---------------------------------------------------------------------------------------------
LABEL = text("What you call it.", minLength=1, maxLength=NAME_LIMIT, examples=["Free slots"])
FUNCTION_NAME = text("Also the function's name.", pattern=f"^{NAME.pattern}$", examples=["check_slot"])
ABOUT = text("For the list; also for the model when the tool has no description.", null=True, maxLength=PROMPT_LIMIT,
             examples=["Looks a free slot up"])  # fmt: skip
SECRET = text("Signs the requests; else the assistant's secret does.", null=True, minLength=1, maxLength=SECRET_LIMIT,
              examples=["whsec_4f1c"])  # fmt: skip
COMMON: dict[str, Schema] = {"description": ABOUT, "server_secret": SECRET}
DESTINATIONS = array(DESTINATION, "Where to.", minItems=1)
FUNCTION_TYPE = text(enum=["function"])
END_TYPE = text(enum=["end_call", "endCall"])
TRANSFER_TYPE = text(enum=["transfer_call", "transferCall"])
ALL_TYPES = text(enum=["function", "end_call", "endCall", "transfer_call", "transferCall"])
ADDRESS = text(
    "The older spelling of `tool_config.url`.", maxLength=URL_LIMIT, examples=["https://n8n.example.org/slot"]
)
NO_WAIT = boolean("The older spelling of `tool_config.async`.", examples=[False])
SAID = text("Said while the tool runs.", null=True, maxLength=SPOKEN_LIMIT, examples=["One moment, please."])
DEFINITION = record(FUNCTION, required=["name"], additionalProperties=True, description="The older form of a function.")
URL = text("Where the call goes; else to the assistant's webhook.", null=True, maxLength=URL_LIMIT,
           examples=["https://n8n.example.org/slot"])  # fmt: skip

TOOL_BODIES: dict[str, Schema] = {
    "ToolTemplateFunction": record(
        {"name": LABEL, "tool_type": FUNCTION_TYPE, "tool_config": ref("ToolFunctionConfig") | {"required": ["name"]}, **COMMON},
        required=["name", "tool_type", "tool_config"], title="A function with a name of its own",
    ),
    "ToolTemplateNamedFunction": record(
        {"name": FUNCTION_NAME, "tool_type": FUNCTION_TYPE, "tool_config": ref("ToolFunctionConfig"), **COMMON},
        required=["name", "tool_type", "tool_config"], title="A function named like its template",
        examples=[{"name": "check_slot", "tool_type": "function", "tool_config": CONFIG}],
    ),
    "ToolTemplateEndCall": record(
        {"name": LABEL, "tool_type": END_TYPE, "tool_config": anything(), **COMMON},
        required=["name", "tool_type", "tool_config"], title="End the call",
    ),
    "ToolTemplateTransfer": record(
        {"name": LABEL, "tool_type": TRANSFER_TYPE, "tool_config": ref("ToolTransferConfig"), **COMMON},
        required=["name", "tool_type", "tool_config"], title="Hand over to a person",
    ),
    "ToolTemplateOlder": record(
        {"name": LABEL, "function_definition": DEFINITION, "server_url": ADDRESS, "async": NO_WAIT, **COMMON},
        required=["name", "function_definition"], title="The older form of a function",
    ),
    "ToolTemplateFlatFunction": record(
        {"name": FUNCTION_NAME, "type": FUNCTION_TYPE, "url": URL, "async": boolean(null=True), "async_response": SAID,
         "parameters": optional("JsonSchema"), **COMMON},
        required=["name", "type"], title="The flat form of a function",
    ),
    "ToolTemplateFlatEndCall": record(
        {"name": LABEL, "type": END_TYPE, **COMMON}, required=["name", "type"], title="The flat form of an end of call"
    ),
    "ToolTemplateFlatTransfer": record(
        {"name": LABEL, "type": TRANSFER_TYPE, "destinations": DESTINATIONS, **COMMON},
        required=["name", "type", "destinations"], title="The flat form of a handover",
    ),
}  # fmt: skip
TOOLS: dict[str, Schema] = {
    "ToolFunctionConfig": record(
        FUNCTION | {key: WEBHOOK[key] for key in ("url", "async", "message")},
        description="Stored and returned as sent. Without `name` the template's name is the function's.", required=[], additionalProperties=True,
    ),
    "ToolTransferConfig": record({"destinations": DESTINATIONS}, additionalProperties=True),
    "ToolTemplate": record(
        {
            **FRAME_ID,
            "name": LABEL,
            "description": ABOUT,
            "tool_type": text(enum=["function", "end_call", "transfer_call"]),
            "tool_config": anything("As it was sent: ToolFunctionConfig, ToolTransferConfig, or an empty object.", examples=[CONFIG]),
            "server_secret": SECRET,
            **FRAME_TIMES,
            "server_url": text("The same as `tool_config.url`.", null=True, examples=[CONFIG["url"]]),
            "async": boolean("The same as `tool_config.async`.", examples=[False]),
            "function_definition": record(
                {"name": text(), "description": text(null=True), "parameters": anything(null=True)},
                description="The older form; there for functions only.",
                examples=[{"name": "check_slot", "description": "Checks a free slot", "parameters": PARAMETERS}],
            ),
        },
        required=[*FRAME_ID, "name", "description", "tool_type", "tool_config", "server_secret", *FRAME_TIMES, "server_url", "async"],
        description="A tool to copy into assistants. Changing or deleting it changes no assistant.",
    ),
    "ToolTemplateCreate": {
        "type": "object", "description": "Any of three forms; a sent `tool_config` wins over the older keys.",
        "anyOf": [ref(name) for name in TOOL_BODIES],
        "examples": [{"name": "check_slot", "tool_type": "function", "tool_config": CONFIG}],
    },
    "ToolTemplateUpdate": record(
        {
            "name": LABEL, **COMMON, "tool_type": ALL_TYPES,
            "tool_config": anything("Replaces the stored one whole."),
            "function_definition": DEFINITION, "server_url": ADDRESS, "async": NO_WAIT,
        },
        required=[], description="Only the keys that are sent change. What stands afterwards must fit its type.",
        examples=[{"description": None, "tool_config": CONFIG}],
    ),
}  # fmt: skip

# Analysis templates -----------------------------------------------------------------------------------------
PROMPT: dict[str, Any] = {"maxLength": PROMPT_LIMIT}
ANALYSIS_FIELDS: dict[str, Schema] = {
    "name": text("What you call it.", minLength=1, maxLength=NAME_LIMIT, examples=["Appointment"]),
    "description": text(null=True, maxLength=PROMPT_LIMIT, examples=["Which day and which treatment"]),
    "system_prompt": text("What the model is told to do.", examples=[DEFAULT_PROMPTS["system_prompt"]], **PROMPT),
    "user_prompt": text("Placeholders: `{transcript}`, `{summary}`, `{duration}`, `{caller_number}`.",
                        examples=[DEFAULT_PROMPTS["user_prompt"]], **PROMPT),
    "schema": ref("JsonSchema") | {"examples": [PARAMETERS]},
    "min_messages_threshold": integer("Fewer messages: no analysis.", null=True, minimum=0, maximum=THRESHOLD_LIMIT, examples=[2]),
}  # fmt: skip
MESSAGES = array(
    record({"role": text(enum=list(ROLES)), "content": text(**PROMPT)}, additionalProperties=True),
    "The prompts in another form: the first system and the first user entry count.",
)
ANALYSIS: dict[str, Schema] = {
    "AnalysisTemplate": record(
        FRAME_ID | ANALYSIS_FIELDS | FRAME_TIMES,
        description="Prompts and a schema to copy into analysis plans. Changing or deleting it changes no assistant.",
    ),
    "CreateAnalysisTemplate": record(
        ANALYSIS_FIELDS | {"messages": MESSAGES}, required=["name", "schema"],
        examples=[{"name": "Appointment", "schema": PARAMETERS}],
    ),
    "UpdateAnalysisTemplate": record(
        ANALYSIS_FIELDS | {"messages": MESSAGES}, required=[], examples=[{"description": None, "min_messages_threshold": 4}],
    ),
    "AnalysisTemplateListResponse": record(
        {
            "analysis_templates": array(ref("AnalysisTemplate")),
            "data": array(ref("AnalysisTemplate"), "The same rows."),
            "total": integer("All there are.", minimum=0, examples=[1]),
            "limit": integer("The limit that was applied; without one as many as there are.", minimum=1, examples=[100]),
            "offset": integer(minimum=0, examples=[0]),
        }
    ),
}  # fmt: skip
SCHEMAS: dict[str, Schema] = {**TOOL_BODIES, **TOOLS, **ANALYSIS}
