"""The customer's answer to assistant-request, read by the table of webhooks 6. What cannot be used changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from apps.assistants.models import Assistant
from apps.assistants.schema import clean_one_time, clean_override, snake_keys
from apps.assistants.services import context_for, values_of
from apps.organizations.models import Organization
from apps.webhooks.services import Answer

LONGEST_ERROR = 500


@dataclass(frozen=True)
class Choice:
    """Who answers: `assistant` under `changes`, or, `complete`, a one-time assistant; or a spoken `error`.

    `problem` says why an answer was not used.
    """

    assistant: Assistant | None
    changes: dict[str, Any] | None = None
    complete: bool = False
    limit: int | None = None
    error: str = ""
    problem: str = ""


def read_choice(organization: Organization, saved: Assistant | None, said: Answer | None) -> Choice:
    """What the answer means for this call; looks up addresses, so no transaction may be open."""
    if said is None or not said.ok:
        return Choice(saved, problem=said.problem if said else "late")
    if not isinstance(said.data, dict):
        return Choice(saved, problem="the answer is not a JSON object")
    data = snake_keys(said.data)
    if isinstance(data.get("error"), str) and data["error"].strip():
        return Choice(saved, error=data["error"].strip()[:LONGEST_ERROR])
    limit = _limit(data.get("max_duration_seconds"))
    if data.get("assistant_id") is not None:
        return _other(organization, saved, data, limit)
    if data.get("assistant") is not None:
        return _changed(organization, saved, data["assistant"], limit)
    return Choice(saved, limit=limit)


def _other(organization: Organization, saved: Assistant | None, data: dict[str, Any], limit: int | None) -> Choice:
    """`assistant_id` with an optional `assistant_override`."""
    found = _assistant(organization, data["assistant_id"])
    if found is None:
        return Choice(saved, limit=limit, problem="assistant_id: no such active assistant")
    if data.get("assistant_override") is None:
        return Choice(found, {}, limit=limit)
    cleaned = clean_override(data["assistant_override"], saved=values_of(found), context=context_for(organization))
    if not cleaned.ok:
        return Choice(saved, limit=limit, problem=str(cleaned.problems[0]))
    return Choice(found, cleaned.values, limit=limit)


def _changed(organization: Organization, saved: Assistant | None, sent: Any, limit: int | None) -> Choice:
    """`assistant`: its keys replace the saved blocks; without a saved one it must be complete."""
    context = context_for(organization)
    if saved:
        cleaned = clean_override(sent, saved=values_of(saved), context=context)
    else:
        cleaned = clean_one_time(sent, context=context)
    if not cleaned.ok:
        return Choice(saved, limit=limit, problem=str(cleaned.problems[0]))
    return Choice(saved, cleaned.values, complete=saved is None, limit=limit)


def _assistant(organization: Organization, ident: Any) -> Assistant | None:
    try:
        pk = UUID(str(ident))
    except ValueError:
        return None
    return Assistant.objects.for_organization(organization).active().filter(pk=pk).first()


def _limit(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 1 <= value < 2**31 else None
