import pytest

from apps.assistants.schema import (
    PLATFORM_DEFAULTS,
    clean_assistant,
    clean_one_time,
    clean_override,
    resolve_override,
    snake_keys,
)
from tests.assistants import bodies

STT = {"provider": "deepgram", "model": "nova-3", "language": "nl"}
LLM = {"provider": "openai", "model": "gpt-5.4"}
TTS = {"provider": "elevenlabs", "voice_id": "x"}
REALTIME = {"provider": "openai_live", "model": "gpt-live-1"}
CONTEXT = bodies.context()


def saved(**body):
    return clean_assistant({"name": "Desk", **body}, context=CONTEXT).require()


def one_time(body, **changes):
    return clean_one_time(body, context=bodies.context(**changes))


def override(body, **body_of_saved):
    return clean_override(body, saved=saved(**body_of_saved), context=CONTEXT)


def problems(outcome):
    return [(problem.path, problem.code) for problem in outcome.problems]


MISSING = "missing_field"
REFUSED = [
    ([], [("", "invalid_request")]),
    ({}, [("llm_config", MISSING)]),
    ({"llm_config": None, "stt_config": STT}, [("llm_config", MISSING)]),
    ({"llm_config": LLM}, [("stt_config", MISSING), ("tts_config", MISSING)]),
    ({"llm_config": LLM, "stt_config": None, "tts_config": TTS}, [("stt_config", MISSING)]),
    ({"llm_config": REALTIME, "metadata": []}, [("metadata", "invalid_value")]),
    ({"llm_config": REALTIME, "metadata": {"a": "x" * 16384}}, [("metadata", "invalid_value")]),
    ({"llm_config": REALTIME, "gdpr_mode": None}, [("gdpr_mode", "invalid_value")]),
    ({"llm_config": {"provider": "zzz", "model": "x"}, "stt_config": STT, "tts_config": TTS},
     [("llm_config.provider", "unknown_provider")]),
    ({"llm_config": LLM, "stt_config": STT, "tts_config": {}}, [("tts_config.voice_id", MISSING)]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "expected"), REFUSED)
def test_one_time_refused(body, expected):
    assert problems(one_time(body)) == expected


def test_one_time_keeps_what_was_sent():
    body = {
        "first_message": "Hi",
        "llm_config": LLM,
        "stt_config": STT,
        "tts_config": TTS,
        "metadata": {"crm_id": "77", "variables": {"name": "Sam"}},
        "speech_config": {"end_call_message": "Bye"},
        "analysis_plan": None,
        "gdpr_mode": True,
        "name": "Once",
        "business_name": "Acme",
        "recording_consent": {"enabled": "ignored"},
        "unknown": 1,
    }
    expected = {key: value for key, value in body.items() if key not in ("recording_consent", "unknown")}
    assert one_time(body).require() == expected


def test_realtime_needs_neither_stt_nor_tts():
    assert one_time({"llm_config": REALTIME}).require() == {"llm_config": REALTIME}
    nulls = {"llm_config": REALTIME, "stt_config": None, "tts_config": None}
    assert one_time(nulls).require() == {"llm_config": REALTIME}


def test_one_time_without_provider_takes_three_keys_of_the_platform_default():
    found = one_time({"llm_config": {"messages": []}, "stt_config": {}, "tts_config": {"voice_id": "v"}}).require()
    assert found == {
        "llm_config": {"provider": "openai", "model": "gpt-5.4", "messages": []},
        "stt_config": {"provider": "deepgram", "model": "nova-3-general", "language": "multi"},
        "tts_config": {"provider": "elevenlabs", "model": "eleven_flash_v2_5", "voice_id": "v"},
    }


def test_one_time_becomes_a_whole_assistant():
    values = one_time({"llm_config": REALTIME, "first_message": "Hi"}).require()
    whole = resolve_override({}, values, context=CONTEXT)
    assert set(whole) == {*saved(), "metadata"}
    assert (whole["first_message"], whole["tts_config"], whole["metadata"]) == ("Hi", None, {})
    assert (whole["silence_timeout_seconds"], whole["recording_consent"]) == (8, None)


