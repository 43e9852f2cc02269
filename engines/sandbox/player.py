"""Plays a call from the first ring to the last word, as its outcome says."""

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from .assistant import read_assistant
from .calls import Call, HangUp
from .clock import iso, utc_now
from .commands import transfer
from .events import NoAnswer
from .report import make_report
from .talk import Talk
from .tools import run_tool
from .wishes import OWN_TOOLS, ask_back, opt_out

if TYPE_CHECKING:
    from .engine import Engine

log = logging.getLogger("sandbox")

ANSWER_SECONDS = 6
CONSENT_SECONDS = 10


async def play(engine: "Engine", call: Call) -> None:
    """Play a phone call to its end; never raises."""
    try:
        talk = await _connect(engine, call)
        try:
            await _converse(talk)
        except HangUp as end:
            await finish(engine, call, end, await talk.finish(end))
    except HangUp as end:
        await finish(engine, call, end, 0)
    except asyncio.CancelledError:
        await finish(engine, call, _broken("The engine was stopped"), call.talked)
    except Exception:
        log.exception("call %s broke", call.id)
        await finish(engine, call, _broken("The sandbox failed"), call.talked)


async def finish(engine: "Engine", call: Call, end: HangUp, seconds: int) -> None:
    """Final status: ring log first, then the events. A call without an answer has no report."""
    unanswered = call.answered_at is None
    call.end_reason, call.error, call.duration = end.reason, end.error, seconds
    call.status = "failed" if unanswered and call.direction != "inbound" else end.status
    call.ended_at = utc_now()
    if not unanswered:
        call.answered_at = call.ended_at - timedelta(seconds=seconds)
    if call.direction != "web":
        engine.rings.settle(call.id, seconds)
    report = None if unanswered else make_report(call, analysed=not engine.faults.settings["no_analysis"])
    final: dict[str, Any] = {"end_reason": end.reason}
    if call.wire_status == "ended-with-error":
        final["error"] = end.error or "Call failed"
    engine.events.emit(call, "status-update", **final)
    if report is not None:
        engine.events.emit(call, "end-of-call-report", **report)
    if call.assistant.gdpr:
        call.messages, call.tool_calls, call.summary, call.analysis = [], [], None, None
    engine.calls.ended(call)
    other = (call.other or "text")[-4:]
    log.info("%s %s …%s %s, %s, %d s", call.id, call.direction, other, call.status, end.reason, seconds)


def _broken(error: str) -> HangUp:
    return HangUp("error", status="ended-with-error", error=error)


async def _connect(engine: "Engine", call: Call) -> Talk:
    """Everything before the talk. Raises HangUp when nobody answers."""
    call.status = "ringing"
    if call.direction == "inbound":
        await _ask_assistant(engine, call)
        talk = Talk(engine, call)
        await _ask_consent(talk)
    else:
        talk = Talk(engine, call)
        await _ring(talk)
    await talk.answered()
    return talk


async def _ring(talk: Talk) -> None:
    call, dice = talk.call, talk.dice
    talk.progress("ringing")
    longest = float(call.ring_seconds)
    if call.outcome == "busy":
        await _idle(call, min(longest, dice.uniform(1.5, 4)))
        raise HangUp("busy")
    if call.outcome == "no_answer":
        await _idle(call, longest)
        raise HangUp("no_answer")
    usual = dice.uniform(14, 22) if call.outcome == "voicemail" else dice.uniform(3, 16)
    await _idle(call, min(usual, longest * 0.9))


async def _idle(call: Call, seconds: float) -> None:
    await call.pace.until(call.pace.seconds + seconds, lambda: False)


