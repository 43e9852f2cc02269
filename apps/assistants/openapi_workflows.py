"""Workflows and MCP servers as the API's description shows them (api 8.15, 8.16)."""

from __future__ import annotations

from typing import Any

from apps.assistants.schema.mcp_server import HEADER_VALUE_LIMIT, HEADERS_LIMIT, TIMEOUT, TRANSPORTS
from apps.assistants.schema.values import NAME_LIMIT, PROMPT_LIMIT, SPOKEN_LIMIT, URL_LIMIT
from apps.assistants.workflows.definition import EDGES_LIMIT, NODES_LIMIT
from apps.core.openapi import (
    Schema,
    anything,
    array,
    boolean,
    integer,
    moment,
    number,
    phone,
    record,
    ref,
    text,
    uuid,
)

NODE_ID = r"^[a-z][a-z0-9_]{0,40}$"
EXAMPLE: dict[str, Any] = {
    "version": 1,
    "entry_node": "greet",
    "global_prompt": "You are the receptionist of Bakker Dental.",
    "nodes": [
        {"id": "greet", "type": "conversation", "instructions": "Ask what the caller needs."},
        {"id": "desk", "type": "transfer", "destination": "+31201234567", "first_line": "One moment, I put you through."},
        {"id": "bye", "type": "end", "first_line": "Thank you for calling. Goodbye."},
    ],
    "edges": [
        {"from": "greet", "to": "desk", "description": "The caller wants to speak to a person."},
        {"from": "greet", "to": "bye", "description": "The caller has no further questions."},
    ],
}
NAME = text("What you call it.", minLength=1, maxLength=NAME_LIMIT, examples=["Opening hours and handover"])
ACTIVE = boolean("When false, the number's assistant answers.", default=True)
FIRST_LINE = text("Spoken on entry.", null=True, maxLength=SPOKEN_LIMIT)
ROW: dict[str, Schema] = {"id": uuid(), "name": NAME, "is_active": boolean()}
TIMES: dict[str, Schema] = {"created_at": moment(), "updated_at": moment()}
DEFINITION = ref("WorkflowDefinition") | {"description": "Replaces the stored one whole."}

SERVER: dict[str, Schema] = {
    "name": text("Unique in the organization.", minLength=1, maxLength=NAME_LIMIT, examples=["Booking system"]),
    "url": text(
        "Must start with `https://` and lead to a public address; stored normalised.",
        maxLength=URL_LIMIT, pattern="^[hH][tT][tT][pP][sS]://", examples=["https://mcp.example.org/mcp"],
    ),
    "transport": text("How the server is spoken to.", enum=list(TRANSPORTS), default=TRANSPORTS[0]),
    "headers": record(
        {}, type="object", additionalProperties=text(maxLength=HEADER_VALUE_LIMIT), maxProperties=HEADERS_LIMIT,
        description="Sent with every request. Kept encrypted, never returned. A change replaces all; `{}` clears.",
        examples=[{"Authorization": "Bearer secret"}],
    ),
    "timeout_seconds": integer("Per request.", minimum=TIMEOUT[0], maximum=TIMEOUT[1], default=20),
}  # fmt: skip

