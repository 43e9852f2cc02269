"""The assistant of a call, read from the configuration that travels with it."""

import re
from dataclasses import dataclass, field
from typing import Any

_PHRASES = (
    "voicemail; leave a message; please record; unavailable; not available; not here; after the tone; after the beep; "
    "press star; speak your message; call back later; mailbox; beep; message; spreek een bericht in; "
    "laat een bericht achter; na de toon; na de piep; niet bereikbaar; niet beschikbaar; antwoordapparaat; inspreken"
)
VOICEMAIL_PHRASES = tuple(_PHRASES.split("; "))
COUNTRIES = {"+31": "nl", "+32": "nl", "+49": "de", "+43": "de", "+41": "de"}
REALTIME = ("google_realtime", "xai_realtime", "openai_live")
AUDIO_TAG = re.compile(r"\[(?:sad|laughing|laughs|whispering|whispers|cheerfully|cautiously|excited|sighs)\]\s*", re.I)


@dataclass(slots=True)
class Tool:
    """A tool that the control plane runs for us."""

    name: str
    description: str
    parameters: dict[str, Any]
    runs_async: bool = False
    message: str | None = None
    server: str | None = None


@dataclass(slots=True)
class Silence:
    first: float
    interval: float
    attempts: int
    messages: list[str]
    final: str | None


@dataclass(slots=True)
class Assistant:
    name: str | None = None
    greeting: str = ""
    greeting_outbound: str = ""
    prompts: list[str] = field(default_factory=list)
    language: str = "en"
    tools: list[Tool] = field(default_factory=list)
    destinations: list[dict[str, Any]] = field(default_factory=list)
    ends_itself: bool = False
    silence: Silence | None = None
    voicemail_detection: bool = False
    voicemail_message: str = ""
    voicemail_phrases: list[str] = field(default_factory=lambda: list(VOICEMAIL_PHRASES))
    max_seconds: float | None = None
    end_message: str = ""
    end_phrases: list[str] = field(default_factory=list)
    consent_message: str | None = None
    record: bool = False
    channels: int = 2
    gdpr: bool = False
    analysis_schema: dict[str, Any] | None = None
    analysis_threshold: int = 2
    metadata: dict[str, Any] = field(default_factory=dict)
    llm: dict[str, Any] = field(default_factory=dict)
    stt: dict[str, Any] = field(default_factory=dict)
    tts: dict[str, Any] = field(default_factory=dict)
    own_keys: set[str] = field(default_factory=set)

    @property
    def realtime(self) -> bool:
        return self.llm.get("provider") in REALTIME

    def hears_machine(self, text: str) -> bool:
        """Voicemail detection (features.md 5) on the first utterance."""
        spoken = text.casefold()
        return any(phrase.casefold() in spoken for phrase in self.voicemail_phrases if phrase)

    def ends_call(self, text: str) -> bool:
        """True when a turn ends with one of the phrases that hang up; case and punctuation do not count."""
        spoken = _letters(text)
        return any(spoken.endswith(_letters(phrase)) for phrase in self.end_phrases if _letters(phrase))


