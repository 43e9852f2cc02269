"""What a call keeps of its assistant, so that a later edit does not change a running call."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

from apps.assistants.models import Assistant
from apps.assistants.schema import public_view, resolve_override, tools_of
from apps.assistants.services import FIELDS, context_for, values_of
from apps.calls.models import Call
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import Organization
from apps.webhooks.models import Level
from apps.webhooks.services import Target, user_agent_for

SECRET_FIELDS = ("webhook_url", "webhook_secret", "webhook_events", "is_active")
OURS = "switchboard_"


@dataclass(frozen=True)
class Route:
    """Where events go: the URL of a level with that level's secret; `events` None means all."""

    level: str
    owner_id: str
    url: str
    secret: str | None = None
    events: list[str] | None = None

    def wants(self, event: str) -> bool:
        return self.events is None or event in self.events

    def target(self, organization: Organization) -> Target:
        return Target(self.level, self.owner_id, self.url, self.secret, user_agent_for(organization.brand))


@dataclass(frozen=True)
class ToolRoute:
    """How a webhook tool is run: its own route, or None for the call's."""

    name: str
    route: Route | None = None
    is_async: bool = False
    message: str | None = None


@dataclass(frozen=True)
class Private:
    """What of a call is stored encrypted: routes with their secrets, and how to dial."""

    route: Route | None = None
    tools: dict[str, ToolRoute] = field(default_factory=dict)
    number: dict[str, Any] | None = None
    trunk: dict[str, Any] | None = None

    def dump(self) -> str:
        return json.dumps(asdict(self))


def private_of(call: Call) -> Private:
    found = json.loads(call.webhook or "{}")
    tools = {name: ToolRoute(**{**tool, "route": _route(tool["route"])}) for name, tool in found.get("tools", {}).items()}
    return Private(_route(found.get("route")), tools, found.get("number"), found.get("trunk"))


def resolved(
    organization: Organization, assistant: Assistant | None, changes: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The whole assistant of a call: the saved one under an override, or a one-time assistant."""
    saved = values_of(assistant) if assistant else {}
    values = resolve_override(saved, changes or {}, context=context_for(organization))
    cap, wanted = settings.MAX_CALL_SECONDS, values.get("max_duration_seconds")
    if cap:
        values["max_duration_seconds"] = min(wanted or cap, cap)
    return values


def config_of(organization: Organization, values: Mapping[str, Any], **beside: Any) -> dict[str, Any]:
    """The values without webhooks and tool secrets, and what else decides about the talk."""
    config = {name: values.get(name) for name in FIELDS if name not in SECRET_FIELDS}
    config["llm_config"] = public_view(values, assistant_id=None, metadata={})["llm_config"]
    config["record"] = organization.records_calls and not values.get("gdpr_mode")
    return config | beside


def private_for(
    organization: Organization, values: Mapping[str, Any], *, assistant: Assistant | None, number: PhoneNumber | None
) -> Private:
    """Routes by level: tool, then assistant, then account (webhooks 2, 4)."""
    owner = str(assistant.pk) if assistant else ""
    secret = values.get("webhook_secret") or None
    route = account_route(organization)
    if values.get("webhook_url"):
        route = Route(Level.ASSISTANT, owner, values["webhook_url"], secret, values.get("webhook_events"))
    tools = {}
    for tool in tools_of(values.get("llm_config")):
        if tool.kind == "function" and tool.name:
            own = Route(Level.TOOL, owner, tool.url, tool.secret or secret) if tool.url else None
            tools[tool.name] = ToolRoute(tool.name, own, tool.is_async, tool.message)
    trunk = number.transfer_trunk if number else None
    return Private(route, tools, number_view(number), _trunk(trunk) if trunk and trunk.can_dial else None)


def account_route(organization: Organization) -> Route | None:
    """The account webhook. A client without one does not fall back to its agency's."""
    if not organization.webhook_url:
        return None
    secret, events = organization.webhook_secret or None, organization.webhook_events
    return Route(Level.ACCOUNT, str(organization.pk), organization.webhook_url, secret, events)


def number_view(number: PhoneNumber | None) -> dict[str, Any] | None:
    return {"id": str(number.pk), "number": number.phone_number, "name": number.name} if number else None


def without_ours(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The customer's own metadata: `switchboard_*` is ours and never relayed."""
    return {key: value for key, value in (metadata or {}).items() if not key.startswith(OURS)}


def _trunk(trunk: SipTrunk) -> dict[str, Any]:
    return {
        "address": trunk.address,
        "transport": trunk.transport or "udp",
        "username": trunk.auth_username,
        "password": trunk.auth_password or None,
    }


def _route(found: dict[str, Any] | None) -> Route | None:
    return Route(**found) if found else None
