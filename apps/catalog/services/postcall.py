"""The model for summaries and analyses after a call: what the organization chose, else what its calls suggest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.catalog.llm_routes import OPERATOR, best_source
from apps.catalog.models import PostCallModel
from apps.catalog.providers import provider
from apps.core.db import writes
from apps.organizations.models import Organization
from apps.organizations.services import Actor, record_audit


@dataclass(frozen=True)
class Choice:
    """A provider of `llm.complete`, and its model; None: the provider's post-call model."""

    provider: str
    model: str | None = None


def choice_for(organization: Organization, llm_config: Mapping[str, Any] | None) -> Choice | None:
    """Which model reads a call of an assistant with this `llm_config`; None: none is set up, or none is wanted.

    The organization's setting; else the assistant's own provider with an own or an agency's key; else the operator's
    model; else the assistant's provider with the platform's key (features 6). The scope must hold the parent's rows.
    """
    row = stored(organization)
    if row:
        return Choice(row.provider, row.model or None) if row.provider else None
    name = (llm_config or {}).get("provider")
    entry = provider("llm", name)
    source = best_source(organization, entry.id) if entry else None
    if entry and source in ("own", "parent"):
        return Choice(entry.id)
    if operator_model():
        return Choice(OPERATOR)
    return Choice(entry.id) if entry and source else None


def stored(organization: Organization) -> PostCallModel | None:
    return PostCallModel.objects.for_organization(organization).first()


def operator_model() -> str:
    """The name of the operator's model; empty when none is set up."""
    return str(settings.POSTCALL_LLM_MODEL) if settings.POSTCALL_LLM_BASE_URL else ""


@writes
def choose(*, organization: Organization, choice: Choice | None, automatic: bool, by: Actor, now: dt.datetime) -> None:
    """Store the organization's choice.

    Args:
        choice: None (and not `automatic`): no model, summaries are excerpts.
        automatic: by the call, as without any choice.
    """
    data = {"postcall_model": "automatic" if automatic else choice.provider if choice else "none"}
    record_audit(organization=organization, by=by, action="organization.update", target=organization, data=data)
    if automatic:
        PostCallModel.objects.for_organization(organization).delete()
        return
    values = {"provider": choice.provider if choice else "", "model": (choice.model or "") if choice else ""}
    PostCallModel.objects.update_or_create(organization=organization, defaults=values | {"updated_at": now})
