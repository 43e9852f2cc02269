"""Live control: the commands of engine.md 4, read and carried out."""

import re
from typing import TYPE_CHECKING, Any

from .calls import HangUp
from .outcomes import MAGIC
from .wire import Refusal

if TYPE_CHECKING:
    from .talk import Talk

COMMANDS = ("inject-context", "say", "end-call", "transfer", "dtmf", "mute", "hold", "listen")
NUMBER = re.compile(r"^\+[1-9]\d{6,14}$")
RING_SECONDS = (3.0, 9.0)


def read_command(body: dict[str, Any]) -> dict[str, Any]:
    """Check a command's fields. Raises Refusal (400, `rang: false`)."""
    kind = body.get("type")
    if kind not in COMMANDS:
        raise Refusal(400, f"Unknown command: {kind}", "invalid_value", param="type", rang=False)
    if kind in ("inject-context", "say"):
        _text(body, "content")
    elif kind == "transfer":
        destination = _text(body, "destination")
        if not NUMBER.match(destination) and not destination.startswith(("sip:", "sips:")):
            raise _wrong("destination", "an E.164 number or a SIP URI is needed")
    elif kind == "dtmf":
        if not re.fullmatch(r"[0-9A-D*#w]{1,64}", _text(body, "digits")):
            raise _wrong("digits", "only 0-9, A-D, *, # and w")
    elif kind in ("mute", "hold") and not isinstance(body.get("on"), bool):
        raise _wrong("on", "true or false is needed")
    if not isinstance(body.get("message") or "", str):
        raise _wrong("message", "a text is needed")
    return body


async def carry_out(talk: "Talk", command: dict[str, Any]) -> None:
    """Do what a command says. Raises HangUp when it ends the call."""
    kind, call = command["type"], talk.call
    if kind == "say":
        await talk.say(command["content"])
        if command.get("end_after") is True:
            raise HangUp("api_hangup")
    elif kind == "inject-context":
        note(talk, command["content"])
        if command.get("trigger_response") is True:
            await talk.say(talk.script.injected.format(content=command["content"]))
    elif kind == "end-call":
        raise HangUp("api_hangup", last_words=command.get("message") or "")
    elif kind == "transfer":
        await transfer(talk, command["destination"], command.get("message") or "")
    elif kind == "dtmf":
        note(talk, f"[dtmf {command['digits']}]")
    elif kind == "mute":
        call.muted = command["on"]
    elif kind == "hold":
        call.held = command["on"]


async def transfer(talk: "Talk", to: str, message: str) -> None:
    """Hand over (features.md 9): success ends the call as `transferred`, a failure is spoken.

    The magic numbers for busy and no answer fail, every other destination answers.
    """
    if message:
        await talk.say(message)
    talk.progress("transfer", value="ringing", to=to, reason=None)
    await talk.wait(talk.dice.uniform(*RING_SECONDS))
    reason = MAGIC.get(to)
    if reason in ("busy", "no_answer"):
        talk.call.transfer = {"to": to, "result": "failed"}
        talk.progress("transfer", value="failed", to=to, reason=reason)
        await talk.say(talk.script.transfer_failed)
        return
    talk.call.transfer = {"to": to, "result": "done"}
    talk.progress("transfer", value="done", to=to, reason=None)
    raise HangUp("transferred", status="transferred")


def note(talk: "Talk", text: str) -> None:
    """Something the model is told and nobody hears."""
    now = round(talk.seconds * 1000)
    talk.call.messages.append({"role": "system", "content": text, "start_ms": now, "end_ms": now})


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value.strip():
        raise Refusal(400, f"{name}: this field is required", "missing_field", param=name, rang=False)
    return value


def _wrong(name: str, why: str) -> Refusal:
    return Refusal(400, f"{name}: {why}", "invalid_value", param=name, rang=False)