async def _ask_assistant(engine: "Engine", call: Call) -> None:
    """`assistant-request`, once. Without a usable answer there is no assistant: the sandbox keeps none."""
    try:
        answer = await engine.events.ask(call, "assistant-request", ANSWER_SECONDS, forwarded_from=call.forwarded_from)
    except NoAnswer as problem:
        raise HangUp("no_assistant", status="rejected", error=str(problem)) from None
    if not isinstance(answer, dict):
        raise HangUp("no_assistant", status="rejected", error="the answer is no object")
    if isinstance(answer.get("reject"), dict):
        raise HangUp("rejected_by_webhook", status="rejected")
    raw = answer.get("assistant")
    if isinstance(raw, dict):
        call.assistant = read_assistant(raw, answer, call.other)
        engine.bind_inbound(call, answer.get("reference"))
    if isinstance(answer.get("error"), str):
        await _idle(call, len(answer["error"].split()) * 0.36)
        raise HangUp("rejected_by_webhook", status="rejected", error=answer["error"])
    if not isinstance(raw, dict) or not isinstance(raw.get("llm_config"), dict):
        raise HangUp("no_assistant", status="rejected", error="the answer holds no assistant")
    await _idle(call, call.dice.uniform(0.5, 1.5))


async def _ask_consent(talk: Talk) -> None:
    """Recording consent (features.md 15): nothing is heard or kept before key 1."""
    call, message = talk.call, talk.assistant.consent_message
    if message is None:
        return
    # A caller whose outcome was asked for agrees: its story would not be told otherwise.
    kind = talk.dice.choices(["given", "declined", "timeout"], weights=[80, 10, 10])[0]
    kind = "given" if call.asked else kind
    call.consent["asked_at"] = iso(call.stamp())
    talk.progress("consent", value="asked", digit=None)
    await _idle(call, len(message.split()) * 0.36)
    if call.outcome == "hangs_up_early":
        raise HangUp("user_hangup")
    if kind == "timeout":
        await _idle(call, CONSENT_SECONDS + len(message.split()) * 0.36 + CONSENT_SECONDS)
        talk.progress("consent", value="timeout", digit=None)
        raise HangUp("consent_timeout")
    await _idle(call, talk.dice.uniform(1, 5))
    if kind == "declined":
        talk.progress("consent", value="declined", digit="2")
        raise HangUp("consent_declined")
    call.consent["given_at"] = iso(call.stamp())
    talk.progress("consent", value="given", digit="1")


async def _converse(talk: Talk) -> None:
    """The talk itself; always ends with HangUp."""
    call, assistant = talk.call, talk.assistant
    heard = ""
    if call.direction == "outbound":
        if call.outcome == "voicemail":
            await _machine(talk)
        else:
            talk.progress("answered_by", value="human")
        if assistant.voicemail_detection:
            # The greeting waits for the first utterance (features.md 5); here it always comes in time.
            heard = talk.pick(talk.script.hello)
            await talk.wait(talk.dice.uniform(0.2, 0.8))
            await _hear_first(talk, heard)
    greeting = assistant.greeting if call.direction == "inbound" else assistant.greeting_outbound or assistant.greeting
    if greeting:
        early = call.outcome == "hangs_up_early"
        await talk.say(greeting, share=talk.dice.uniform(0.3, 0.7) if early else 1.0)
    if call.outcome == "hangs_up_early":
        raise HangUp("user_hangup")
    await _exchanges(talk)


async def _hear_first(talk: Talk, text: str) -> None:
    await talk.hear(text)
    if talk.assistant.hears_machine(text):
        await _leave_message(talk)


async def _machine(talk: Talk) -> None:
    """A voicemail answers. Without detection the assistant talks to it until somebody gives up."""
    greeting = talk.pick(talk.script.machine)
    found = talk.assistant.voicemail_detection and talk.assistant.hears_machine(greeting)
    talk.progress("answered_by", value="machine" if found else "unsure")
    await talk.wait(0.5)
    await talk.hear(greeting)
    if found:
        await _leave_message(talk)
    first = talk.assistant.greeting_outbound or talk.assistant.greeting
    if first:
        await talk.say(first)
    await silence(talk, for_good=True)


async def _leave_message(talk: Talk) -> None:
    talk.call.voicemail["detected"] = True
    if talk.assistant.voicemail_message:
        await talk.say(talk.assistant.voicemail_message)
        talk.call.voicemail["message_left"] = True
    raise HangUp("voicemail")


