"""Web calls as the API's description shows them (api 8.4)."""

from __future__ import annotations

from typing import Any

from apps.calls.openapi import CALL_ID, WHO
from apps.calls.outbound import GREETING, REFERENCE
from apps.core.openapi import EXAMPLE_ID, WARNINGS, Schema, moment, operation, record, ref, text

SCHEMAS: dict[str, Schema] = {
    "WebCallRequest": record(
        {
            **WHO,
            "first_message": text("Replaces the greeting.", null=True, maxLength=GREETING),
            "reference": text("Your own id of this call, unique per key.", null=True, minLength=1, maxLength=REFERENCE),
        },
        required=[],
        description="Exactly one of `assistant_id` and `assistant`.",
        examples=[{"assistant_id": EXAMPLE_ID}],
    ),
    "WebCallResponse": record(
        {
            "token": text("Admits one visitor; a joined browser may come back with it.", examples=["eyJhbGciOiJIUzI1NiJ9"]),
            "server_url": text("Where the browser joins with the token.", examples=["wss://rtc.example.org"]),
            "call_id": text(examples=[CALL_ID]),
            "room_name": text("The same as `call_id`.", examples=[CALL_ID]),
            "expires_at": moment("The token must be used before."),
            "warnings": WARNINGS,
        },
        required=["token", "server_url", "call_id", "room_name", "expires_at"],
    ),
}
create_web_call = operation(
    "createWebCall", "Start a web call",
    "Gives a token with which a browser joins. The key stays on your server. Two requests with the same body are two "
    "calls; with the same `Idempotency-Key` they are one. A room that nobody joins before `expires_at` ends as `failed`, "
    "`no_answer`, free of charge. Also at `/api/v1/calls/web`.",
    body=ref("WebCallRequest"), answer=ref("WebCallResponse"), further=[402, 404, 503],
)  # fmt: skip


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result
