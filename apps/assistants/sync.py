"""Assistants, workflows and MCP servers as an engine keeps copies of them (platform 12).

The customer's addresses and secrets never go there: the engine asks us, we call the customer (webhooks 12).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext as _

from apps.assistants.mcp_services import servers_of
from apps.assistants.models import Assistant, McpServer, Workflow
from apps.assistants.schema.tools import canonical_tool, raw_tools
from apps.assistants.schema.views import without_routes
from apps.assistants.services import values_of
from apps.voice.mirror import Account, Kind, refs
from apps.voice.pushing import NotYet, Side, named

# The four of the base wire.
EVENTS = ["assistant-request", "tool-calls", "status-update", "end-of-call-report"]
# Reports and mails are ours to send, from our brand.
NOT_SENT = ("notification_email", "notification_emails", "webhook_url", "webhook_secret", "webhook_events")


def receiver(account: Account, object_id: UUID) -> dict[str, Any]:
    """Where a copy's events go. The query carries the marker; the receiver does not read it."""
    return {
        "webhook_url": f"{account.hook}?copy={account.marker(object_id)}",
        "webhook_secret": account.connection.hook_secret,
        "webhook_events": EVENTS,
    }


def copied_llm(llm_config: Any, servers: Mapping[str, str]) -> Any:
    """An `llm_config` for an engine of the base wire: tools without addresses, MCP servers by their ids there.

    Args:
        servers: our ids of MCP servers to the engine's; tools of any other are left out.
    """
    if not isinstance(llm_config, Mapping) or not raw_tools(llm_config):
        return llm_config
    tools = [_copied_tool(tool, servers) for tool in raw_tools(llm_config)]
    return {**llm_config, "tools": [tool for tool in tools if tool is not None]}


def server_refs(account: Account, llm_config: Any) -> dict[str, str]:
    """Our ids of an assistant's MCP servers to the engine's."""
    found = refs(account, Kind.MCP_SERVER, [UUID(each) for each in servers_of(llm_config)])
    return {str(ours): ref for ours, ref in found.items()}


def _assistant_ids(account: Account) -> set[UUID]:
    return set(Assistant.objects.for_organization(account.organization).live().values_list("pk", flat=True))


def _assistant_body(account: Account, pk: UUID) -> dict[str, Any] | None:
    assistant = Assistant.objects.for_organization(account.organization).live().filter(pk=pk).first()
    if assistant is None:
        return None
    values = {name: value for name, value in values_of(assistant).items() if name not in NOT_SENT}
    servers = server_refs(account, assistant.llm_config)
    if servers.keys() != servers_of(assistant.llm_config):
        raise NotYet(Kind.MCP_SERVER)
    values["llm_config"] = copied_llm(assistant.llm_config, servers)
    values["analysis_plan"] = _plan(assistant.analysis_plan)
    return values | receiver(account, pk)


def placeholder_body(account: Account, number_id: UUID, number: str) -> dict[str, Any]:
    """The assistant of a number that has none here: it lets the engine ask us, and speaks only when we are late."""
    with translation.override(account.organization.language):
        sentence = _("This number is not in service at the moment.")
    llm = {
        "provider": "openai", "model": "gpt-5.4", "temperature": 0,
        "messages": [{"role": "system", "content": f"Say only: {sentence} Then end the call."}],
        "tools": [{"type": "end_call"}],
    }  # fmt: skip
    name = f"Switchboard {number}"
    return {"name": name, "first_message": sentence, "max_duration_seconds": 30, "llm_config": llm, "is_active": True} | receiver(account, number_id)  # fmt: skip


def _plan(plan: Any) -> Any:
    """Templates are copied into the plan when it is saved; their ids mean nothing elsewhere."""
    if not isinstance(plan, Mapping) or not isinstance(plan.get("structured_data_plan"), Mapping):
        return plan
    inner = {name: value for name, value in plan["structured_data_plan"].items() if name != "template_id"}
    return {**plan, "structured_data_plan": inner}


def _copied_tool(tool: Any, servers: Mapping[str, str]) -> Any:
    """A webhook tool in its flat shape: the nested one cannot stand without an address (api 9.6)."""
    found = canonical_tool(tool) if isinstance(tool, Mapping) else None
    if found is None:
        return None
    if found.kind == "mcp":
        ref = servers.get(str(found.mcp_server_id).lower())
        return {**tool, "mcp_server_id": ref} if ref else None
    if found.kind != "function":
        return without_routes(tool)
    flat: dict[str, Any] = {"name": found.name, "description": found.description, "parameters": found.parameters}
    flat |= {"async": True} if found.is_async else {}
    flat |= {"message": found.message} if found.message else {}
    return {name: value for name, value in flat.items() if value is not None}


def _workflow_ids(account: Account) -> set[UUID]:
    return set(Workflow.objects.for_organization(account.organization).values_list("pk", flat=True))


def _workflow_body(account: Account, pk: UUID) -> dict[str, Any] | None:
    workflow = Workflow.objects.for_organization(account.organization).filter(pk=pk).first()
    if workflow is None:
        return None
    return {
        "name": named(account, workflow.name, pk), "is_active": workflow.is_active,
        "definition": _copied_definition(account, workflow.definition, pk),
    }  # fmt: skip


def _copied_definition(account: Account, definition: Any, pk: UUID) -> Any:
    """Tools in nodes go without addresses too; a tool node's own URL stays, for it is the only place it is known."""
    if not isinstance(definition, Mapping) or not isinstance(definition.get("nodes"), list):
        return definition
    nodes = []
    for node in definition["nodes"]:
        if isinstance(node, Mapping) and isinstance(node.get("tools"), list):
            node = {**node, "tools": [each for each in (_copied_tool(t, {}) for t in node["tools"]) if each is not None]}
        nodes.append(node)
    return {**definition, "nodes": nodes}


def _server_ids(account: Account) -> set[UUID]:
    return set(McpServer.objects.for_organization(account.organization).values_list("pk", flat=True))


def _server_body(account: Account, pk: UUID) -> dict[str, Any] | None:
    server = McpServer.objects.for_organization(account.organization).filter(pk=pk).first()
    if server is None:
        return None
    return {
        "name": named(account, server.name, pk), "url": server.url, "transport": server.transport,
        "headers": server.headers, "timeout_seconds": server.timeout_seconds,
    }  # fmt: skip


def _assistants_with(account: Account, server_id: UUID) -> list[tuple[str, UUID]]:
    rows = Assistant.objects.for_organization(account.organization).live().values_list("pk", "llm_config")
    return [(Kind.ASSISTANT, pk) for pk, config in rows if str(server_id) in servers_of(config)]


SERVERS = Side(
    Kind.MCP_SERVER, "/mcp-servers", "mcp_servers", _server_ids, _server_body, users=_assistants_with,
    unseen=frozenset({"headers"}),
)  # fmt: skip
WORKFLOWS = Side(
    Kind.WORKFLOW, "/workflows", "workflows", _workflow_ids, _workflow_body, unseen=frozenset({"definition"}),
)  # fmt: skip
ASSISTANTS = Side(Kind.ASSISTANT, "/assistants", "assistants", _assistant_ids, _assistant_body)
