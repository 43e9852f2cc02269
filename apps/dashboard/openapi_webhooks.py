"""The four events as the API's description shows them: payloads, headers, answers (webhooks 3 to 9)."""

from __future__ import annotations

from typing import Any

from apps.core.openapi import EXAMPLE_ID, Schema, anything, array, integer, moment, number, record, ref, text, uuid
from apps.core.openapi_document import AGENT
from apps.core.openapi_samples import sample

CALL_ID, OWN, OTHER = "call-7h2k9m4p1x8c5v3b6n0q", "+31850000001", "+31600000001"
TIME = "2026-01-05T09:30:00.000Z"
KINDS = ["inbound_phone_call", "outbound_phone_call", "web_call"]
HEADERS = (
    ("User-Agent", text(examples=[AGENT]), True, ""),
    ("X-Webhook-Event", text(), True, "The event's name, as in `message.type`."),
    ("X-Webhook-Timestamp", text(pattern="^[0-9]+$", examples=["1767225600"]), True, "Unix seconds of this attempt, as text."),
    ("X-Webhook-Signature", text(pattern="^sha256=[0-9a-f]{64}$", examples=["sha256=" + "b7" * 32]), False,
     "Only with a secret: `sha256=` and the hexadecimal HMAC-SHA256 of the timestamp, a dot and the raw body."),
    ("X-Webhook-Signature-Next", text(pattern="^sha256=[0-9a-f]{64}$", examples=["sha256=" + "c4" * 32]), False,
     "Only while a secret is being replaced: made the same way with the new one."),
    ("X-Webhook-Id", uuid(), True, "The same on every attempt: drop what you have seen."),
    ("X-Webhook-Attempt", integer(minimum=1, examples=[1]), True, "1 for the first attempt."),
)  # fmt: skip
WAITS = {
    "assistant-request": "An inbound call, before it is answered. The call waits up to 5 seconds for your answer, which may "
    "choose or change the assistant; without a usable answer the saved assistant takes it. Sent once.",
    "tool-calls": "The model runs a tool. The call waits up to 10 seconds for the result; for an async tool it does not wait.",
    "status-update": "The call was answered or has ended. Nobody waits; retried up to seven times after a failure.",
    "end-of-call-report": "After the last status-update, with summary, transcript and analysis. Nobody waits; retried up to "
    "seven times after a failure. A call that was never answered sends none.",
}
NAMES = {
    "assistant-request": "AssistantRequestPayload", "tool-calls": "ToolCallsPayload",
    "status-update": "StatusUpdatePayload", "end-of-call-report": "EndOfCallReportPayload",
}  # fmt: skip
ANSWERS = {"assistant-request": "AssistantRequestResponse", "tool-calls": "ToolCallsResponse"}
FINAL = ["ended", "ended-with-error"]


def _call(statuses: list[str], **more: Schema) -> Schema:
    known = {
        "id": text("The same id as in the REST API.", examples=[CALL_ID]),
        "type": text(enum=KINDS),
        "status": text(enum=statuses),
        "reference": text("Your own id, when the call was made with one.", examples=["order-1001"]),
    }
    return record(known | more, required=["id", "type", "status", *more])


def _payload(type: str, call: Schema, more: dict[str, Schema], optional: tuple[str, ...] = ()) -> Schema:
    message: dict[str, Schema] = {
        "type": text(enum=[type]),
        "timestamp": moment("When it happened, not when it is sent.", examples=[TIME]),
        "call": call,
        "phone_number": ref("WebhookPhoneNumber"),
        "customer": ref("Customer"),
    }
    if type != "assistant-request":
        message["assistant"] = ref("AssistantWebhookObject")
    message |= more
    return record({"message": record(message, required=[name for name in message if name not in optional])})


