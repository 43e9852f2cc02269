"""Random configs of assistants, tools, plans and workflow definitions, by hand from api 8.15 and 9."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

from tests.properties.shapes import Inner, composed, parts, spoilt
from tests.properties.values import (
    EXTRA,
    FLAG,
    FUNCTION_NAME,
    JSON,
    NAME,
    NO_OBJECT,
    NOBODY,
    PROMPT,
    PROMPTS,
    SPOKEN,
    UNSTORABLE,
    Kind,
    Values,
    addresses,
    choice,
    decimal,
    listed,
    phones,
    unicode,
    whole,
    words,
)

WEB, SAID, WORD = addresses("http", "https"), words(SPOKEN), words(NAME, 1)
NO_ONE = st.sampled_from(["acme", "OpenAI", " openai", 7, True, [], {}])


def _kind_of(*ids: str) -> Kind:
    return Kind(st.sampled_from(ids), NO_ONE)


# JSON Schemas (8.10): objects, kept with whatever else they hold.
_PROPERTY = st.one_of(
    st.fixed_dictionaries({"type": st.sampled_from(["string", "integer", "number", "boolean", "null"])}, optional={"description": unicode(60), "title": unicode(20)}),
    st.fixed_dictionaries({"enum": st.lists(unicode(8), min_size=1, max_size=3, unique=True)}),
    st.fixed_dictionaries({"type": st.just("array"), "items": st.just({"type": "string"})}, optional={"minItems": st.integers(0, 9)}),
    st.fixed_dictionaries({"type": st.just("number")}, optional={"maximum": st.floats(1, 1e308), "minimum": st.floats(-1e22, 0)}),
)  # fmt: skip
_SCHEMA = st.fixed_dictionaries(
    {"type": st.just("object"), "properties": st.dictionaries(unicode(12, 1), _PROPERTY, max_size=3)},
    optional={"additionalProperties": st.booleans(), "required": st.lists(unicode(8), max_size=2, unique=True), "x-note": JSON},
)
SCHEMA = Kind(
    _SCHEMA,
    st.one_of(
        NO_OBJECT, st.sampled_from([{"type": "string"}, {"type": "array"}, {"type": 7}, {"type": "object", "properties": []}, {"type": "object", "required": "a"}]),
        st.sampled_from([{"$ref": "https://example.com/s.json"}, {"type": "object", "properties": {"a": {"$ref": "//example.com/a"}}}, {"description": "x" * 65_536}]),
        spoilt(_SCHEMA, "description", UNSTORABLE),
    ),
)  # fmt: skip

# Tools (9.6).
DESTINATION = composed(
    {"number": Kind(phones().good, phones().bad)}, {"description": PROMPTS, "message": SAID, "type": Kind(st.just("number"), st.sampled_from(["sip", 7]))}
)
DESTINATIONS = Kind(
    st.lists(DESTINATION.good, min_size=1, max_size=3),
    st.one_of(st.sampled_from([[], {}, "a", 7, [7]]), spoilt(DESTINATION.good.map(lambda each: [each]), "0", DESTINATION.bad)),
)
_WEBHOOK = {"url": WEB, "async": FLAG, "message": SAID, "parameters": SCHEMA}
FLAT_TOOL = composed({"name": FUNCTION_NAME}, {"description": PROMPTS, **_WEBHOOK})
_NESTED = composed(
    {"type": Kind(st.just("function"), st.sampled_from(["dance", 7])), "function": composed({"name": FUNCTION_NAME}, {"description": PROMPTS, "parameters": SCHEMA})},
    {"server": composed({"url": WEB}, {"secret": words(255)}), "async": FLAG},
)
_END = Kind(parts({"type": Kind(st.sampled_from(["end_call", "endCall"]), st.nothing())}), st.nothing())
_TRANSFER = composed({"type": Kind(st.sampled_from(["transfer_call", "transferCall"]), st.sampled_from(["transfer", 7])), "destinations": DESTINATIONS})


def _named(tool: Any) -> str:
    built_in = {"end_call": "e", "endCall": "e", "transfer_call": "t", "transferCall": "t", "mcp": "m"}
    return str((tool.get("function") or tool).get("name") or built_in.get(tool.get("type")))


def tools(server: str = "") -> Kind:
    """Lists that mix all shapes, no name twice; with tools of an MCP server when one is given."""
    kinds = [FLAT_TOOL, _NESTED, _END, _TRANSFER]
    if server:
        known = Kind(st.just(server), st.sampled_from([NOBODY, "x", 7, ""]))
        kinds.append(composed({"type": Kind(st.just("mcp"), st.just("mcp2")), "mcp_server_id": known, "allowed_tools": listed(WORD, 25, 1)}, {"required": FLAG}))
    good = st.lists(st.one_of(*(kind.good for kind in kinds)), max_size=3, unique_by=_named)
    wrong = [spoilt(kind.good.map(lambda tool: [tool]), "0", kind.bad) for kind in kinds if kind is not _END]
    twice = FUNCTION_NAME.good.map(lambda name: Inner([{"name": name, "description": "a"}] * 2, "1"))
    many = st.just([{"name": f"t{number}", "description": "d"} for number in range(65)])
    return Kind(good, st.one_of(st.sampled_from(["", 7, {}, [7], [None]]), twice, many, *wrong))


def _messages(*roles: str) -> Kind:
    return listed(composed({"role": Kind(st.sampled_from(roles), st.sampled_from(["tool", "System", 7, ""])), "content": PROMPTS}), None, entries=3)


# 9.1 to 9.3. `bad` is wrong for the provider that the base names; settings of others are kept unread.
_LANGUAGE = Kind(st.sampled_from(["multi", "nl", "en", "zh", "nl-NL", "xx"]), st.sampled_from(["", 7, [], {}, "x" * 201]))
_TEXTS = listed(words(100), None, entries=3)


def _provided(provider: str, required: dict[str, Kind], settings: dict[str, Kind]) -> Kind:
    return composed({"provider": _kind_of(provider), **required}, settings)


_STT = {"model": WORD, "language": _LANGUAGE}
STT = [
    _provided("deepgram", _STT, {
        "keyterms": _TEXTS, "smart_format": FLAG, "numerals": FLAG, "no_delay": FLAG, "filler_words": FLAG, "utterance_end_ms": whole(1000, 5000),
        "endpointing": Kind(st.one_of(st.integers(0, 5000), st.sampled_from([0.05, 0.5, 300.5])), st.sampled_from([-1, 5001, 10**9])),
    }),
    _provided("elevenlabs", _STT, {"tag_audio_events": FLAG, "include_timestamps": FLAG, "sample_rate": choice(16000, 8000)}),
    _provided("gladia", _STT, {
        "languages": _TEXTS, "code_switching": FLAG, "region": choice("eu-west", "us-west"), "endpointing": decimal(0.01, 1), "custom_vocabulary": _TEXTS,
        "translation_enabled": FLAG, "translation_target_languages": _TEXTS,
    }),
    _provided("mistral", _STT, {}), _provided("google", _STT, {}),
]  # fmt: skip
_LOOSE = Kind(st.one_of(st.integers(-(10**6), 10**6), st.floats(-1e6, 1e6)), st.sampled_from(["1", True, []]))
_TURNS = composed({}, dict.fromkeys(("threshold", "prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"), _LOOSE))
_SEARCHES = listed(composed({"type": choice("file_search"), "vector_store_ids": listed(WORD, None, 1)}, {"max_num_results": whole(1, 50)}), None, entries=1)
_GROK, _GEMINI, _GPT = choice("ara", "eve", "rex"), choice("Puck", "Kore"), choice("marin", "stone")


def llm_configs(server: str) -> list[Kind]:
    base = {"temperature": decimal(0, 2), "messages": _messages("system", "user", "assistant"), "tools": tools(server)}
    tokens, model = whole(1, 32768), {"model": WORD}
    return [
        _provided("openai", model, base | {"max_completion_tokens": tokens}), _provided("google", model, base | {"max_completion_tokens": tokens}),
        _provided("mistral", model, base), _provided("xai", model, base),
        _provided("google_realtime", model, base | {"voice": _GEMINI, "vertexai": FLAG, "location": SAID, "max_output_tokens": tokens, "analysis_model": SAID}),
        _provided("xai_realtime", model, base | {
            "voice": _GROK, "turn_detection": _TURNS, "reasoning_effort": choice("none", "high"), "speed": decimal(0.7, 1.5), "provider_tools": _SEARCHES,
            "transcription": composed({}, {"language_hint": SAID, "keyterms": listed(words(50), 100)}),
        }),
        _provided("openai_live", model, base | {"voice": _GPT, "delegation": composed({}, {"model": choice("gpt-5.6-luna"), "instructions": PROMPTS})}),
    ]  # fmt: skip


_ELEVEN = {
    "stability": decimal(0, 1), "similarity_boost": decimal(0, 1), "style": decimal(0, 1), "speed": decimal(0.5, 2), "use_speaker_boost": FLAG,
    "apply_text_normalization": choice("auto", "on", "off"), "language": SAID,
}  # fmt: skip
_V3 = parts({"provider": choice("elevenlabs", "11labs"), "voice_id": WORD, "model": choice("eleven_v3", "eleven_v4", "eleven_v4_turbo")}, extra=None)
TTS = [
    composed({"provider": _kind_of("elevenlabs", "11labs"), "voice_id": WORD}, {"model": Kind(st.sampled_from(["eleven_flash_v2_5", "my_model"]), st.sampled_from([7, [], "x" * 201]))} | _ELEVEN,
             more=spoilt(_V3, "similarity_boost", st.floats(0, 1)) | spoilt(_V3, "use_speaker_boost", st.booleans())),
    _provided("inworld", {"voice_id": WORD}, {"language": SAID, "speed": decimal(0.5, 2)}),
    _provided("google", {"voice_id": choice("Kore", "Puck")}, {"instructions": PROMPTS, "language": SAID}),
    _provided("google", {"voice_id": choice("Kore", "Puck"), "model": Kind(st.just("chirp-3-hd"), st.sampled_from([7, []]))}, {"speaking_rate": decimal(0.25, 2)}),
    _provided("xai", {"voice_id": choice("ara", "eve")}, {"language": SAID}), _provided("voicedock", {"voice_id": choice("voicedock")}, {}),
]  # fmt: skip


def any_of(kinds: list[Kind]) -> Kind:
    return Kind(st.one_of(*(kind.good for kind in kinds)), st.one_of(*(kind.bad for kind in kinds)))


# 9.4: delays are drawn so that their order holds.
_LOWER, _UPPER = decimal(0.1, 2.5), decimal(2.5, 5)
_LINE = words(300, 1)
_CLIPS = choice("office", "city", "forest", "crowded_room")
SPEECH = composed({}, {
    "turn_taking": composed(
        {}, {"endpointing_min_delay": Kind(_LOWER.good, decimal(0.1, 5).bad), "endpointing_max_delay": Kind(_UPPER.good, decimal(0.1, 5).bad),
             "interruption_min_duration": decimal(0.05, 2), "interruption_min_words": whole(0, 10),
             "false_interruption_timeout": Kind(st.none() | decimal(0.2, 5).good, decimal(0.2, 5).bad)},
        more=st.just(Inner({"endpointing_min_delay": 3, "endpointing_max_delay": 2}, "endpointing_max_delay")),
    ),
    "pronunciation": listed(composed({"from": words(64, 1), "to": words(128)}), 50, entries=2),
    "background_audio": composed({}, {"enabled": FLAG, "clip": _CLIPS, "volume": decimal(0.05, 1)}),
    "silence": composed({}, {
        "messages": listed(_LINE, 5), "final_message": Kind(st.none() | unicode(300), words(300).bad), "first_check_seconds": decimal(1, 60),
        "interval_seconds": decimal(3, 120), "max_attempts": whole(1, 10),
    }),
    "end_call_message": Kind(st.none() | unicode(300), words(300).bad), "first_message_outbound": Kind(st.none() | unicode(300), words(300).bad),
    "end_call_phrases": Kind(st.none() | st.lists(unicode(98).map(lambda text: "ok" + text), max_size=5), st.sampled_from([["a"] * 6, ["!?"], ["okay", 7], "bye", ["a" * 101]])),
})  # fmt: skip


def plan(template: str) -> Kind:
    """9.5, with the older spelling: a template's id."""
    ident = Kind(st.just(template), st.sampled_from([NOBODY, "x", 7, ""]))
    required, rest = {"enabled": FLAG}, {"schema": SCHEMA, "messages": _messages("system", "user")}
    inner = composed(required, rest)
    copied = Kind(st.one_of(inner.good, parts(required | {"template_id": ident})), st.one_of(inner.bad, spoilt(parts(required, extra=None), "template_id", st.sampled_from([NOBODY, "x", 7, []]))))
    return composed({}, {"structured_data_plan": copied, "min_messages_threshold": whole(0, 10_000)})


