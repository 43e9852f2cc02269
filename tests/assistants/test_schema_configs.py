import pytest

from apps.assistants.schema import clean_assistant
from tests.assistants import bodies

DEEPGRAM = {"provider": "deepgram", "model": "nova-3", "language": "nl"}
GLADIA = {"provider": "gladia", "model": "solaria-1", "language": "nl"}
SCRIBE = {"provider": "elevenlabs", "model": "scribe_v2_realtime", "language": "nl"}
OPENAI = {"provider": "openai", "model": "gpt-5.4"}
GROK = {"provider": "xai_realtime", "model": "grok-voice-think-fast-2.0"}
LIVE = {"provider": "openai_live", "model": "gpt-live-1"}
GEMINI = {"provider": "google_realtime", "model": "gemini-3.8-live"}
ELEVEN = {"provider": "elevenlabs", "voice_id": "x"}
GOOGLE = {"provider": "google", "voice_id": "Kore"}


def judge(key, config, **changes):
    outcome = clean_assistant({key: config}, context=bodies.context(**changes), partial=True, stored={})
    if outcome.ok:
        assert outcome.values[key] == config
    return outcome


def problems(key, config, **changes):
    return [(problem.path, problem.code) for problem in judge(key, config, **changes).problems]


INVALID = "invalid_value"
REFUSED = [
    ("stt_config", {}, [(f"stt_config.{k}", "missing_field") for k in ("provider", "model", "language")]),
    ("stt_config", {"provider": "deepgram", "model": "nova-3"}, [("stt_config.language", "missing_field")]),
    ("stt_config", {**DEEPGRAM, "provider": "dragon"}, [("stt_config.provider", "unknown_provider")]),
    ("stt_config", {**DEEPGRAM, "provider": 3}, [("stt_config.provider", INVALID)]),
    ("stt_config", {**DEEPGRAM, "model": 3}, [("stt_config.model", INVALID)]),
    ("stt_config", {**DEEPGRAM, "language": 3}, [("stt_config.language", INVALID)]),
    ("stt_config", {**DEEPGRAM, "provider": "whisper"}, [("stt_config.provider", INVALID)]),
    ("stt_config", {**DEEPGRAM, "endpointing": 5001}, [("stt_config.endpointing", INVALID)]),
    ("stt_config", {**DEEPGRAM, "endpointing": -1}, [("stt_config.endpointing", INVALID)]),
    ("stt_config", {**DEEPGRAM, "utterance_end_ms": 999}, [("stt_config.utterance_end_ms", INVALID)]),
    ("stt_config", {**DEEPGRAM, "utterance_end_ms": 1500.5}, [("stt_config.utterance_end_ms", INVALID)]),
    ("stt_config", {**DEEPGRAM, "smart_format": "yes"}, [("stt_config.smart_format", INVALID)]),
    ("stt_config", {**DEEPGRAM, "keyterms": ["a", 3]}, [("stt_config.keyterms.1", INVALID)]),
    ("stt_config", {**DEEPGRAM, "keyterms": [None]}, [("stt_config.keyterms.0", INVALID)]),
    ("stt_config", {**DEEPGRAM, "keyterms": "a"}, [("stt_config.keyterms", INVALID)]),
    ("stt_config", {**GLADIA, "endpointing": 300}, [("stt_config.endpointing", INVALID)]),
    ("stt_config", {**GLADIA, "endpointing": "0.05"}, [("stt_config.endpointing", INVALID)]),
    ("stt_config", {**GLADIA, "region": "mars"}, [("stt_config.region", INVALID)]),
    ("stt_config", {**SCRIBE, "sample_rate": 44100}, [("stt_config.sample_rate", INVALID)]),
    ("stt_config", {**SCRIBE, "sample_rate": "16000"}, [("stt_config.sample_rate", INVALID)]),
    ("llm_config", {"provider": "openai"}, [("llm_config.model", "missing_field")]),
    ("llm_config", {"model": "gpt-5.4"}, [("llm_config.provider", "missing_field")]),
    ("llm_config", {**OPENAI, "provider": "deepgram"}, [("llm_config.provider", "unknown_provider")]),
    ("llm_config", {**OPENAI, "temperature": 2.1}, [("llm_config.temperature", INVALID)]),
    ("llm_config", {**OPENAI, "temperature": "hot"}, [("llm_config.temperature", INVALID)]),
    ("llm_config", {**OPENAI, "temperature": True}, [("llm_config.temperature", INVALID)]),
    ("llm_config", {**OPENAI, "temperature": float("nan")}, [("llm_config.temperature", INVALID)]),
    ("llm_config", {**OPENAI, "anything": float("inf")}, [("llm_config.anything", INVALID)]),
    ("llm_config", {**OPENAI, "max_completion_tokens": 32769}, [("llm_config.max_completion_tokens", INVALID)]),
    ("llm_config", {**OPENAI, "messages": {}}, [("llm_config.messages", INVALID)]),
    ("llm_config", {**OPENAI, "messages": ["x"]}, [("llm_config.messages.0", INVALID)]),
    (
        "llm_config",
        {**OPENAI, "messages": [{}]},
        [("llm_config.messages.0.role", "missing_field"), ("llm_config.messages.0.content", "missing_field")],
    ),
    (
        "llm_config",
        {**OPENAI, "messages": [{"role": "tool", "content": "x"}]},
        [("llm_config.messages.0.role", INVALID)],
    ),
    (
        "llm_config",
        {**OPENAI, "messages": [{"role": "system", "content": "x" * 100_001}]},
        [("llm_config.messages.0.content", INVALID)],
    ),
    ("llm_config", {**GROK, "voice": "Puck"}, [("llm_config.voice", INVALID)]),
    ("llm_config", {**LIVE, "voice": "ara"}, [("llm_config.voice", INVALID)]),
    ("llm_config", {**GEMINI, "voice": "ara"}, [("llm_config.voice", INVALID)]),
    ("llm_config", {**GEMINI, "vertexai": 1}, [("llm_config.vertexai", INVALID)]),
    ("llm_config", {**GEMINI, "max_output_tokens": 0}, [("llm_config.max_output_tokens", INVALID)]),
    ("llm_config", {**LIVE, "delegation": {"model": "gpt-4"}}, [("llm_config.delegation.model", INVALID)]),
    ("llm_config", {**GROK, "reasoning_effort": "low"}, [("llm_config.reasoning_effort", INVALID)]),
    ("llm_config", {**GROK, "speed": 1.6}, [("llm_config.speed", INVALID)]),
    ("llm_config", {**GROK, "turn_detection": []}, [("llm_config.turn_detection", INVALID)]),
    (
        "llm_config",
        {**GROK, "turn_detection": {"threshold": "x"}},
        [("llm_config.turn_detection.threshold", INVALID)],
    ),
    (
        "llm_config",
        {**GROK, "transcription": {"keyterms": ["x" * 51]}},
        [("llm_config.transcription.keyterms.0", INVALID)],
    ),
    (
        "llm_config",
        {**GROK, "transcription": {"keyterms": ["x"] * 101}},
        [("llm_config.transcription.keyterms", INVALID)],
    ),
    ("llm_config", {**GROK, "provider_tools": [{}]}, [("llm_config.provider_tools.0.type", "missing_field")]),
    ("llm_config", {**GROK, "provider_tools": [{"type": "x"}]}, [("llm_config.provider_tools.0.type", INVALID)]),
    (
        "llm_config",
        {**GROK, "provider_tools": [{"type": "file_search"}]},
        [("llm_config.provider_tools.0.vector_store_ids", "missing_field")],
    ),
    (
        "llm_config",
        {**GROK, "provider_tools": [{"type": "file_search", "vector_store_ids": [], "max_num_results": 51}]},
        [
            ("llm_config.provider_tools.0.vector_store_ids", INVALID),
            ("llm_config.provider_tools.0.max_num_results", INVALID),
        ],
    ),
    (
        "llm_config",
        {**GROK, "provider_tools": [{"type": "x_search", "allowed_x_handles": ["a"] * 21}]},
        [("llm_config.provider_tools.0.allowed_x_handles", INVALID)],
    ),
    ("tts_config", {"provider": "elevenlabs"}, [("tts_config.voice_id", "missing_field")]),
    ("tts_config", {**ELEVEN, "voice_id": 3}, [("tts_config.voice_id", INVALID)]),
    ("tts_config", {**ELEVEN, "stability": 1.1}, [("tts_config.stability", INVALID)]),
    ("tts_config", {**ELEVEN, "speed": 0.4}, [("tts_config.speed", INVALID)]),
    ("tts_config", {**ELEVEN, "apply_text_normalization": "maybe"}, [("tts_config.apply_text_normalization", INVALID)]),
    ("tts_config", {**ELEVEN, "provider": "11labs", "style": 2}, [("tts_config.style", INVALID)]),
    ("tts_config", {**ELEVEN, "model": "eleven_v3", "speed": 1}, [("tts_config.speed", INVALID)]),
    (
        "tts_config",
        {**ELEVEN, "model": "eleven_v4", "similarity_boost": 9, "style": 0, "use_speaker_boost": False},
        [(f"tts_config.{name}", INVALID) for name in ("similarity_boost", "style", "use_speaker_boost")],
    ),
    ("tts_config", {**GOOGLE, "voice_id": "ara"}, [("tts_config.voice_id", INVALID)]),
    ("tts_config", {**GOOGLE, "model": "chirp-3-hd", "speaking_rate": 3}, [("tts_config.speaking_rate", INVALID)]),
    ("tts_config", {"provider": "xai", "voice_id": "Kore"}, [("tts_config.voice_id", INVALID)]),
    ("tts_config", {"provider": "voicedock", "voice_id": "x"}, [("tts_config.voice_id", INVALID)]),
    ("tts_config", {"provider": "piper", "voice_id": "nl_NL-pim-medium"}, [("tts_config.provider", INVALID)]),
]


