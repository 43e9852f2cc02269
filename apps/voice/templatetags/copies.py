"""How a thing's copy at the engine stands, as a badge. Nothing where the engine keeps no copies."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import template

from apps.organizations.access import allows
from apps.voice.mirror import Account, mirrors
from apps.voice.models import Mirror
from apps.voice.services import find_connection

register = template.Library()


@register.inclusion_tag("voice/_copy_badge.html", takes_context=True)
def copy_badge(context: Any, kind: str, pk: UUID, shape: str = "") -> dict[str, Any]:
    """A small badge: in sync, waiting, or not in sync with a link to the reason. `shape`: more classes."""
    return _copy(context, kind, pk) | {"shape": shape}


@register.inclusion_tag("voice/_copy_note.html", takes_context=True)
def copy_note(context: Any, kind: str, pk: UUID) -> dict[str, Any]:
    """The reason why the copy does not stand as it should, with a button to try again."""
    return _copy(context, kind, pk) | {"may_edit": context.get("may_edit"), "csrf_token": context.get("csrf_token")}


@register.inclusion_tag("voice/_copies_link.html", takes_context=True)
def copies_link(context: Any) -> dict[str, Any]:
    """A sentence about the copies of all things, with the way to their page."""
    request = context["request"]
    account = _account(request)
    is_own = account is not None and account.connection.organization_id == request.organization.pk
    return {"request": request, "keeps_copies": account is not None, "can_import": is_own and context.get("can_admin")}


def _copy(context: Any, kind: str, pk: UUID) -> dict[str, Any]:
    request = context["request"]
    account = _account(request)
    if account is None:
        return {"copy": None}
    known = request.__dict__.setdefault("_copies", {})
    if kind not in known:
        rows = account.rows.filter(kind=kind).only("id", "object_id", "ref", "is_dirty", "error", "synced_at")
        known[kind] = {row.object_id: row for row in rows}
    return {"copy": known[kind].get(pk) or Mirror(kind=kind, object_id=pk), "request": request}


def _account(request: Any) -> Account | None:
    """From the connection that the frame of the page has found already; a fragment has no frame. None for those who are not
    told what is underneath."""
    if not allows(request, "voice_engine"):
        return None
    if not hasattr(request, "voice_connection"):
        request.voice_connection = find_connection(request.organization)
    connection = request.voice_connection
    return Account(request.organization, connection) if mirrors(connection) else None
