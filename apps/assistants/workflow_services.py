"""Writes of workflows. Builder and API come in through the same validator."""

from __future__ import annotations

import dataclasses
import datetime as dt
import time
from collections.abc import Callable, Mapping
from typing import Any

from django.db import IntegrityError
from django.db.models import ProtectedError
from django.utils.translation import ngettext

from apps.assistants.errors import InUse, StaleRow
from apps.assistants.models import Workflow
from apps.assistants.schema import Cleaned, Problem
from apps.assistants.schema.fields import Field, read_fields, text
from apps.assistants.schema.report import Report
from apps.assistants.schema.values import NAME_LIMIT, read_boolean
from apps.assistants.services import context_for
from apps.assistants.workflows import clean_definition
from apps.core.addresses import address_problem, url_problem
from apps.core.db import step, writes
from apps.core.errors import Invalid
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.voice import mirror

LOOKUPS_SECONDS = 3.0

_FIELDS = (
    Field("name", text(NAME_LIMIT, 1), nullable=False, required=True),
    Field("is_active", read_boolean, nullable=False, default=True),
)


class InvalidWorkflow(Invalid):
    title = "Invalid workflow definition"


@dataclasses.dataclass(frozen=True)
class Judged:
    """The outcome for a body: `head` for name and activity, `definition` None when none was sent."""

    head: Cleaned
    definition: Cleaned | None

    @property
    def warnings(self) -> list[str]:
        return self.definition.warnings if self.definition else []

    @property
    def problems(self) -> list[Problem]:
        return [*self.head.problems, *(self.definition.problems if self.definition else [])]

    def require(self) -> dict[str, Any]:
        """The values, or InvalidWorkflow with one entry per break; a wrong name alone is Invalid (api 8.15)."""
        if self.definition is None or self.definition.ok:
            values = self.head.require()
            return values | ({"definition": self.definition.values} if self.definition else {})
        first = self.definition.problems[0]
        raise InvalidWorkflow(
            str(first), param=f"definition.{first.path}".rstrip("."), details=[str(each) for each in self.problems],
            type=first.code,
        )  # fmt: skip


def judge_workflow(*, organization: Organization, data: Any, partial: bool = False) -> Judged:
    """Judges the body of POST (`partial=False`) or PATCH /workflows. Names are resolved: no transaction may be open."""
    data = data if isinstance(data, dict) else {}
    context = dataclasses.replace(context_for(organization), address_problem=_patient())
    report = Report(context)
    gaps = [] if partial else [key for key in ("name", "definition") if data.get(key) in (None, "")]
    for key in gaps:
        report.missing(key)
    head = read_fields(report, {key: value for key, value in data.items() if key not in gaps}, _FIELDS)
    if not partial:
        head = {field.name: head.get(field.name, field.default) for field in _FIELDS}
    is_sent = "definition" in data and "definition" not in gaps
    return Judged(report.cleaned(head), clean_definition(data["definition"], context=context) if is_sent else None)


@writes
def create_workflow(*, organization: Organization, values: Mapping[str, Any], by: Actor) -> Workflow:
    """Store a new workflow from values the validator returned."""
    workflow = Workflow.objects.create(organization=organization, **values)
    record_audit(organization=organization, by=by, action="workflow.create", target=workflow)
    _mark(workflow)
    return workflow


@writes
def update_workflow(
    *, workflow: Workflow, values: Mapping[str, Any], by: Actor, now: dt.datetime, expected_version: int | None = None
) -> Workflow:
    """Change the fields in `values`; running calls finish on the old definition. Raises StaleRow."""
    rows = Workflow.objects.for_organization(workflow.organization_id).select_related("organization")
    current: Workflow = rows.select_for_update(of=("self",)).get(pk=workflow.pk)
    if expected_version is not None and current.version != expected_version:
        raise StaleRow(current)
    changed = {name: value for name, value in values.items() if getattr(current, name) != value}
    if changed:
        current.change(now, version=current.version + 1, **changed)
        record_audit(
            organization=current.organization, by=by, action="workflow.update", target=current,
            data={"fields": sorted(changed)},
        )  # fmt: skip
        _mark(current)
    return current


def delete_workflow(*, workflow: Workflow, by: Actor) -> None:
    """Delete a workflow that no number runs. Raises InUse with the contract's words (api 8.15)."""
    try:
        _delete(workflow, by)
    except ProtectedError as error:
        raise _in_use(len(error.protected_objects)) from None
    except IntegrityError:  # a number took it while this was under way: the database says so at commit
        raise _in_use(1) from None


@writes
def _delete(workflow: Workflow, by: Actor) -> None:
    record_audit(organization=workflow.organization, by=by, action="workflow.delete", target=workflow)
    _mark(workflow)
    workflow.delete()


@step
def _mark(workflow: Workflow) -> None:
    mirror.mark(organization=workflow.organization, kinds=[mirror.Kind.WORKFLOW], ids=[workflow.pk])


def _in_use(count: int) -> InUse:
    text = ngettext(
        "%(count)s phone number still runs this workflow. Detach it first: PATCH /numbers/{id} with workflow_id: null.",
        "%(count)s phone numbers still run this workflow. Detach them first: PATCH /numbers/{id} with workflow_id: null.",
        count,
    )
    return InUse(text % {"count": count})


def _patient() -> Callable[[str], str | None]:
    """`address_problem` for many addresses: each is judged once, and when the name server has taken its time, the rest
    is judged by its form alone; every address is judged again when it is used."""
    known: dict[str, str | None] = {}
    until = time.monotonic() + LOOKUPS_SECONDS

    def judge(url: str) -> str | None:
        if url not in known:
            known[url] = (address_problem if time.monotonic() < until else url_problem)(url)
        return known[url]

    return judge
