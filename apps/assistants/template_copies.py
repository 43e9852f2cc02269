"""What an assistant gets of an organization's templates: copies, so that no later change reaches it (features 8)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.assistants.models import AnalysisTemplate, ToolTemplate
from apps.assistants.schema.analysis_template import plan_parts
from apps.assistants.schema.tool_template import copied_tool
from apps.assistants.template_starters import TOOL_STARTERS
from apps.organizations.models import Organization

TOOL_FIELDS = ("name", "description", "tool_type", "tool_config", "server_secret")
ANALYSIS_FIELDS = ("name", "description", "system_prompt", "user_prompt", "schema", "min_messages_threshold")


def tool_values(template: ToolTemplate) -> dict[str, Any]:
    """The stored values; an empty secret is none."""
    values = {name: getattr(template, name) for name in TOOL_FIELDS}
    return values | {"server_secret": values["server_secret"] or None}


def analysis_values(template: AnalysisTemplate) -> dict[str, Any]:
    return {name: getattr(template, name) for name in ANALYSIS_FIELDS}


def tool_of(template: ToolTemplate) -> dict[str, Any]:
    """The tool to put into `llm_config.tools` (api 9.6)."""
    return copied_tool(tool_values(template))


def tool_from(organization: Organization, key: str) -> dict[str, Any] | None:
    """The tool of a starter, or of the organization's template of that id; None when there is none."""
    if key in TOOL_STARTERS:
        return TOOL_STARTERS[key].tool()
    try:
        template = ToolTemplate.objects.for_organization(organization).filter(pk=UUID(key)).first()
    except ValueError:
        return None
    return tool_of(template) if template else None


def plan_parts_of(organization: Organization, ident: str) -> dict[str, Any] | None:
    """`schema` and `messages` for an analysis plan (api 9.5); None when the organization has no such template."""
    try:
        template = AnalysisTemplate.objects.for_organization(organization).filter(pk=UUID(ident)).first()
    except ValueError:
        return None
    return plan_parts(analysis_values(template)) if template else None
