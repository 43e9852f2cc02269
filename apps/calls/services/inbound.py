"""An incoming call asks who answers: our own rules first, then the customer's server, then one answer (webhooks 6, 12)."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, replace
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from apps.calls.allowed import minutes_used_up
from apps.calls.models import Call, EngineEvent
from apps.calls.services.bodies import answer_body
from apps.calls.services.draft import Draft, locked
from apps.calls.services.inbound_answer import Choice, read_choice
from apps.calls.services.inbound_call import hold_for, open_inbound, refusal_before_asking, use_assistant
from apps.calls.services.incoming import Message
from apps.calls.services.keys import MISSING, call_ring, credentials, missing_keys, sources
from apps.calls.services.payloads import envelope
from apps.calls.services.settle import finish
from apps.calls.services.snapshot import Private, Route, private_of
from apps.calls.services.tools_mcp import UNAVAILABLE, Required, required_servers
from apps.calls.services.upstream import answer_with_copies
from apps.calls.sql import HookEntry
from apps.core.db import step, writes
from apps.core.scope import acting
from apps.voice.capabilities import Capabilities
from apps.voice.models import Connection
from apps.voice.services import known_capabilities
from apps.webhooks.services import Answer, Target, log_question, prepared

REQUEST = "assistant-request"
NOT_IN_SERVICE = {"reject": {"sip": 480}}


@dataclass(frozen=True)
class Asked:
    """Either the `answer` is ready, or the customer's server is to be asked with `body`, or required MCP servers are to be
    looked at, or both."""

    answer: dict[str, Any] | None = None
    target: Target | None = None
    body: dict[str, Any] | None = None
    call_id: object = None
    servers: tuple[Required, ...] = ()


def begin_inbound(entry: HookEntry, event: EngineEvent, message: Message, now: dt.datetime) -> Asked:
    """Open the call and decide what we can decide ourselves."""
    if entry.organization_id is None:
        return Asked(_keep(entry, event, _nobodys(entry), now))
    with acting(entry.scope):
        return _begin(entry=entry, event=event, message=message, now=now)


def end_inbound(
    entry: HookEntry, event: EngineEvent, asked: Asked, said: Answer | None, now: dt.datetime, missing: str = ""
) -> dict[str, Any]:
    """Merge what the customer's server said, and answer the engine.

    Args:
        said: None: it was not asked, or not in time.
        missing: what is wrong with an MCP server that the saved assistant requires.
    """
    with acting(entry.scope):
        call = Call.objects.for_organization(entry.organization_id).select_related("organization").get(pk=asked.call_id)
        # Addresses in the answer are looked up, so it is read before the transaction.
        choice = read_choice(call.organization, call.assistant, said) if asked.target else Choice(call.assistant)
        return _end(entry=entry, event=event, asked=asked, said=said, choice=choice, missing=missing, now=now)


def _nobodys(entry: HookEntry) -> dict[str, Any]:
    """A number that is nobody's: refused without picking up, where the engine can do that."""
    with acting(entry.scope):
        connection = Connection.objects.get(pk=entry.connection_id)
    return NOT_IN_SERVICE if known_capabilities(connection).has("inbound") else {"error": _sentence("")}


