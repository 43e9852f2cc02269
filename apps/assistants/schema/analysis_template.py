"""Analysis templates (api 8.10): prompts or messages in, prompts stored, and the parts an analysis plan gets a copy of."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.analysis import THRESHOLD_LIMIT
from apps.assistants.schema.configs import check_messages
from apps.assistants.schema.fields import Field, read_fields, text, whole_number
from apps.assistants.schema.json_schema import read_object_schema
from apps.assistants.schema.report import Cleaned, Context, Report

ROLES = ("system", "user", "assistant")
PROMPTS = {"system": "system_prompt", "user": "user_prompt"}
# Content, not words of a page: they go to a model as they stand.
DEFAULT_PROMPTS = {
    "system_prompt": (
        "You read the transcript of a phone call and fill in the fields of the given JSON Schema. Use only what was "
        "said. Leave out what was not mentioned; never guess."
    ),
    "user_prompt": "Transcript of the call:\n\n{transcript}",
}

FIELDS = (
    Field("name", text(values.NAME_LIMIT, 1), nullable=False, required=True),
    Field("description", text(values.PROMPT_LIMIT)),
    Field("system_prompt", text(values.PROMPT_LIMIT), nullable=False),
    Field("user_prompt", text(values.PROMPT_LIMIT), nullable=False),
    Field("schema", read_object_schema, nullable=False, required=True),
    Field("min_messages_threshold", whole_number(0, THRESHOLD_LIMIT)),
)


def clean_analysis_template(data: Any, *, context: Context, partial: bool = False) -> Cleaned:
    """Judges the body of POST (`partial=False`) or PATCH (`partial=True`) /analysis-templates.

    `messages` is the other form of the prompts: its first system and first user entry. A prompt that is sent too wins.

    Returns:
        Cleaned: every field for POST, those that were sent for PATCH.
    """
    report = Report(context)
    if not isinstance(data, dict):
        report.refuse("", _("the body must be a JSON object"), "invalid_request")
        return report.cleaned({})
    if not partial:
        gaps = [field.name for field in FIELDS if field.required and data.get(field.name) is None]
        for name in gaps:
            report.missing(name)
        data = {key: value for key, value in data.items() if key not in gaps}
    found = _prompts(report, data) | read_fields(report, data, FIELDS)
    if not partial:
        found = {"description": None, "min_messages_threshold": None, **DEFAULT_PROMPTS} | found
    return report.cleaned(found)


def _prompts(report: Report, data: dict[str, Any]) -> dict[str, str]:
    if "messages" not in data:
        return {}
    messages, before = data["messages"], len(report.problems)
    if messages is None:
        report.refuse("messages", _("must not be null"))
    elif values.is_storable(report, "messages", messages):
        check_messages(report, "messages", messages, ROLES)
    if len(report.problems) > before:
        return {}
    found: dict[str, str] = {}
    for entry in messages:
        if entry["role"] in PROMPTS:
            found.setdefault(PROMPTS[entry["role"]], entry["content"])
    return found


def plan_parts(template: Mapping[str, Any]) -> dict[str, Any]:
    """What is copied into `structured_data_plan` (api 9.5): `schema` and `messages`, the prompts word for word."""
    prompts = ((role, template[name]) for role, name in PROMPTS.items())
    messages = [{"role": role, "content": content} for role, content in prompts if content]
    return {"schema": copy.deepcopy(template["schema"]), "messages": messages}
