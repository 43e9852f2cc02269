"""Commands for a running call: stored first, then sent (api 8.4)."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from uuid_utils.compat import uuid7

from apps.assistants.schema import is_realtime
from apps.calls.allowed import why_forbidden
from apps.calls.models import Call, CallCommand
from apps.calls.services.draft import Draft, locked
from apps.calls.services.fate import refusal_of, text_of
from apps.core import db
from apps.core.db import writes
from apps.core.errors import DomainError, Invalid, Unavailable
from apps.core.phone import E164
from apps.voice.client import Engine
from apps.voice.outcomes import Dialled

SAME = dt.timedelta(seconds=10)
SPOKEN, CONTEXT = 2000, 100_000
SIP_NUMBER = re.compile(r"^sips?:(\+[1-9][0-9]{6,14})(@|;|$)", re.IGNORECASE)
SIP = re.compile(r"^sips?:[^\s@]+@[^\s@]+$|^sips?:[^\s@]+$", re.IGNORECASE)
TYPES = ("inject-context", "say", "end-call", "transfer")


@dataclass(frozen=True)
class Sent:
    """`hint`: what a customer should know about how this model takes commands."""

    command: CallCommand
    is_repeat: bool = False
    hint: str = ""


def read_command(data: Any) -> dict[str, Any]:
    """The command with its known fields. Raises Invalid with the field."""
    kind = data.get("type")
    if kind in ("inject-context", "say"):
        flag = "trigger_response" if kind == "inject-context" else "end_after"
        content = _text(data, "content", CONTEXT if kind == "inject-context" else SPOKEN, required=True)
        return {"type": kind, "content": content, flag: _flag(data, flag)}
    if kind == "end-call":
        return {"type": kind, **_message(data)}
    if kind == "transfer":
        destination = _text(data, "destination", 255, required=True)
        if not E164.match(destination) and not SIP.match(destination):
            raise _invalid("destination", _("a number in E.164 or a SIP URI is expected"))
        return {"type": kind, "destination": destination, **_message(data)}
    if kind is None:
        raise _invalid("type", _("this field is required"), type="missing_field")
    raise _invalid("type", _("this command is not known"))


def send_command(
    *, call: Call, body: dict[str, Any], by: str, key: str | None = None, now: dt.datetime
) -> Sent:
    """Store a command that `read_command` made, then send it. The same body within 10 s, or the same `key`, is the same
    command and is not sent again.

    Raises Invalid (`call_not_active`) when the call is not in progress, and Invalid or Unavailable only when the command
    certainly had no effect. A fate that is not known counts as sent.
    """
    command, is_new = _store(call_id=call.pk, organization_id=call.organization_id, body=body, by=by, key=key, now=now)
    if not is_new:
        return Sent(command, is_repeat=True, hint=_hint(call, body))
    assert call.connection is not None
    try:
        answer = Engine(call.connection).control(call.ref or "", call.control_url, body, key=str(command.pk))
    except DomainError:
        _record(command=command, outcome="refused", now=db.now())
        raise
    _record(command=command, outcome=answer.outcome, now=db.now())
    if answer.outcome == "refused":
        raise _refused(answer)
    return Sent(command, hint=_hint(call, body))


@writes
def _store(
    *, call_id: object, organization_id: object, body: dict[str, Any], by: str, key: str | None, now: dt.datetime
) -> tuple[CallCommand, bool]:
    call = locked(organization_id, call_id)
    if call is None:
        raise _not_active()
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    known = CallCommand.objects.for_organization(organization_id).filter(call=call).exclude(outcome="refused")
    same = known.filter(key=key) if key else known.filter(digest=digest, created_at__gt=now - SAME)
    earlier: CallCommand | None = same.order_by("-created_at").first()  # type: ignore[assignment]
    if earlier:
        if earlier.digest != digest:
            raise Invalid(_("This Idempotency-Key was used with another body."), param="Idempotency-Key")
        return earlier, False
    if call.status != Call.Status.IN_PROGRESS or not call.ref:
        raise _not_active()
    _check_transfer(call, body, now)
    command: CallCommand = CallCommand.objects.create(  # type: ignore[assignment]
        organization_id=organization_id, call=call, key=key or str(uuid7()), digest=digest, type=body["type"],
        body="" if call.is_private else json.dumps(body), actor=by[:200],
    )  # fmt: skip
    draft = Draft(call, now)
    draft.note("command", f"command:{command.pk}", type=body["type"], by=by[:100])
    draft.save()
    return command, True


def _check_transfer(call: Call, body: dict[str, Any], now: dt.datetime) -> None:
    """A call is not transferred to a number that could not be called; raises Invalid."""
    destination = body.get("destination", "")
    found = SIP_NUMBER.match(destination)
    number = found[1] if found else destination
    if E164.match(number) and (problem := why_forbidden(call.organization, number, now)):
        raise _invalid("destination", problem)


@writes
def _record(*, command: CallCommand, outcome: str, now: dt.datetime) -> None:
    command.change(now, sent_at=now, outcome=outcome)


def _refused(answer: Dialled) -> DomainError:
    if answer.error == "call_not_active":
        return _not_active()
    if refusal_of(answer) == "invalid":
        return Invalid(text_of(answer), details=answer.details)
    extra: dict[str, Any] = {} if answer.retry_after is None else {"retry_after": max(1, math.ceil(answer.retry_after))}
    return Unavailable(text_of(answer), **extra)


def _not_active() -> Invalid:
    return Invalid(_("The call is not in progress."), type="call_not_active")


def _hint(call: Call, body: dict[str, Any]) -> str:
    """xAI's speech-to-speech takes some commands unreliably (features 2)."""
    config = call.config.get("llm_config") or {}
    if not is_realtime(config) or config.get("provider") != "xai_realtime":
        return ""
    if body["type"] in ("inject-context", "say"):
        return "xai_realtime may not follow this command"
    return "xai_realtime may transfer without the announcement" if body["type"] == "transfer" else ""


def _message(data: dict[str, Any]) -> dict[str, str]:
    text = _text(data, "message", SPOKEN)
    return {"message": text} if text else {}


def _text(data: dict[str, Any], name: str, most: int, *, required: bool = False) -> str:
    value = data.get(name)
    if value is None or value == "":
        if required:
            raise _invalid(name, _("this field is required"), type="missing_field")
        return ""
    if not isinstance(value, str):
        raise _invalid(name, _("a text is expected"))
    if len(value) > most or "\x00" in value:
        raise _invalid(name, _("at most %(most)s characters") % {"most": most})
    return value


def _flag(data: dict[str, Any], name: str) -> bool:
    value = data.get(name)
    if value is None:
        return False
    if not isinstance(value, bool):
        raise _invalid(name, _("true or false is expected"))
    return value


def _invalid(param: str, text: str, type: str = "invalid_value") -> Invalid:
    line = f"{param}: {text}"
    return Invalid(line, param=param, details=[line], type=type)
