"""What an account at an engine holds that could be taken over, judged one by one (platform 12, import)."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Model
from django.utils.functional import Promise
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from apps.assistants.mcp_services import create_server, judge_server
from apps.assistants.models import AnalysisTemplate, Assistant, McpServer, ToolTemplate, Workflow
from apps.assistants.schema import clean_assistant
from apps.assistants.services import context_for, create_assistant
from apps.assistants.template_services import create_template, judge_analysis_template, judge_tool_template
from apps.assistants.workflow_services import create_workflow, judge_workflow
from apps.core.errors import DomainError
from apps.core.phone import clean_e164
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.numbers.services import create_trunk, register_number
from apps.organizations.models import Organization
from apps.organizations.services import Actor
from apps.voice.mirror import Kind

TRUNK_FIELDS = (
    "name", "provider", "address", "transport", "auth_username", "is_active", "inbound_addresses", "outbound_number"
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """For whom is looked, and which MCP servers will be there when their assistants come."""

    organization: Organization
    servers: frozenset[str]


@dataclass(frozen=True)
class Sort:
    """One kind of thing: where it is listed, how it is judged and made.

    judge: the values to make it with. Raises DomainError with the reason why it cannot be taken.
    mirrored: its kind among the copies, for what the engine goes on keeping.
    hides: keys that the engine has and does not show, when this returns true.
    """

    name: str
    label: str | Promise
    path: str
    listed: str
    model: type[Model]
    judge: Callable[[Look, dict[str, Any]], dict[str, Any]]
    make: Callable[[Organization, dict[str, Any], Actor], Any]
    mirrored: str = ""
    hides: Callable[[dict[str, Any]], bool] = lambda listed: False
    note: str | Promise = ""


def _trunk(look: Look, listed: dict[str, Any]) -> dict[str, Any]:
    values = {name: listed[name] for name in TRUNK_FIELDS if listed.get(name) is not None}
    if not isinstance(values.get("name"), str) or not isinstance(values.get("address", ""), str):
        raise DomainError(_now("Its name or address cannot be read."))
    return values | {"provider": str(values.get("provider") or "")[:200]}


def _assistant(look: Look, listed: dict[str, Any]) -> dict[str, Any]:
    context = context_for(look.organization)
    known = context.mcp_server_exists
    context = dataclasses.replace(context, mcp_server_exists=lambda ident: ident in look.servers or known(ident))
    return dict(clean_assistant(listed, context=context).require())


def _number(look: Look, listed: dict[str, Any]) -> dict[str, Any]:
    number = clean_e164(str(listed.get("phone_number") or listed.get("number") or ""))
    if number is None:
        raise DomainError(_now("Its number is not in E.164 form."))
    name = listed.get("name")
    return {
        "phone_number": number, "name": name[:200] if isinstance(name, str) else None,
        "is_active": listed.get("is_active") is not False, "source": "upstream",
        "assistant": listed.get("assistant_id") or listed.get("agent_id"), "transfer_trunk": listed.get("transfer_trunk_id"),
        "workflow": listed.get("workflow_id"),
    }  # fmt: skip


def _make_number(organization: Organization, values: dict[str, Any], by: Actor) -> PhoneNumber:
    """Links become rows of the organization; what was not taken over is left empty."""
    links = {"assistant": Assistant, "transfer_trunk": SipTrunk, "workflow": Workflow}
    values = values | {name: _row(model, organization, values[name]) for name, model in links.items()}
    return register_number(organization=organization, values=values, by=by)


def _row(model: Any, organization: Organization, ident: Any) -> Any:
    try:
        return model.objects.for_organization(organization).filter(pk=UUID(str(ident))).first()
    except ValueError:
        return None


def _server(look: Look, listed: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: listed[name] for name in ("name", "url", "transport", "timeout_seconds") if listed.get(name) is not None}
    return dict(judge_server(wanted).require())


def _workflow(look: Look, listed: dict[str, Any]) -> dict[str, Any]:
    wanted = {name: listed.get(name) for name in ("name", "definition", "is_active") if listed.get(name) is not None}
    return judge_workflow(organization=look.organization, data=wanted).require()


SORTS = (
    Sort("trunks", _("SIP trunks"), "/sip-trunks", "trunks", SipTrunk, _trunk,
         lambda organization, values, by: create_trunk(organization=organization, values=values, by=by),
         mirrored=Kind.TRUNK, hides=lambda listed: True,
         note=_("The engine does not show passwords: to change a trunk, replace it and type its password.")),
    Sort("tool_templates", _("Tool templates"), "/tool-templates", "tool_templates", ToolTemplate,
         lambda look, listed: dict(judge_tool_template(organization=look.organization, data=listed).require()),
         lambda organization, values, by: create_template(kind=ToolTemplate, organization=organization, values=values, by=by)),
    Sort("analysis_templates", _("Analysis templates"), "/analysis-templates", "analysis_templates", AnalysisTemplate,
         lambda look, listed: dict(judge_analysis_template(organization=look.organization, data=listed).require()),
         lambda organization, values, by: create_template(kind=AnalysisTemplate, organization=organization, values=values, by=by)),
    Sort("mcp_servers", _("MCP servers"), "/mcp-servers", "mcp_servers", McpServer, _server,
         lambda organization, values, by: create_server(organization=organization, values=values, by=by),
         mirrored=Kind.MCP_SERVER, hides=lambda listed: bool(listed.get("header_names")),
         note=_("The engine does not show headers: type them again before you change such a server.")),
    Sort("workflows", _("Workflows"), "/workflows", "workflows", Workflow, _workflow,
         lambda organization, values, by: create_workflow(organization=organization, values=values, by=by),
         mirrored=Kind.WORKFLOW),
    Sort("assistants", _("Assistants"), "/assistants", "assistants", Assistant, _assistant,
         lambda organization, values, by: create_assistant(organization=organization, values=values, by=by),
         mirrored=Kind.ASSISTANT),
    Sort("numbers", _("Phone numbers"), "/numbers", "numbers", PhoneNumber, _number, _make_number, mirrored=Kind.NUMBER),
)  # fmt: skip
