"""What an engine announces, as the API's description shows it (engine 3)."""

from __future__ import annotations

from typing import Any

from apps.core.openapi import Schema, array, boolean, integer, number, record, text

WORDS = array(text())
SCHEMAS: dict[str, Schema] = {
    "Engine": record(
        {
            "kind": text(examples=["server"]),
            "version": text(examples=["1.0.0"]),
            "instance": text("Null: this server sends no heartbeats.", null=True, examples=[None]),
            "simulated": boolean("Calls are not real."),
            "clock": number("Factor of time: 1 is real time, 0 is instant.", minimum=0, examples=[1]),
            "needs_keys": boolean("Calls may be refused for missing provider keys."),
            "features": array(text(), "Names of what is offered beyond the API.", examples=[["idempotency", "reference", "event_id"]]),
            "answer_seconds": record(
                {"assistant-request": integer(examples=[5]), "tool-calls": integer(examples=[10])},
                description="How long it waits for an answer to its questions.",
            ),
            "limits": record(
                {"concurrent": integer(null=True, examples=[None]), "starts_per_second": integer(null=True, examples=[None])},
                description="Null: no limit of its own.",
            ),
            "control": array(text(), "Commands for a running call.", examples=[["inject-context", "say", "end-call", "transfer"]]),
            "providers": record(
                {"llm": WORDS, "stt": WORDS, "tts": WORDS}, type=["object", "null"],
                description="Null: all of the catalogue.", examples=[None],
            ),
            "sip": record(
                {"target": text(), "transports": WORDS}, type=["object", "null"],
                description="Where numbers are forwarded to.", examples=[None],
            ),
        }
    )
}  # fmt: skip


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result
