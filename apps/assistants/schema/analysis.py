"""Rules for `analysis_plan` (api 9.5)."""

from __future__ import annotations

import copy
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.configs import check_messages
from apps.assistants.schema.json_schema import read_object_schema
from apps.assistants.schema.report import Report

ROLES = ("system", "user")
THRESHOLD_LIMIT = 10_000


def read_analysis_plan(report: Report, path: str, value: Any) -> Any:
    """The plan as sent; with a `template_id` the template's `schema` and `messages` are copied in where none are."""
    if not values.is_object(report, path, value):
        return value
    if value.get("min_messages_threshold") is not None:
        where = f"{path}.min_messages_threshold"
        values.read_number(report, where, value["min_messages_threshold"], 0, THRESHOLD_LIMIT, whole=True)
    plan = value.get("structured_data_plan")
    where = f"{path}.structured_data_plan"
    if plan is None or not values.is_object(report, where, plan):
        return value
    if values.has(report, where, plan, "enabled"):
        values.read_boolean(report, f"{where}.enabled", plan["enabled"])
    if plan.get("schema") is not None:
        read_object_schema(report, f"{where}.schema", plan["schema"])
    check_messages(report, f"{where}.messages", plan.get("messages"), ROLES)
    copied = _from_template(report, where, plan)
    return {**value, "structured_data_plan": {**plan, **copied}} if copied else value


def _from_template(report: Report, path: str, plan: dict[str, Any]) -> dict[str, Any]:
    ident = plan.get("template_id")
    if ident is None or _is_copied_already(report, plan):
        return {}
    where = f"{path}.template_id"
    template = report.context.analysis_template(ident) if values.read_uuid(report, where, ident) else {}
    if template is None:
        report.refuse(where, _("no such analysis template in this organization"))
        return {}
    wanted = [key for key in ("schema", "messages") if plan.get(key) is None]
    return {key: copy.deepcopy(template[key]) for key in wanted if key in template}


def _is_copied_already(report: Report, plan: dict[str, Any]) -> bool:
    """A plan that comes back as it was stored needs no template any more: deleting one changes no assistant."""
    stored = (report.stored.get("analysis_plan") or {}).get("structured_data_plan") or {}
    return plan.get("schema") is not None and stored.get("template_id") == plan["template_id"]