async def silence(talk: Talk, *, for_good: bool) -> None:
    """The other side says nothing: checks of features.md 4, or a hang-up of the other side."""
    rules, script = talk.assistant.silence, talk.script
    if rules is None:
        await talk.wait(talk.dice.uniform(12, 20) if for_good else talk.dice.uniform(2, 5))
        if for_good:
            raise HangUp("user_hangup")
        return
    comes_back = talk.dice.randint(1, max(1, rules.attempts - 1))
    texts = rules.messages or script.silence[:2]
    for attempt in range(1, rules.attempts + 1):
        await talk.wait(rules.first if attempt == 1 else rules.interval)
        last = attempt == rules.attempts
        line = rules.final if last and rules.final else texts[min(attempt, len(texts)) - 1]
        if last and not rules.final and not rules.messages:
            line = script.silence[2]
        await talk.say(line)
        if not for_good and attempt >= comes_back and not last:
            await talk.hear(talk.pick(script.back))
            return
    raise HangUp("silence_timeout")


async def _exchanges(talk: Talk) -> None:
    """Questions and quotes, a tool, and the end that the outcome asks for."""
    call, script, dice = talk.call, talk.script, talk.dice
    # A short prompt makes a short talk: nobody wants to hear one sentence six times.
    count = min(dice.randint(3, 6), max(2, talk.quotes.count))
    questions = dice.sample(script.questions, count)
    with_tool = dice.random() < 0.5 or call.asked
    tools = [tool for tool in talk.assistant.tools if tool.name not in OWN_TOOLS]
    with_tool = with_tool and bool(tools) and call.outcome == "answered"
    tool_at = dice.randrange(count)
    gone = not call.asked and dice.random() < 0.04
    quiet = not call.asked and dice.random() < 0.12
    opening = script.reasons if call.direction == "inbound" else script.replies
    line = talk.pick(opening)
    for index in range(count):
        if call.outcome == "opts_out":
            await opt_out(talk)
        if call.outcome == "asks_callback" and index == 1:
            await ask_back(talk)
        if call.outcome == "asks_for_person" and index == 1:
            await _hand_over(talk)
        await talk.hear(line)
        if call.outcome == "engine_error":
            raise _broken("Simulated engine error")
        if with_tool and index == tool_at:
            await run_tool(talk, dice.choice(tools))
        else:
            await talk.say(reply(talk, line))
        if gone and index == count - 2:
            await silence(talk, for_good=True)
        if quiet and index == 1:
            await silence(talk, for_good=False)
        line = f"{talk.pick(script.reactions)} {questions[index]}"
    await talk.hear(talk.pick(script.goodbyes))
    await say_goodbye(talk)


def reply(talk: Talk, heard: str) -> str:
    """A quote of the prompt with a fixed phrase around it."""
    quote = talk.quotes.take(heard)
    return talk.pick(talk.script.no_prompt) if quote is None else talk.pick(talk.script.quotes).format(quote=quote)


async def say_goodbye(talk: Talk) -> None:
    """The assistant hangs up when it can, else the other side does."""
    assistant = talk.assistant
    goodbye = assistant.end_message or talk.pick(talk.script.goodbye)
    if assistant.ends_itself:
        await talk.say(goodbye)
        raise HangUp("assistant_hangup")
    if assistant.end_phrases and not assistant.ends_call(goodbye):
        goodbye = f"{goodbye} {assistant.end_phrases[0]}"
    await talk.say(goodbye)
    raise HangUp("user_hangup")


async def _hand_over(talk: Talk) -> None:
    await talk.hear(talk.pick(talk.script.asks_person))
    await hand_over(talk)
    await talk.hear(talk.pick(talk.script.goodbyes))
    raise HangUp("user_hangup")


async def hand_over(talk: Talk) -> None:
    """Transfer to the first destination; without one, say so."""
    destinations = talk.assistant.destinations
    if not destinations:
        await talk.say(talk.script.no_transfer)
        return
    message = destinations[0].get("message")
    await transfer(talk, destinations[0]["number"], message or talk.script.before_transfer)
