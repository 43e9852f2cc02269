"""Writes of tool and analysis templates. Form and API come in through the same validators."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeVar

from django.utils.translation import gettext as _

from apps.assistants.models import AnalysisTemplate, ToolTemplate
from apps.assistants.schema.analysis_template import clean_analysis_template
from apps.assistants.schema.report import Cleaned
from apps.assistants.schema.tool_template import clean_tool_template
from apps.assistants.services import context_for
from apps.assistants.template_copies import analysis_values, tool_of, tool_values
from apps.core.db import writes
from apps.core.errors import Conflict, NotFound
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit

Template = ToolTemplate | AnalysisTemplate
T = TypeVar("T", ToolTemplate, AnalysisTemplate)
# What the audit log calls them.
KINDS: dict[type[Template], str] = {ToolTemplate: "tool_template", AnalysisTemplate: "analysis_template"}


class StaleTemplate(Conflict):
    """Somebody else saved the template since the form was opened; `current` is what stands now."""

    def __init__(self, current: Template) -> None:
        super().__init__(_("Somebody else changed this in the meantime. Compare both versions, then save again."))
        self.current: Any = current


def judge_tool_template(*, organization: Organization, data: Any, template: ToolTemplate | None = None) -> Cleaned:
    """The validator's answer for a new template or a change; addresses are looked up: no transaction may be open."""
    stored = tool_values(template) if template else None
    return clean_tool_template(data, context=context_for(organization), partial=template is not None, stored=stored)


def judge_analysis_template(
    *, organization: Organization, data: Any, template: AnalysisTemplate | None = None
) -> Cleaned:
    return clean_analysis_template(data, context=context_for(organization), partial=template is not None)


@writes
def create_template(*, kind: type[T], organization: Organization, values: Mapping[str, Any], by: Actor) -> T:
    """Store a new template from values the validator returned."""
    template = kind.objects.create(organization=organization, **values)
    record_audit(organization=organization, by=by, action=f"{KINDS[kind]}.create", target=template)
    return template


@writes
def update_template(
    *, template: T, values: Mapping[str, Any], by: Actor, now: dt.datetime, expected_version: int | None = None
) -> T:
    """Change the fields in `values`; assistants keep the copies they have.

    Args:
        expected_version: the version the form was opened with; None overwrites (API).

    Raises:
        StaleTemplate: when somebody else saved since then.
        NotFound: when somebody else deleted it since it was read.
    """
    rows = type(template).objects.for_organization(template.organization_id)
    current = rows.select_for_update().filter(pk=template.pk).first()
    if current is None:
        raise NotFound(_("There is no such template. It may have been deleted."))
    if expected_version is not None and current.version != expected_version:
        raise StaleTemplate(current)
    changed = {name: value for name, value in values.items() if getattr(current, name) != value}
    if changed:
        current.change(now, version=current.version + 1, **changed)
        record_audit(
            organization=template.organization, by=by, action=f"{KINDS[type(template)]}.update", target=current,
            data={"fields": sorted(changed)},
        )  # fmt: skip
    return current


@writes
def duplicate_template(*, template: T, by: Actor) -> T:
    """A copy under another name. A tool that took its function's name from the template keeps that name."""
    if isinstance(template, ToolTemplate):
        values = tool_values(template)
        if values["tool_type"] == ToolTemplate.Type.FUNCTION:
            values["tool_config"] = {**values["tool_config"], "name": tool_of(template)["name"]}
    else:
        values = analysis_values(template)
    values["name"] = (_("Copy of %(name)s") % {"name": values["name"]})[:200]
    copied = type(template).objects.create(organization=template.organization, **values)
    record_audit(
        organization=template.organization, by=by, action=f"{KINDS[type(template)]}.duplicate", target=copied,
        data={"of": str(template.pk)},
    )  # fmt: skip
    return copied


@writes
def delete_template(*, template: Template, by: Actor) -> None:
    """No assistant changes: each has its own copy. Raises NotFound when it was deleted already."""
    rows = type(template).objects.for_organization(template.organization_id).filter(pk=template.pk)
    if not rows.delete()[0]:
        raise NotFound(_("There is no such template. It may have been deleted."))
    record_audit(organization=template.organization, by=by, action=f"{KINDS[type(template)]}.delete", target=template)
