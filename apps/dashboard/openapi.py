"""The organization and the service's health as the API's description shows them (api 8.11, 8.13)."""

from __future__ import annotations

from typing import Any

from apps.core.openapi import Schema, array, boolean, integer, moment, number, record, ref, text, uuid
from apps.dashboard.openapi_webhooks import SCHEMAS as WEBHOOKS
from apps.dashboard.openapi_webhooks import webhooks

CONTENT, METADATA = [30, 90, 180, 365], [30, 90, 180, 365, 730]
ABOUT = """The REST API of %BRAND%: voice assistants that answer and place phone calls.

Every request carries an API key: `Authorization: Bearer fl_live_…`. Keys belong on servers, never in a browser or an app.
Bodies are JSON in both directions; times are ISO 8601 in UTC with milliseconds; telephone numbers are E.164.
Paths never end in a slash. Unknown keys and unknown query parameters are ignored; `PATCH` changes only the keys sent.
"""
SCHEMAS: dict[str, Schema] = {
    "Organization": record(
        {
            "id": uuid(),
            "name": text(examples=["Northwind Voice"]),
            "minutes_balance": number("The same as `credits_balance`.", examples=[250.0]),
            "credits_balance": number(examples=[250.0]),
            "monthly_usage_minutes": number("This calendar month.", minimum=0, examples=[126.5]),
            "active_numbers": integer(minimum=0, examples=[3]),
            "active_agents": integer("Active assistants.", minimum=0, examples=[2]),
            "active_calls": integer(minimum=0, examples=[1]),
            "has_local_models_access": boolean(default=False),
            "parent_org_id": uuid("The agency whose client this is.", null=True, examples=[None]),
            "company_name": text("The same as `name`.", null=True, examples=["Northwind Voice"]),
            "email": text(null=True, examples=[None]),
            "plan": text(null=True, examples=[None]),
            "created_at": moment(null=True),
            "content_retention_days": integer(enum=CONTENT, examples=[90]),
            "metadata_retention_days": integer(enum=METADATA, examples=[365]),
            "children": array(ref("OrganizationChild"), "Only with `include_children=true`."),
        },
        required=[
            "id", "name", "minutes_balance", "credits_balance", "monthly_usage_minutes", "active_numbers", "active_agents",
            "active_calls", "has_local_models_access", "parent_org_id", "company_name", "email", "plan", "created_at",
            "content_retention_days", "metadata_retention_days",
        ],
    ),
    "OrganizationChild": record({"id": uuid(), "name": text(examples=["Bakker Dental"]), "created_at": moment()}),
    "OrganizationCreate": record(
        {
            "name": text(minLength=1, maxLength=200),
            "parent_org_id": uuid("Your own organization: makes a client of yours.", null=True),
            "email": text(null=True, format="email"),
        },
        required=["name"], examples=[{"name": "Bakker Dental"}],
    ),
    "OrganizationCreated": record(
        {
            "id": uuid(),
            "name": text(examples=["Bakker Dental"]),
            "parent_org_id": uuid(null=True),
            "api_key": text("Shown only here.", examples=["fl_live_…"]),
            "created_at": moment(),
        }
    ),
    "Retention": record(
        {
            "content_retention_days": integer("Transcripts, summaries, recordings. Not longer than metadata.", enum=CONTENT, examples=[90]),
            "metadata_retention_days": integer("The calls themselves.", enum=METADATA, examples=[365]),
        }
    ),
    "Health": record(
        {
            "status": text(enum=["ok", "degraded", "error"]),
            "timestamp": moment(null=True),
            "version": text(examples=["1.0.0"]),
            "checks": record(
                {},
                additionalProperties=record(
                    {"status": text(enum=["ok", "error"]), "latency_ms": integer(minimum=0), "error": text()}, required=["status"]
                ),
                examples=[{"database": {"status": "ok", "latency_ms": 2}}],
            ),
        }
    ),
    **WEBHOOKS,
}  # fmt: skip


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others, and the events that are sent."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    result["info"]["title"], result["info"]["description"] = "%BRAND% API", ABOUT
    result["webhooks"] = webhooks()
    return result
