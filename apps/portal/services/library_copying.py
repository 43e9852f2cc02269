"""Writing into a client's workspace: a new copy of something in the library, or the agency's changes to one."""

from __future__ import annotations

import datetime as dt
from typing import Any
from uuid import UUID, uuid5

from django.utils.translation import gettext as _

from apps.assistants.models import AnalysisTemplate, Assistant, ToolTemplate
from apps.assistants.schema import Cleaned
from apps.assistants.services import create_assistant, judge_change, judge_new, judge_restore, update_assistant
from apps.assistants.template_services import (
    create_template,
    judge_analysis_template,
    judge_tool_template,
    update_template,
)
from apps.core.db import writes
from apps.core.errors import Conflict
from apps.organizations.models import Organization
from apps.organizations.services import Actor
from apps.portal.models import LibraryCopy, LibraryItem
from apps.portal.services.library_values import Change, Thing, back, merged, own_values

Kind = LibraryItem.Kind
MODELS: dict[str, type[Thing]] = {Kind.ASSISTANT: Assistant, Kind.TOOL: ToolTemplate, Kind.ANALYSIS: AnalysisTemplate}


def place_copy(
    *, client: Organization, item: LibraryItem, values: dict[str, Any], before: LibraryCopy | None, by: Actor, now: dt.datetime
) -> UUID:  # fmt: skip
    """Make a new copy. `before`: the copy that the client deleted. In a scope that writes the client's rows.

    The copy's id follows from the item, the client and what was there before, so that going on after a crash makes no
    second one. Raises DomainError when the client may not have it.
    """
    own = uuid5(item.pk, f"{client.pk}:{before.object_id if before else ''}")
    model = MODELS[item.kind]
    if not model.objects.for_organization(client).filter(pk=own).exists():  # type: ignore[attr-defined]
        found = _judge_new(client, item.kind, values).require()
        if model is Assistant:
            create_assistant(organization=client, values=found | {"id": own, "is_active": True}, by=by)
        else:
            create_template(kind=model, organization=client, values=found | {"id": own}, by=by)  # type: ignore[type-var]
    _remember(client, item, own, values, now)
    return own


def bring_changes(
    *, client: Organization, item: LibraryItem, thing: Thing, changes: list[Change], values: dict[str, Any], by: Actor,
    now: dt.datetime,
) -> None:  # fmt: skip
    """Write these changes into the client's copy, and remember that it has seen the agency's `values`.

    Raises Conflict when the client saved in between, Invalid when the two halves do not go together.
    """
    if changes:
        data = merged(held=own_values(thing), changes=changes)
        if isinstance(thing, Assistant):
            found = judge_change(assistant=thing, data=data).require()
            update_assistant(assistant=thing, values=found, by=by, now=now, expected_version=thing.version)
        else:
            found = _judge_template(client, thing, data).require()
            update_template(template=thing, values=found, by=by, now=now, expected_version=thing.version)  # type: ignore[type-var]
    _remember(client, item, thing.pk, values, now)


@writes
def _remember(client: Organization, item: LibraryItem, object_id: UUID, base: dict[str, Any], now: dt.datetime) -> None:
    LibraryCopy.objects.update_or_create(
        organization=client, item_id=item.pk,
        defaults={"kind": item.kind, "object_id": object_id, "base": base, "pushed_at": now, "updated_at": now},
    )  # fmt: skip


def take_back(*, client: Organization, thing: Thing, result: dict[str, Any], by: Actor, now: dt.datetime) -> None:
    """Give a client's copy the values it had before an update; `result` is what the push noted of it.

    Raises Conflict when it was saved since, NotFound for a version that is not kept any more.
    """
    if thing.version != result["after"]:
        is_assistant = isinstance(thing, Assistant)
        raise Conflict(_("The assistant was saved since. Take it back by its versions.") if is_assistant else _("It was saved since, so it stays as it is."))
    if isinstance(thing, Assistant):
        values = judge_restore(assistant=thing, version=result["before"]).require()
        update_assistant(assistant=thing, values=values, by=by, now=now, expected_version=result["after"])
    else:
        values = _judge_template(client, thing, back(thing, result["old"])).require()
        update_template(template=thing, values=values, by=by, now=now, expected_version=result["after"])  # type: ignore[type-var]


def _judge_new(client: Organization, kind: str, values: dict[str, Any]) -> Cleaned:
    if kind == Kind.ASSISTANT:
        return judge_new(organization=client, data=values)
    if kind == Kind.TOOL:
        return judge_tool_template(organization=client, data=values)
    return judge_analysis_template(organization=client, data=values)


def _judge_template(client: Organization, thing: ToolTemplate | AnalysisTemplate, data: dict[str, Any]) -> Cleaned:
    if isinstance(thing, ToolTemplate):
        return judge_tool_template(organization=client, data=data, template=thing)
    return judge_analysis_template(organization=client, data=data, template=thing)
