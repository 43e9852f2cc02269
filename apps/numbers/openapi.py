"""Numbers and SIP trunks as the API's description shows them (api 8.3, 8.6)."""

from __future__ import annotations

from typing import Any

from apps.core.openapi import EXAMPLE_ID, Schema, array, boolean, integer, moment, phone, record, text, uuid
from apps.numbers.models import SipTrunk
from apps.organizations.forms_pace import MOST_CALLS, MOST_SECONDS, MOST_STARTS

LABEL = text("A label of your own.", null=True, maxLength=200, examples=["Main line"])
ASSIGNED: dict[str, Schema] = {
    "assistant_id": uuid("Who answers. Wins over `agent_id`.", null=True),
    "agent_id": uuid("The older spelling of `assistant_id`.", null=True, deprecated=True),
    "transfer_trunk_id": uuid("The trunk for outbound calls and handovers.", null=True, examples=[None]),
    "workflow_id": uuid("The workflow that runs instead of the assistant alone. Null detaches.", null=True, examples=[None]),
    "name": LABEL,
    "is_active": boolean("An inactive number takes no calls.", default=True),
}  # fmt: skip
TRANSPORT: Schema = {"enum": list(SipTrunk.Transport.values)}
LIMITS: dict[str, Schema] = {
    "concurrent_calls": integer("At the same time; null: no limit of its own.", null=True, minimum=1, maximum=MOST_CALLS),
    "starts": integer("So many calls begin in any `starts_seconds`; null: no limit.", null=True, minimum=1, maximum=MOST_STARTS),
    "starts_seconds": integer(minimum=1, maximum=MOST_SECONDS, default=1),
}
SCHEMAS: dict[str, Schema] = {
    "PhoneNumber": record(
        {
            "id": uuid(),
            "phone_number": phone(),
            "agent_id": uuid("The same as `assistant_id`.", null=True),
            "assistant_id": uuid("Who answers.", null=True),
            "agent_name": text(null=True, examples=["Front desk"]),
            "assistant_name": text(null=True, examples=["Front desk"]),
            "business_name": text("From the assistant.", null=True, examples=["Bakker Dental"]),
            "transfer_trunk_id": uuid("The trunk for outbound calls and handovers.", null=True, examples=[None]),
            "transfer_trunk_name": text(null=True, examples=[None]),
            "workflow_id": uuid(null=True, examples=[None]),
            "workflow_name": text(null=True, examples=[None]),
            "source": text("`manual`, or `upstream` when taken over from a hosted backend.", null=True, examples=["manual"]),
            "is_active": boolean(),
            "name": LABEL,
            "created_at": moment(),
            "updated_at": moment(),
        }
    ),
    "PhoneNumberCreate": record(
        {
            "phone_number": phone("E.164; spaces, dots and dashes are removed."),
            "number": phone("The older spelling of `phone_number`.", deprecated=True),
            **ASSIGNED,
        },
        required=["phone_number"],
        examples=[{"phone_number": "+31850000001", "assistant_id": EXAMPLE_ID, "name": "Main line"}],
    ),
    "PhoneNumberUpdate": record(
        ASSIGNED, required=[], examples=[{"assistant_id": EXAMPLE_ID, "workflow_id": None}],
        description="Only the keys that are sent change; null clears.",
    ),
    "SipTrunk": record(
        {
            "id": uuid(),
            "org_id": uuid("Your organization."),
            "name": text(examples=["Main carrier"]),
            "provider": text(null=True, examples=["voipgrid"]),
            "address": text("The SIP server; a trunk without one cannot dial.", examples=["sip.example.org:5061"]),
            "outbound_address": text("The same as `address`.", examples=["sip.example.org:5061"]),
            "transport": text(**TRANSPORT),
            "auth_username": text(null=True, examples=["northwind"]),
            "is_active": boolean(),
            "inbound_addresses": array(text(), null=True, examples=[None]),
            "outbound_number": text(null=True, examples=["+31850000001"]),
            **{name: {**schema, "examples": [example]} for (name, schema), example in zip(LIMITS.items(), (None, None, 1), strict=True)},
            "created_at": moment(),
            "updated_at": moment(),
        },
        description="The password never comes back.",
    ),
    "SipTrunkCreate": record(
        {
            "name": text(minLength=1, maxLength=200),
            "provider": text(null=True, maxLength=200),
            "address": text("The SIP server, with its port.", maxLength=255),
            "transport": text(null=True, **TRANSPORT, default="udp"),
            "auth_username": text(null=True, maxLength=200),
            "auth_password": text("Kept encrypted, never returned.", maxLength=255),
            "inbound_addresses": array(text(minLength=1, maxLength=255), null=True),
            "outbound_number": text(null=True, minLength=1, maxLength=32),
            **LIMITS,
            "outbound_address": text("The older spelling of `address`.", maxLength=255, deprecated=True),
            "host": text("With `port`, an older spelling of `address`.", maxLength=200, deprecated=True),
            "port": integer(minimum=1, maximum=65535, deprecated=True),
            "username": text("The older spelling of `auth_username`.", maxLength=200, deprecated=True),
            "password": text("The older spelling of `auth_password`.", maxLength=255, deprecated=True),
        },
        required=["name"],
        examples=[
            {"name": "Main carrier", "provider": "voipgrid", "address": "sip.example.org:5061", "transport": "tls",
             "auth_username": "northwind", "auth_password": "a-long-password"}
        ],
    ),
}  # fmt: skip


def describe(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """A hook of drf-spectacular: these schemas join the others."""
    result["components"].setdefault("schemas", {}).update(SCHEMAS)
    return result