ENDS = {
    "end_reason": text("Why it ended.", null=True, examples=["user_hangup"]),
    "started_at": moment("When it was answered.", examples=["2026-01-05T09:34:00.000Z"]),
    "ended_at": moment(examples=["2026-01-05T09:35:24.000Z"]),
}
SCHEMAS: dict[str, Schema] = {
    "WebhookPhoneNumber": record(
        {
            "id": uuid(null=True),
            "number": text(null=True, examples=[OWN]),
            "name": text(null=True, examples=["Main line"]),
        },
        description="The own number; all null on web calls.",
    ),
    "Customer": record({"number": text("The other party; null on web calls.", null=True, examples=[OTHER])}),
    "AssistantWebhookObject": anything(
        "The assistant of this call after overrides, with the call's `metadata`; never a secret.",
        properties={
            "id": uuid(null=True),
            "name": text(null=True),
            "first_message": text(null=True),
            "metadata": anything("What came with the call."),
        },
        examples=[{"id": EXAMPLE_ID, "name": "Front desk", "first_message": "Good morning.", "metadata": {"crm_id": "77"}}],
    ),
    "ToolCall": record(
        {
            "id": text(examples=["tool_abc123"]),
            "type": text(enum=["function"]),
            "function": record(
                {
                    "name": text(examples=["lookup_contact"]),
                    "arguments": anything("An object, never text.", examples=[{"query": "Sam"}]),
                }
            ),
        }
    ),
    "AssistantRequestPayload": _payload(
        "assistant-request", _call(["ringing"], pipeline=text(enum=["standard", "realtime"])), {}
    ),
    "AssistantRequestResponse": record(
        {
            "assistant": ref("OneTimeAssistant") | {"description": "Replaces the saved blocks; complete when the number has no assistant."},
            "assistant_id": uuid("A saved assistant."),
            "assistant_override": ref("AssistantConfigOverride"),
            "max_duration_seconds": integer("Limits this call.", minimum=1),
            "error": text("Is spoken; then the call ends as `rejected`."),
        },
        required=[], additionalProperties=True, description="`{}`: the saved assistant, unchanged.",
        examples=[{"assistant_id": EXAMPLE_ID, "assistant_override": {"first_message": "Hello Sam."}}],
    ),
    "ToolCallsPayload": _payload(
        "tool-calls", _call(["connecting", "ringing", "in-progress", *FINAL]), {"tool_call_list": array(ref("ToolCall"))}
    ),
    "ToolCallsResponse": record(
        {
            "results": array(record({"tool_call_id": text(), "result": {"description": "Anything."}}, additionalProperties=True)),
            "result": {"description": "The result, when there was one call."},
            "error": text("The model gets this error."),
        },
        required=[], additionalProperties=True, description="Any other JSON is itself the result.",
        examples=[{"results": [{"tool_call_id": "tool_abc123", "result": {"name": "Sam", "vip": True}}]}],
    ),
    "StatusUpdatePayload": _payload(
        "status-update",
        _call(["in-progress", *FINAL]),
        {"end_reason": text("Once it ended.", null=True), "error": text("With `ended-with-error`.")},
        optional=("end_reason", "error"),
    ),
    "EndOfCallReportPayload": _payload(
        "end-of-call-report",
        _call(FINAL),
        {
            "duration_seconds": number(minimum=0, examples=[84]),
            "summary": text("Empty when nothing was said.", examples=["Caller wants an appointment."]),
            "messages": array(
                record({"role": text(enum=["system", "user", "assistant"]), "content": text()}),
                examples=[[{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Hi."}]],
            ),
            "analysis": anything("Keys of your schema; only when the analysis ran.", examples=[{"resolved": True}]),
            "recording_url": text("Only when recorded.", format="uri", examples=["https://example.org/recordings/…"]),
            **ENDS,
        },
        optional=("analysis", "recording_url", "end_reason", "started_at", "ended_at"),
    ),
}  # fmt: skip
EXAMPLES: dict[str, dict[str, Any]] = {
    "assistant-request": {"call": {"id": CALL_ID, "type": KINDS[0], "status": "ringing", "pipeline": "standard"}},
    "tool-calls": {"call": {"id": CALL_ID, "type": KINDS[0], "status": "in-progress"}},
    "status-update": {"call": {"id": CALL_ID, "type": KINDS[0], "status": "in-progress"}},
    "end-of-call-report": {"call": {"id": CALL_ID, "type": KINDS[0], "status": "ended"}},
}
HIDDEN = {"status-update": ("end_reason", "error"), "end-of-call-report": ("recording_url",)}


def webhooks() -> dict[str, Any]:
    """The section of the description, by event."""
    return {name: {"post": _event(name)} for name in NAMES}


def example_of(name: str) -> dict[str, Any]:
    """A payload as it is sent."""
    message = sample(ref(NAMES[name]), SCHEMAS)["message"] | EXAMPLES[name]
    return {"message": {key: value for key, value in message.items() if key not in HIDDEN.get(name, ())}}


def _event(name: str) -> dict[str, Any]:
    headers = [
        {"name": header, "in": "header", "required": required, "schema": schema} | ({"description": about} if about else {})
        for header, schema, required, about in HEADERS
    ]
    answer: dict[str, Any] = {"description": "Received. Anything but 2xx counts as a failure."}
    if shape := ANSWERS.get(name):
        answer["content"] = {"application/json": {"schema": ref(shape), "examples": {"example": {"value": SCHEMAS[shape]["examples"][0]}}}}
    return {
        "operationId": "on" + "".join(word.capitalize() for word in name.split("-")),
        "summary": name,
        "description": WAITS[name],
        "tags": ["Webhooks"],
        "security": [{}],
        "parameters": headers,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": ref(NAMES[name]), "examples": {"example": {"value": example_of(name)}}}},
        },
        "responses": {"200": answer},
    }