@pytest.mark.parametrize(("key", "config", "expected"), REFUSED)
def test_refused(key, config, expected):
    assert problems(key, config) == expected


ACCEPTED = [
    ("stt_config", {**DEEPGRAM, "endpointing": 0.05, "sample_rate": 1, "languages": 3}),
    ("stt_config", {**DEEPGRAM, "endpointing": 300, "keyterms": [], "no_delay": None}),
    ("stt_config", {**GLADIA, "endpointing": 1, "utterance_end_ms": 3}),
    ("stt_config", {**SCRIBE, "sample_rate": 8000}),
    ("stt_config", {**DEEPGRAM, "language": "nl-NL"}),
    ("llm_config", {**OPENAI, "model": "gpt-4o", "voice": "nobody", "turn_detection": "x", "speed": 99}),
    ("llm_config", {**OPENAI, "messages": None, "tools": None, "temperature": 2}),
    ("llm_config", {"provider": "mistral", "model": "mistral-medium-latest", "max_completion_tokens": -1}),
    ("llm_config", {**GROK, "turn_detection": {"threshold": 9, "idle_timeout_ms": -4, "silence_duration_ms": None}}),
    ("llm_config", {**GROK, "provider_tools": [{"type": "web_search"}, {"type": "x_search"}]}),
    ("llm_config", {**GROK, "model": "grok-realtime-v1", "max_completion_tokens": "x"}),
    ("llm_config", {**LIVE, "delegation": {"model": "gpt-5.6-luna", "instructions": "x" * 5000}}),
    ("llm_config", {**GEMINI, "analysis_model": "old", "location": "europe-west4"}),
    ("tts_config", {**ELEVEN, "provider": "11labs", "model": "eleven_monolingual_v1"}),
    ("tts_config", {**ELEVEN, "model": "eleven_v3", "stability": 0.2, "speed": None, "instructions": 4}),
    ("tts_config", {**GOOGLE, "speaking_rate": 99}),
    ("tts_config", {"provider": "xai", "voice_id": "ara", "model": "whatever"}),
]