SCHEMAS: dict[str, Schema] = {
    "WorkflowSummary": record(
        {
            **ROW,
            "entry_node": text("Where a call begins.", null=True, examples=["greet"]),
            "node_count": integer(minimum=0, maximum=NODES_LIMIT, examples=[3]),
            "edge_count": integer(minimum=0, maximum=EDGES_LIMIT, examples=[2]),
            **TIMES,
        }
    ),
    "Workflow": record({**ROW, "definition": ref("WorkflowDefinition"), **TIMES}),
    "WorkflowCreate": record(
        {"name": NAME, "definition": ref("WorkflowDefinition"), "is_active": ACTIVE}, required=["name", "definition"],
        examples=[{"name": "Opening hours and handover", "definition": EXAMPLE}],
    ),
    "WorkflowUpdate": record(
        {"name": NAME, "definition": DEFINITION, "is_active": ACTIVE}, required=[], examples=[{"is_active": False}],
        description="Only the keys that are sent change. A new definition applies to the next call.",
    ),
    "WorkflowDefinition": record(
        {
            "version": integer(enum=[1]),
            "entry_node": text("A conversation node.", minLength=1, examples=["greet"]),
            "global_prompt": text("Holds in every conversation node.", null=True, maxLength=PROMPT_LIMIT),
            "nodes": array(ref("WorkflowNode"), minItems=1, maxItems=NODES_LIMIT),
            "edges": array(ref("WorkflowEdge"), maxItems=EDGES_LIMIT),
        },
        required=["version", "entry_node", "nodes"],
        description="At most 256 KiB. Unknown keys are kept.", additionalProperties=True, examples=[EXAMPLE],
    ),
    "WorkflowNode": record(
        {
            "id": text("Unique in the workflow.", pattern=NODE_ID, examples=["greet"]),
            "type": text(enum=["conversation", "tool", "transfer", "end"]),
            "first_line": FIRST_LINE,
            "ui": record(
                {"x": number(null=True), "y": number(null=True)}, required=[], type=["object", "null"],
                additionalProperties=True, description="Where an editor draws it.",
            ),
            "instructions": text("conversation: required.", maxLength=PROMPT_LIMIT),
            "global": boolean("conversation: reachable from every conversation node.", null=True),
            "global_description": text("conversation: when to go there; needed with `global`.", null=True, maxLength=PROMPT_LIMIT),
            "llm_config": anything("conversation: any of provider (no realtime one), model, temperature.", null=True),
            "voice": text("conversation: excludes `tts_config`.", null=True, minLength=1, maxLength=NAME_LIMIT),
            "tts_config": anything("conversation: complete in itself.", null=True),
            "stt_config": anything("conversation: complete in itself.", null=True),
            "tools": array(anything(), "conversation: as in `llm_config.tools`, without MCP.", null=True),
            "tool_name": text("tool: required.", minLength=1, maxLength=NAME_LIMIT),
            "url": text("tool: where to; the address resolved for the call when null.", null=True, maxLength=URL_LIMIT),
            "arguments": anything("tool: sent as they are.", null=True),
            "destination": phone("transfer: required."),
        },
        required=["id", "type"], additionalProperties=True, examples=[EXAMPLE["nodes"][0]],
    ),
    "WorkflowEdge": record(
        {
            "from": text("Id of a node.", minLength=1, examples=["greet"]),
            "to": text("Id of another node.", minLength=1, examples=["bye"]),
            "description": text("When to go; needed unless it leaves a tool node.", null=True, maxLength=PROMPT_LIMIT),
            "message": text("Spoken on the way; a neutral line when null.", null=True, maxLength=SPOKEN_LIMIT),
        },
        required=["from", "to"], additionalProperties=True, examples=[EXAMPLE["edges"][0]],
    ),
    "McpServer": record(
        {
            "id": uuid(),
            **{name: {k: v for k, v in schema.items() if k not in ("default", "pattern")} for name, schema in SERVER.items() if name != "headers"},
            "header_names": array(text(), "Which headers are stored; their values never come back.", examples=[["Authorization"]]),
            **TIMES,
        }
    ),
    "McpServerCreate": record(
        SERVER, required=["name", "url"],
        examples=[{"name": "Booking system", "url": "https://mcp.example.org/mcp", "headers": {"Authorization": "Bearer secret"}}],
    ),
    "McpServerUpdate": record(
        SERVER, required=[], examples=[{"timeout_seconds": 30}],
        description="Only the keys that are sent change. A `url` on another host needs `headers` in the same call.",
    ),
    "McpServerTest": record(
        {"headers": SERVER["headers"] | {"description": "Merged with the stored ones, for this test only."}},
        required=[], examples=[{"headers": {"Authorization": "Bearer other"}}],
    ),
    "McpTool": record(
        {
            "name": text(examples=["find_slot"]),
            "description": text(null=True, examples=["Finds a free slot."]),
            "input_schema": anything("JSON Schema of the arguments.", examples=[{"type": "object", "properties": {}}]),
        }
    ),
    "McpServerTestResult": record(
        {
            "ok": boolean(),
            "duration_ms": integer(minimum=0, examples=[84]),
            "tools": array(ref("McpTool"), "Only when ok."),
            "error": text("Only when not ok.", examples=["The server did not answer within 5 seconds."]),
        },
        required=["ok", "duration_ms"],
    ),
}  # fmt: skip
