"""A call at an engine that keeps copies of assistants and numbers: which ones it uses there (platform 12, webhooks 12)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _

from apps.calls.models import Call
from apps.calls.services.draft import Draft
from apps.core.db import step, writes
from apps.numbers.sync import Upstream, make_ready, upstream_of
from apps.voice import mirror
from apps.voice.capabilities import Capabilities
from apps.voice.mirror import Kind


def make_call_ready(*, organization_id: object, call_id: object) -> None:
    """Bring to the engine what a reserved call is about to use there. Speaks HTTP; nothing to do where all stands."""
    links = ("organization", "connection", "assistant", "number__assistant")
    call = Call.objects.for_organization(organization_id).select_related(*links).filter(pk=call_id).first()
    if call is not None and call.connection is not None and mirror.mirrors(call.connection):
        make_ready(call.organization, call.connection, assistant=call.assistant, number=call.number)


@step
def use_copies(draft: Draft, known: Capabilities) -> str:
    """Keep the engine's ids with the call, so that a repeat is the same request. Why it cannot be sent, or empty."""
    call = draft.call
    if known.has("one_time_full") or not mirror.mirrors(call.connection):
        return ""
    there = _there(call)
    draft.replace(config={**call.config, "upstream": asdict(there)})
    is_gone = call.assistant_id is not None and there.assistant is None
    if is_gone or (call.number_id is not None and there.number is None):
        return _("This assistant and number are not in place for calls yet: %(error)s") % {"error": _why(call)}
    return ""


@step
def answer_with_copies(draft: Draft, known: Capabilities) -> None:
    """The same for an incoming call: the chosen assistant's copy, else the one that the number has there."""
    call = draft.call
    if known.has("one_time_full") or not mirror.mirrors(call.connection):
        return
    found = asdict(_there(call))
    if found["assistant"] is None and call.number is not None and call.connection is not None:
        found["assistant"] = upstream_of(
            call.organization, call.connection, assistant=call.number.assistant, number=call.number
        ).assistant
        draft.note("not_mirrored", "assistant-request:not_mirrored")
    draft.replace(config={**call.config, "upstream": found})


@writes
def resync(call: Call) -> None:
    """The engine did not know what we named: its copies are looked at again (platform 12, errors)."""
    if call.connection is None or not mirror.mirrors(call.connection):
        return
    account = mirror.Account(call.organization, call.connection)
    for kind, pk in ((Kind.ASSISTANT, call.assistant_id), (Kind.NUMBER, call.number_id)):
        if pk:
            account.rows.filter(kind=kind, object_id=pk).update(digest="")
            mirror.mark_in(account, kind, [pk])


def _there(call: Call) -> Upstream:
    assert call.connection is not None
    # A one-time assistant has no copy; a call of our own never uses a number's placeholder.
    number = call.number
    found = upstream_of(
        call.organization, call.connection, assistant=call.assistant, number=number,
        llm_config=call.config.get("llm_config"),
    )  # fmt: skip
    is_own = call.direction != Call.Direction.INBOUND and call.assistant_id is None
    return Upstream(found.number, None, found.servers) if is_own else found


def _why(call: Call) -> str:
    assert call.connection is not None
    account = mirror.Account(call.organization, call.connection)
    wanted: list[Any] = [pk for pk in (call.assistant_id, call.number_id) if pk]
    rows = account.rows.filter(kind__in=(Kind.ASSISTANT, Kind.NUMBER), object_id__in=wanted)
    return next((row.error for row in rows if row.error), "") or _("it is on its way")