@pytest.mark.parametrize(("key", "config"), ACCEPTED)
def test_accepted_without_a_warning(key, config):
    outcome = judge(key, config)
    assert (outcome.problems, outcome.warnings) == ([], [])


def test_unknown_models_and_languages_are_warnings():
    assert judge("llm_config", {**OPENAI, "model": "gpt-9"}).warnings == [
        "llm_config.model: “gpt-9” is not a known model of OpenAI"
    ]
    assert judge("stt_config", {**DEEPGRAM, "language": "tlh"}).warnings == [
        "stt_config.language: “tlh” is not a known language"
    ]


def test_strict_mode_refuses_unknown_models_but_not_older_ones():
    assert problems("llm_config", {**OPENAI, "model": "gpt-9"}, strict_models=True) == [("llm_config.model", INVALID)]
    assert problems("llm_config", {**OPENAI, "model": "gpt-4o"}, strict_models=True) == []


def test_local_models_need_access():
    whisper = {"provider": "whisper", "model": "large-v3", "language": "nl"}
    piper = {"provider": "piper", "voice_id": "nl_NL-pim-medium"}
    assert problems("stt_config", whisper, local_models=True) == []
    assert problems("tts_config", piper, local_models=True) == []
    assert problems("tts_config", {**piper, "voice_id": "x"}, local_models=True) == [("tts_config.voice_id", INVALID)]
    own = {"local_models": True, "local_voices": frozenset({"x"})}
    assert problems("tts_config", {**piper, "voice_id": "x"}, **own) == []