@st.composite
def _definitions(draw: Any) -> dict[str, Any]:
    """A definition in which every rule holds: a chain of conversations, with ways out to each other type."""
    names = draw(st.lists(st.from_regex(r"[a-z][a-z0-9_]{0,40}", fullmatch=True), min_size=4, max_size=7, unique=True))
    talks, (tool, transfer, end) = names[3:], names[:3]
    more = {"llm_config": composed({}, {"temperature": decimal(0, 2)}), "tools": tools(), "first_line": SAID, "stt_config": STT[0]}
    ui = Kind(st.fixed_dictionaries({}, optional={"x": st.floats(-1e9, 1e9), "y": st.integers(-(10**9), 10**9)}), st.nothing())
    nodes = [{"id": name, "type": "conversation", **draw(parts({"instructions": Kind(unicode(300, 1), PROMPTS.bad)}, {**more, "ui": ui}))} for name in talks]
    nodes[0] |= draw(st.sampled_from([{}, {"global": False}, {"global": True, "global_description": "Always."}]))
    nodes[-1] |= draw(st.one_of(st.just({}), st.fixed_dictionaries({"voice": unicode(50, 1)}), st.fixed_dictionaries({"tts_config": TTS[0].good})))
    nodes.append({"id": tool, "type": "tool", **draw(parts({"tool_name": FUNCTION_NAME}, {"url": WEB, "arguments": Kind(EXTRA, st.nothing()), "first_line": SAID}))})
    nodes.append({"id": transfer, "type": "transfer", **draw(parts({"destination": phones()}, {"first_line": SAID}))})
    nodes.append({"id": end, "type": "end", **draw(parts({}, {"first_line": SAID}))})
    ways = [*itertools.pairwise(talks), *((talks[0], other) for other in (tool, transfer, end))]
    edges = [{"from": start, "to": target, **draw(parts({"description": Kind(unicode(300, 1), PROMPTS.bad)}, {"message": SAID}))} for start, target in ways]
    edges.append({"from": tool, "to": talks[0], **draw(parts({}, {"description": SAID, "message": SAID}))})
    return {"version": 1, "entry_node": talks[0], "nodes": nodes, "edges": edges, **draw(parts({}, {"global_prompt": PROMPTS}))}


