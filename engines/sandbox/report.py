"""The end-of-call report. Summary and analysis are made by rule and say so."""

import math
from typing import Any

from .calls import Call
from .clock import iso
from .examples import Examples
from .recording import describe
from .script import SCRIPTS

LONGEST_SUMMARY = 1000
LONGEST_QUOTE = 200


def make_report(call: Call, *, analysed: bool = True) -> dict[str, Any]:
    """Fields of `end-of-call-report`; also sets the call's summary and analysis, unless they are left to others."""
    spoken = [item for item in call.messages if item["role"] in ("user", "assistant")]
    call.summary = _summary(call, spoken) if analysed else ""
    call.analysis = _analysis(call, spoken) if analysed else None
    report: dict[str, Any] = {
        "duration_seconds": call.duration,
        "end_reason": call.end_reason,
        "started_at": iso(call.answered_at),
        "answered_at": iso(call.answered_at),
        "ended_at": iso(call.ended_at),
        "summary": call.summary,
        "analysis_done": analysed,
        "messages": call.messages,
        "usage": _usage(call, spoken),
        "recording": describe(call),
        "consent": call.consent,
        "voicemail": call.voicemail,
        "transfer": call.transfer,
    }
    if call.error:
        report["error"] = call.error
    if call.analysis is not None:
        report["analysis"] = call.analysis
    if report["recording"]:
        report["recording_url"] = report["recording"]["url"]
    return report


def _summary(call: Call, spoken: list[dict[str, Any]]) -> str:
    if not spoken:
        return ""
    script = SCRIPTS[call.assistant.language]
    parts = [script.marker]
    heard = [item["content"] for item in spoken if item["role"] == "user"]
    if call.voicemail["detected"]:
        left = spoken[-1]["content"] if call.voicemail["message_left"] else None
        parts.append(script.machine_left.format(text=_short(left)) if left else script.machine_silent)
    else:
        # "Hello?" says nothing; the first real sentence does.
        reason = next((text for text in heard if len(text) > 30), None)
        if heard:
            parts.append(script.said.format(text=_short(reason or heard[0])))
        parts += [script.used_tool.format(tool=tool["name"]) for tool in call.tool_calls]
        ending = script.endings.get(call.end_reason or "")
        parts.append(ending or script.other_ending.format(reason=call.end_reason))
    return " ".join(parts)[:LONGEST_SUMMARY]


def _analysis(call: Call, spoken: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Values that fit the plan's schema, by type; None when no analysis is due."""
    schema = call.assistant.analysis_schema
    if not schema or len(spoken) < call.assistant.analysis_threshold:
        return None
    marker = SCRIPTS[call.assistant.language].marker
    value = Examples(call.dice, marker, call.other).fill(schema)
    return value if isinstance(value, dict) else None


def _usage(call: Call, spoken: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Quantities a provider would have counted: four characters a token, the prompt again on every turn."""
    assistant = call.assistant
    written = sum(len(item["content"]) for item in spoken if item["role"] == "assistant")
    if assistant.realtime:
        return [_row(call, "llm", assistant.llm, "seconds", call.duration or 0)]
    context, read = sum(len(prompt) for prompt in assistant.prompts), 0
    for item in spoken:
        if item["role"] == "assistant":
            read += context
        context += len(item["content"])
    return [
        _row(call, "llm", assistant.llm, "input_tokens", math.ceil(read / 4)),
        _row(call, "llm", assistant.llm, "output_tokens", math.ceil(written / 4)),
        _row(call, "stt", assistant.stt, "seconds", call.duration or 0),
        _row(call, "tts", assistant.tts, "characters", written),
    ]


def _row(call: Call, part: str, config: dict[str, Any], unit: str, quantity: int) -> dict[str, Any]:
    provider = config.get("provider")
    return {
        "part": part,
        "provider": provider,
        "model": config.get("model"),
        "key": "own" if provider in call.assistant.own_keys else "platform",
        "unit": unit,
        "quantity": quantity,
    }


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE].rsplit(" ", 1)[0] + " …"