def test_messages_quote_long_values_shortened():
    outcome = judge("llm_config", {**OPENAI, "provider": "x" * 100_000})
    assert len(str(outcome.problems[0])) < 300


def test_nesting_has_a_limit():
    deep = {}
    for _step in range(2000):
        deep = {"a": deep}
    outcome = judge("llm_config", {**OPENAI, "extra": deep})
    assert [str(problem) for problem in outcome.problems] == ["llm_config: is nested too deeply"]


SPEECH = [
    ({"turn_taking": {"endpointing_min_delay": 0.05}}, "turn_taking.endpointing_min_delay", INVALID),
    (
        {"turn_taking": {"endpointing_min_delay": 3, "endpointing_max_delay": 2}},
        "turn_taking.endpointing_max_delay",
        INVALID,
    ),
    ({"turn_taking": {"interruption_min_words": 1.5}}, "turn_taking.interruption_min_words", INVALID),
    ({"turn_taking": {"false_interruption_timeout": 6}}, "turn_taking.false_interruption_timeout", INVALID),
    ({"turn_taking": []}, "turn_taking", INVALID),
    ({"pronunciation": [{"from": "a", "to": "b"}] * 51}, "pronunciation", INVALID),
    ({"pronunciation": [{"from": "a"}]}, "pronunciation.0.to", "missing_field"),
    ({"pronunciation": [{"to": "a"}]}, "pronunciation.0.from", "missing_field"),
    ({"pronunciation": [{"from": "", "to": "b"}]}, "pronunciation.0.from", INVALID),
    ({"pronunciation": [{"from": "x" * 65, "to": "b"}]}, "pronunciation.0.from", INVALID),
    ({"pronunciation": [{"from": "a", "to": "x" * 129}]}, "pronunciation.0.to", INVALID),
    ({"pronunciation": ["a"]}, "pronunciation.0", INVALID),
    ({"background_audio": {"clip": "beach"}}, "background_audio.clip", INVALID),
    ({"background_audio": {"volume": 0.01}}, "background_audio.volume", INVALID),
    ({"silence": {"messages": ["a"] * 6}}, "silence.messages", INVALID),
    ({"silence": {"messages": [""]}}, "silence.messages.0", INVALID),
    ({"silence": {"final_message": "x" * 301}}, "silence.final_message", INVALID),
    ({"silence": {"first_check_seconds": 0.5}}, "silence.first_check_seconds", INVALID),
    ({"silence": {"interval_seconds": 2}}, "silence.interval_seconds", INVALID),
    ({"silence": {"max_attempts": 11}}, "silence.max_attempts", INVALID),
    ({"end_call_message": "x" * 301}, "end_call_message", INVALID),
    ({"first_message_outbound": 3}, "first_message_outbound", INVALID),
    ({"end_call_phrases": ["a"] * 6}, "end_call_phrases", INVALID),
    ({"end_call_phrases": ["a!"]}, "end_call_phrases.0", INVALID),
    ({"end_call_phrases": ["x" * 101]}, "end_call_phrases.0", INVALID),
]


@pytest.mark.parametrize(("config", "path", "code"), SPEECH)
def test_speech_refused(config, path, code):
    assert problems("speech_config", config) == [(f"speech_config.{path}", code)]


def test_speech_accepted():
    config = {
        "turn_taking": {"endpointing_min_delay": 2, "endpointing_max_delay": 2, "false_interruption_timeout": None},
        "pronunciation": [{"from": "GmbH", "to": ""}],
        "background_audio": {"enabled": True, "clip": "office", "volume": 0.05},
        "silence": {"messages": ["Still there?"], "final_message": None, "first_check_seconds": 1.5},
        "end_call_message": None,
        "first_message_outbound": "",
        "end_call_phrases": ["ok", "tot ziens!"],
        "unknown_part": {"x": 1},
    }
    assert judge("speech_config", config).ok
    assert judge("speech_config", dict.fromkeys(config)).ok