SHORT = [
    ({"llm_config": {"temperature": 1}}, {"llm_config": {"provider": "openai", "model": "gpt-5", "temperature": 1}}),
    ({"llm_config": {"model": "gpt-5.1"}}, {"llm_config": {"provider": "openai", "model": "gpt-5.1"}}),
    ({"llm_config": {"provider": None}}, {"llm_config": {"provider": "openai", "model": "gpt-5"}}),
    ({"stt_config": {"language": "de"}}, {"stt_config": {"provider": "deepgram", "model": "nova-3", "language": "de"}}),
    ({"tts_config": {"voice_id": "v"}}, {"tts_config": {"provider": "inworld", "language": "nl", "voice_id": "v"}}),
]


@pytest.mark.parametrize(("sent", "expected"), SHORT)
def test_override_without_provider_takes_three_keys_of_the_saved_block(sent, expected):
    own = {
        "llm_config": {"provider": "openai", "model": "gpt-5", "temperature": 0, "messages": []},
        "stt_config": {**STT, "keyterms": ["x"]},
        "tts_config": {"provider": "inworld", "language": "nl", "voice_id": "Katrien", "speed": 1},
    }
    assert override(sent, **own).require() == expected


def test_override_of_a_realtime_assistant_takes_the_platform_tts():
    found = override({"tts_config": {"voice_id": "v"}}, llm_config=REALTIME).require()
    assert found == {"tts_config": {"provider": "elevenlabs", "model": "eleven_flash_v2_5", "voice_id": "v"}}


def test_override_is_optional_and_shallow():
    base = saved(first_message="Hi", llm_config={**LLM, "temperature": 0})
    values = clean_override({"llm_config": LLM, "metadata": {"a": 1}}, saved=base, context=CONTEXT).require()
    whole = resolve_override(base, values, context=CONTEXT)
    assert whole == {**base, "llm_config": LLM, "metadata": {"a": 1}}
    assert override({}).require() == {}
    whole["llm_config"]["model"] = "changed"
    assert base["llm_config"]["model"] == "gpt-5.4"


def test_override_with_a_text_llm_gives_a_realtime_assistant_a_voice():
    base = saved(llm_config=REALTIME)
    whole = resolve_override(base, {"llm_config": LLM}, context=CONTEXT)
    assert whole["tts_config"] == PLATFORM_DEFAULTS["tts_config"]


def test_override_null_clears_only_nullable_fields():
    assert override({"first_message": None}).require() == {"first_message": None}
    assert problems(override({"llm_config": None})) == [("llm_config", "invalid_value")]
    assert problems(override("x")) == [("", "invalid_request")]


def test_eu_only_counts_for_calls_too():
    found = one_time({"llm_config": LLM, "stt_config": STT, "tts_config": TTS}, eu_only=True)
    assert [path for path, _code in problems(found)] == [f"{part}_config.provider" for part in ("stt", "llm", "tts")]


def test_camel_case_answers():
    answer = {
        "assistantId": "x",
        "maxDurationSeconds": 300,
        "assistantOverride": {
            "firstMessage": "Hi",
            "first_message": "wins",
            "llmConfig": {"provider": "openai", "maxCompletionTokens": 5, "myKey": 1},
            "tts_config": {"voiceId": "v"},
            "metadata": {"crmId": 1},
        },
    }
    assert snake_keys(answer) == {
        "assistant_id": "x",
        "max_duration_seconds": 300,
        "assistant_override": {
            "first_message": "wins",
            "llm_config": {"provider": "openai", "max_completion_tokens": 5, "myKey": 1},
            "tts_config": {"voice_id": "v"},
            "metadata": {"crmId": 1},
        },
    }
