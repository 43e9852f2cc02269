"""Writes of assistants. Form, API and import come in through the same validator."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import F
from django.utils.translation import gettext as _

from apps.assistants.allowed import require_allowed
from apps.assistants.models import AnalysisTemplate, Assistant, McpServer, ToolTemplate, Workflow
from apps.assistants.schema import ASSISTANT_FIELDS, Cleaned, Context, clean_assistant
from apps.assistants.template_copies import plan_parts_of
from apps.assistants.versions import NAMES, keep_version, versions_of
from apps.core.addresses import address_problem
from apps.core.db import step, writes
from apps.core.errors import Conflict, NotFound
from apps.organizations.features import require_room
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit
from apps.voice import mirror
from apps.webhooks.services import reopen, replace_secret

FIELDS = tuple(field.name for field in ASSISTANT_FIELDS)


class Stale(Conflict):
    """Somebody else saved the thing since the form was opened; `current` is what stands now."""

    def __init__(self, current: Assistant) -> None:
        super().__init__(_("Somebody else changed this in the meantime. Compare both versions, then save again."))
        self.current = current


def context_for(organization: Organization) -> Context:
    """What the validator must know of an organization and its installation."""
    return Context(
        address_problem=address_problem,
        mcp_server_exists=partial(_owns_mcp_server, organization),
        analysis_template=partial(plan_parts_of, organization),
        strict_models=settings.STRICT_MODELS,
        local_models=organization.has_local_models_access,
    )


def _owns_mcp_server(organization: Organization, ident: str) -> bool:
    return McpServer.objects.for_organization(organization).filter(pk=ident).exists()


def values_of(assistant: Assistant) -> dict[str, Any]:
    """The assistant's values by their names on the wire."""
    return {name: getattr(assistant, name) for name in FIELDS}


def judge_new(*, organization: Organization, data: Any) -> Cleaned:
    return clean_assistant(data, context=context_for(organization))


def judge_change(*, assistant: Assistant, data: Any) -> Cleaned:
    """The validator's answer for a change; addresses are looked up here, so no transaction may be open."""
    return clean_assistant(data, context=context_for(assistant.organization), partial=True, stored=values_of(assistant))


@writes
def create_assistant(*, organization: Organization, values: Mapping[str, Any], by: Actor) -> Assistant:
    """Store a new assistant from values the validator returned. Raises Conflict when there is no room for one more."""
    require_room(organization, "assistants", Assistant.objects.for_organization(organization).live())
    assistant = Assistant.objects.create(organization=organization, **values)
    keep_version(assistant, by=by)
    record_audit(organization=organization, by=by, action="assistant.create", target=assistant)
    _mark(assistant)
    return assistant


@writes
def update_assistant(
    *, assistant: Assistant, values: Mapping[str, Any], by: Actor, now: dt.datetime, expected_version: int | None = None,
    overlap_hours: int = 0,
) -> Assistant:  # fmt: skip
    """Change the fields in `values`; saving also switches a webhook URL on again that answered 410.

    Args:
        overlap_hours: how long a `webhook_secret` that is replaced goes on signing.
        expected_version: the version the form was opened with; None overwrites (API).

    Raises:
        Stale: when somebody else saved since then.
        Forbidden: when a field changes that is not switched on for `by`.
    """
    current = (
        Assistant.objects.for_organization(assistant.organization_id).live().select_for_update().get(pk=assistant.pk)
    )
    if expected_version is not None and current.version != expected_version:
        raise Stale(current)
    changed = {name: value for name, value in values.items() if getattr(current, name) != value}
    require_allowed(by.features, values_of(current), changed)
    if "webhook_secret" in changed:
        replace_secret(
            organization=current.organization, owner_id=str(current.pk), old=current.webhook_secret or "",
            new=changed["webhook_secret"] or "", now=now, hours=overlap_hours,
        )  # fmt: skip
    if changed:
        # One that was saved before there was a history has its first row now.
        keep_version(current)
        current.change(now, version=current.version + 1, **changed)
        keep_version(current, by=by)
        record_audit(
            organization=current.organization, by=by, action="assistant.update", target=current,
            data={"fields": sorted(changed)},
        )  # fmt: skip
        _mark(current)
    if current.webhook_url:
        reopen(organization=current.organization, url=current.webhook_url, now=now)
    return current


@writes
def duplicate_assistant(*, assistant: Assistant, by: Actor) -> Assistant:
    """A copy that is switched off, so that it does not answer before somebody looked at it."""
    values = values_of(assistant) | {"name": _("Copy of %(name)s") % {"name": assistant.name}, "is_active": False}
    values["name"] = values["name"][:200]
    require_room(assistant.organization, "assistants", Assistant.objects.for_organization(assistant.organization).live())
    copy = Assistant.objects.create(organization=assistant.organization, **values)
    keep_version(copy, by=by)
    record_audit(
        organization=copy.organization, by=by, action="assistant.duplicate", target=copy, data={"of": str(assistant.pk)}
    )
    _mark(copy)
    return copy


def judge_restore(*, assistant: Assistant, version: int) -> Cleaned:
    """The validator's answer for going back to a version; whether it answers at all, and its webhook's secret, stay as they are.

    Raises NotFound for a version that is not kept. What it names may be gone, so it is judged like any change.
    """
    found = versions_of(assistant).filter(version=version).first()
    if found is None:
        raise NotFound(_("This version is not kept any more."))
    values = {name: found.values[name] for name in NAMES if name in found.values and name != "is_active"}
    return judge_change(assistant=assistant, data=values)


@step
def remove_assistant(*, assistant: Assistant, by: Actor, now: dt.datetime) -> bool:
    """Mark as deleted; every read treats it as gone. False when it was already."""
    live = Assistant.objects.for_organization(assistant.organization_id).live().filter(pk=assistant.pk)
    if not live.update(deleted_at=now, updated_at=now, version=F("version") + 1):
        return False
    record_audit(organization=assistant.organization, by=by, action="assistant.delete", target=assistant)
    _mark(assistant)
    return True


@step
def erase_organization(*, organization: Organization) -> None:
    Assistant.objects.for_organization(organization).delete()
    ToolTemplate.objects.for_organization(organization).delete()
    AnalysisTemplate.objects.for_organization(organization).delete()
    Workflow.objects.for_organization(organization).delete()
    McpServer.objects.for_organization(organization).delete()
    mirror.mark_everything(organization=organization)


@step
def _mark(assistant: Assistant) -> None:
    """An engine that keeps copies gets this one within seconds."""
    mirror.mark(organization=assistant.organization, kinds=[mirror.Kind.ASSISTANT], ids=[assistant.pk])