def read_assistant(raw: dict[str, Any], beside: dict[str, Any], number: str | None) -> Assistant:
    """Read a one-time assistant.

    `beside` is the body around it (`record`, `credentials`, `max_duration_seconds`), `number` the other
    party, for the language of assistants that name none. Of `credentials` only the slot names are kept.
    """
    llm, stt, tts = (_object(raw.get(name)) for name in ("llm_config", "stt_config", "tts_config"))
    speech, record = _object(raw.get("speech_config")), _object(beside.get("record") or raw.get("record"))
    tools, destinations, ends_itself = _tools(llm.get("tools"))
    silence = _silence(raw, speech)
    plan = _object(_object(raw.get("analysis_plan")).get("structured_data_plan")) or _object(raw.get("analysis_plan"))
    consent = _object(raw.get("recording_consent"))
    limits = [_number(source.get("max_duration_seconds")) for source in (raw, beside)]
    phrases = [phrase for phrase in _list(raw.get("voicemail_phrases")) if isinstance(phrase, str)]
    return Assistant(
        name=raw.get("name") if isinstance(raw.get("name"), str) else None,
        greeting=_text(raw.get("first_message")),
        greeting_outbound=_text(speech.get("first_message_outbound")),
        prompts=[_text(item.get("content")) for item in _objects(llm.get("messages")) if item.get("role") == "system"],
        language=_language(stt, tts, llm, number),
        tools=tools,
        destinations=destinations,
        ends_itself=ends_itself or silence is not None,
        silence=silence,
        voicemail_detection=raw.get("voicemail_detection") is True,
        voicemail_message=_text(raw.get("voicemail_message")),
        voicemail_phrases=phrases or list(VOICEMAIL_PHRASES),
        max_seconds=min((limit for limit in limits if limit), default=None),
        end_message=_text(speech.get("end_call_message")),
        end_phrases=[phrase for phrase in _list(speech.get("end_call_phrases")) if isinstance(phrase, str)],
        consent_message=_text(consent.get("message")) if consent.get("enabled") is True else None,
        record=record.get("enabled") is True,
        channels=1 if record.get("channels") == 1 else 2,
        gdpr=raw.get("gdpr_mode") is True,
        analysis_schema=_object(plan.get("schema")) if plan.get("enabled") is True else None,
        analysis_threshold=int(_number(plan.get("min_messages_threshold")) or 2),
        metadata=_object(raw.get("metadata")),
        llm=llm,
        stt=stt,
        tts=tts,
        own_keys=set(_object(beside.get("credentials"))),
    )


def clean(text: str) -> str:
    """Text as it is spoken: without the audio tags that some voices take (features.md 2)."""
    return AUDIO_TAG.sub("", text).strip()


def _tools(entries: Any) -> tuple[list[Tool], list[dict[str, Any]], bool]:
    tools: list[Tool] = []
    destinations: list[dict[str, Any]] = []
    ends_itself = False
    for entry in _objects(entries):
        kind = entry.get("type")
        if kind in ("end_call", "endCall"):
            ends_itself = True
        elif kind in ("transfer_call", "transferCall"):
            destinations += [item for item in _objects(entry.get("destinations")) if _text(item.get("number"))]
        elif kind == "mcp":
            server = _text(entry.get("mcp_server_id"))
            tools += [Tool(_text(name), "", {}, server=server) for name in _list(entry.get("allowed_tools"))[:1]]
        else:
            inner = _object(entry.get("function")) or entry
            runs_async = entry.get("async") is True
            message = entry.get("message") or entry.get("async_response") or entry.get("asyncResponse")
            name, parameters = _text(inner.get("name")), _object(inner.get("parameters"))
            if name:
                about = _text(inner.get("description"))
                tools.append(Tool(name, about, parameters, runs_async, _text(message) or None))
    return tools, destinations, ends_itself


def _silence(raw: dict[str, Any], speech: dict[str, Any]) -> Silence | None:
    """Silence handling (features.md 4), None when it is off."""
    if raw.get("autonomous_silence_handling") is not True:
        return None
    part = _object(speech.get("silence"))
    first = _number(part.get("first_check_seconds")) or 3 if part else _number(raw.get("silence_timeout_seconds")) or 8
    return Silence(
        first=first,
        interval=_number(part.get("interval_seconds")) or 12,
        attempts=int(_number(part.get("max_attempts")) or 3),
        messages=[text for text in _list(part.get("messages")) if isinstance(text, str) and text],
        final=_text(part.get("final_message")) or None,
    )


def _language(stt: dict[str, Any], tts: dict[str, Any], llm: dict[str, Any], number: str | None) -> str:
    """nl, en or de: what the configuration names, else the country of the other party."""
    hint = _object(llm.get("transcription")).get("language_hint")
    for value in (stt.get("language"), hint, tts.get("language")):
        code = _text(value)[:2].lower()
        if code in ("nl", "en", "de"):
            return code
    return COUNTRIES.get((number or "")[:3], "en")


def _letters(text: str) -> str:
    return " ".join(re.findall(r"\w+", text.casefold()))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in _list(value) if isinstance(item, dict)]


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _number(value: Any) -> float | None:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0 else None