_TALK = {"id": "greet", "type": "conversation", "instructions": "Greet."}
_BASE: Values = st.just({"version": 1, "entry_node": "greet", "nodes": [_TALK, {"id": "t", "type": "transfer", "destination": "+31201234567"}], "edges": [{"from": "greet", "to": "t", "description": "d"}]})
_BARE: Values = st.just({"version": 1, "entry_node": "greet", "nodes": [_TALK], "edges": []})
DEFINITION = Kind(
    st.one_of(_definitions(), parts({"version": choice(1), "entry_node": Kind(st.just("greet"), st.nothing()), "nodes": Kind(st.just([_TALK]), st.nothing())})),
    st.one_of(
        NO_OBJECT,
        *(spoilt(_BASE, path, bad) for path, bad in (
            ("version", st.sampled_from([0, 2, "1", True, None, []])), ("entry_node", st.sampled_from(["start", "t", "", None, 7, []])), ("nodes", st.sampled_from([[], {}, None, "a", [7], [_TALK] * 2])),
            ("edges", st.sampled_from([{}, "a", 7, [7], [{}], [{"from": "greet", "to": "greet", "description": "d"}]])), ("nodes.0.id", st.sampled_from(["Not Good", "", None, 7, "a" * 42, "1a"])),
            ("nodes.0.type", st.sampled_from(["dance", None, 7, []])), ("nodes.0.instructions", words(PROMPT, 1).bad), ("nodes.0.global", st.sampled_from(["true", 1, []])),
            ("nodes.0.voice", words(NAME, 1).bad), ("nodes.0.tts_config", TTS[0].bad), ("nodes.0.stt_config", STT[0].bad), ("nodes.0.tools", tools().bad), ("nodes.0.first_line", words(SPOKEN).bad),
            ("nodes.0.ui", NO_OBJECT), ("nodes.0.llm_config", st.just(Inner({"provider": "xai_realtime"}, "provider"))), ("nodes.0.llm_config", st.just(Inner({"temperature": 3}, "temperature"))),
            ("nodes.1.destination", phones().bad), ("edges.0.to", st.sampled_from(["nowhere", "", None, 7, []])), ("edges.0.from", st.sampled_from(["nowhere", "t", None, 7])),
            ("edges.0.description", st.one_of(st.sampled_from([None, "", 7]), UNSTORABLE)), ("edges.0.message", words(SPOKEN).bad), ("global_prompt", PROMPTS.bad),
        )),
        spoilt(_BARE, "nodes", st.just([_TALK, {"id": "look", "type": "tool", "tool_name": "look"}])),
    ),
)  # fmt: skip
