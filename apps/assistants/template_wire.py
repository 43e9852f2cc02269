"""Templates as the API shows them: every spelling a supported client reads (api 8.2, 8.10, 10)."""

from __future__ import annotations

from typing import Any

from apps.assistants.models import AnalysisTemplate, ToolTemplate
from apps.assistants.schema.tool_template import function_definition
from apps.assistants.template_copies import analysis_values, tool_values
from apps.core.api import instant


def tool_template_body(template: ToolTemplate) -> dict[str, Any]:
    """The stored form and its older mirrors; `function_definition` on function templates only."""
    values, config = tool_values(template), template.tool_config
    body = _framed(template, values) | {"server_url": config.get("url"), "async": bool(config.get("async"))}
    if template.tool_type == ToolTemplate.Type.FUNCTION:
        body["function_definition"] = function_definition(values)
    return body


def analysis_template_body(template: AnalysisTemplate) -> dict[str, Any]:
    return _framed(template, analysis_values(template))


def _framed(template: ToolTemplate | AnalysisTemplate, values: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": str(template.pk),
        "org_id": str(template.organization_id),
        **values,
        "created_at": instant(template.created_at),
        "updated_at": instant(template.updated_at),
    }