def _keep(entry: HookEntry, event: EngineEvent, answer: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    with acting(entry.scope):
        store_answer(event=event, answer=answer, now=now)
    return answer


def kept_answer(entry: HookEntry, event: EngineEvent) -> Any:
    """What a repeated question gets: the first answer; provider keys are not part of what is stored."""
    answer = json.loads(event.answer or "{}")  # empty once the content was erased
    if event.type != REQUEST or event.call_id is None or "assistant" not in answer:
        return answer
    calls = Call.objects.for_organization(entry.organization_id).select_related("organization", "connection")
    call = calls.filter(pk=event.call_id).first()
    if call is None or call.connection is None:
        return answer
    known = known_capabilities(call.connection)
    return answer | credentials(call_ring(call, known), call.connection, known)


@writes
def store_answer(*, event: EngineEvent, answer: Any, now: dt.datetime) -> None:
    write_answer(event, answer, now)


@step
def write_answer(event: EngineEvent, answer: Any, now: dt.datetime) -> None:
    """Keep the answer of a question: a repeat gets the same."""
    event.change(now, answer=json.dumps(answer), answered_at=now, body="")


@writes
def _begin(*, entry: HookEntry, event: EngineEvent, message: Message, now: dt.datetime) -> Asked:
    call = open_inbound(
        organization_id=entry.organization_id, connection_id=entry.connection_id, ref=message.ref, own=message.own,
        other=message.other, simulated=message.is_simulated, now=now,
    )  # fmt: skip
    event.change(now, call_id=call.pk, organization_id=call.organization_id)
    draft = Draft(call, now)
    draft.fill(control_url=message.control_url, engine_instance=message.instance)
    draft.note("incoming", "incoming", message.at)
    private = private_of(call)
    reason = refusal_before_asking(call) or _without_minutes(call, now) or _nobody_answers(call, private) or hold_for(call, now)
    if reason:
        return Asked(_refused(draft, event, reason))
    servers = required_servers(call, known_capabilities(call.connection)) if call.connection else ()
    if route := _to_ask(private):
        draft.save()
        body = envelope(call, private, type=REQUEST, status="ringing", at=message.at or now)
        target = prepared(organization=call.organization, target=route.target(call.organization), now=now)
        return Asked(target=target, body=body, call_id=call.pk, servers=servers)
    if servers:
        draft.save()
        return Asked(call_id=call.pk, servers=servers)
    return Asked(_answered(draft, event))


@writes
def _end(
    *, entry: HookEntry, event: EngineEvent, asked: Asked, said: Answer | None, choice: Choice, missing: str,
    now: dt.datetime,
) -> dict[str, Any]:  # fmt: skip
    call = locked(entry.organization_id, asked.call_id)
    assert call is not None
    if said and asked.target:
        if said.ok and choice.problem:
            said = replace(said, problem="unused", detail=choice.problem)
        log_question(
            organization=call.organization, target=asked.target, event=REQUEST, call_id=call.public_id, answer=said, now=now
        )
    draft = Draft(call, now)
    if choice.problem:
        draft.note("webhook_answer", "assistant-request:problem", problem=choice.problem[:300])
    if choice.error:
        return _refused(draft, event, "rejected_by_webhook", text=choice.error)
    if missing and choice.assistant == call.assistant and "llm_config" not in (choice.changes or {}):
        return _refused(draft, event, UNAVAILABLE, error=missing)
    if choice.changes is not None or choice.limit or choice.assistant != call.assistant:
        use_assistant(call, choice.assistant, choice.changes, call.number, complete=choice.complete, limit=choice.limit)
        draft.replace(**{name: getattr(call, name) for name in _CHOSEN})
    if not call.config.get("llm_config"):
        return _refused(draft, event, "no_assistant")
    return _answered(draft, event)


_CHOSEN = ("assistant", "assistant_name", "business_name", "metadata", "config", "webhook", "is_private")


def _nobody_answers(call: Call, private: Private) -> str | None:
    return "no_assistant" if call.assistant is None and _to_ask(private) is None else None


def _to_ask(private: Private) -> Route | None:
    return private.route if private.route and private.route.wants(REQUEST) else None


@step
def _answered(draft: Draft, event: EngineEvent) -> dict[str, Any]:
    """The assistant that answers, in the words this engine understands; provider keys go along and are not kept."""
    call = draft.call
    assert call.connection is not None
    known = known_capabilities(call.connection)
    ring = call_ring(call, known)
    if problem := missing_keys(ring, known):
        return _refused(draft, event, MISSING, error=problem)
    if used := sources(ring, call.connection, known):
        draft.replace(config={**call.config, "keys": used})
    answer_with_copies(draft, known)
    draft.save()
    answer = answer_body(call, known)
    if known.has("inbound"):
        answer["reference"] = call.public_id
    trunk = private_of(call).trunk
    if known.has("one_time_full") and trunk:
        answer["transfer_trunk"] = trunk
    write_answer(event, answer, draft.now)
    return answer | credentials(ring, call.connection, known)


@step
def _refused(draft: Draft, event: EngineEvent, reason: str, text: str = "", error: str = "") -> dict[str, Any]:
    """Refuse the call: the caller hears `text` or a sentence for the reason, the call is `rejected` with `error`."""
    call = draft.call
    with translation.override(call.organization.language):
        spoken = text or _sentence(reason)
    finish(draft, wire=Call.Status.REJECTED, reason=reason, error=error or text or None, at=draft.now)
    draft.save()
    answer: dict[str, Any] = {"error": spoken}
    known = known_capabilities(call.connection) if call.connection else Capabilities()
    if known.has("inbound"):
        answer["reference"] = call.public_id
    write_answer(event, answer, draft.now)
    return answer


def _without_minutes(call: Call, now: dt.datetime) -> str | None:
    return "minutes_used_up" if minutes_used_up(call.organization, now) else None


def _sentence(reason: str) -> str:
    if reason in ("insufficient_credits", "minutes_used_up"):
        return _("This service is not available at the moment. Please try again later.")
    return _("This number is not in service at the moment.")
