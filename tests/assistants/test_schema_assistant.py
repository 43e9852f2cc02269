import copy

import pytest
from hypothesis import HealthCheck, example, given, settings

from apps.assistants.schema import PLATFORM_DEFAULTS, clean_assistant, defaults, is_realtime, language_of
from apps.core.errors import Invalid
from tests.assistants import bodies

REALTIME = {"provider": "xai_realtime", "model": "grok-voice-think-fast-2.0"}
TEXT_LLM = {"provider": "mistral", "model": "mistral-medium-latest"}
OWN_TTS = {"provider": "inworld", "voice_id": "Katrien"}


def clean(body, stored=None, **changes):
    return clean_assistant(body, context=bodies.context(**changes), partial=stored is not None, stored=stored)


def problems(body, stored=None, **changes):
    return [(problem.path, problem.code) for problem in clean(body, stored, **changes).problems]


def created(**body):
    return clean({"name": "Desk", **body}).require()


def test_a_name_is_enough():
    assert created() == {
        "name": "Desk",
        "business_name": None,
        "notification_email": None,
        "notification_emails": None,
        "recording_consent": None,
        "first_message": None,
        "is_active": True,
        "max_duration_seconds": None,
        "autonomous_silence_handling": False,
        "silence_timeout_seconds": 8,
        "voicemail_detection": False,
        "voicemail_message": None,
        "gdpr_mode": False,
        "webhook_url": None,
        "webhook_secret": None,
        "webhook_events": None,
        "analysis_plan": None,
        "stt_config": {"provider": "deepgram", "model": "nova-3-general", "language": "multi"},
        "llm_config": {"provider": "openai", "model": "gpt-5.4", "temperature": 0.7, "messages": [], "tools": []},
        "tts_config": {
            "provider": "elevenlabs",
            "model": "eleven_flash_v2_5",
            "voice_id": "ukiwGs47sHyibruHJ1vg",
            "stability": 0.5,
            "similarity_boost": 0.75,
        },
        "speech_config": None,
    }


def test_defaults_are_copies_and_the_operator_replaces_whole_configs():
    created()["llm_config"]["messages"].append("x")
    assert created()["llm_config"]["messages"] == []
    chosen = defaults({"tts_config": OWN_TTS, "name": "ignored"})
    assert chosen == {**PLATFORM_DEFAULTS, "tts_config": OWN_TTS}
    assert clean({"name": "Desk"}, defaults=chosen).values["tts_config"] == OWN_TTS


def test_acceptance_check_2_mixed_settings_are_echoed():
    body = {
        "stt_config": {"provider": "deepgram", "model": "nova-3", "language": "nl", "endpointing": 0.05},
        "llm_config": {"provider": "openai", "model": "gpt-5.4", "voice": "ara"},
        "tts_config": {"provider": "elevenlabs", "voice_id": "x", "instructions": "slowly", "speaking_rate": 99},
        "webhook_url": "http://example.org/hook",
        "webhook_events": ["status-update", "no-such-event"],
    }
    outcome = clean(copy.deepcopy(body), stored=created())
    assert (outcome.values, outcome.problems, outcome.warnings) == (body, [], [])


def test_unknown_and_read_only_keys_are_ignored():
    sent = {"id": "x", "org_id": "y", "colour": "red", "created_at": 1}
    assert created(**sent) == created()


@pytest.mark.parametrize("body", [None, [], "text", 3, True])
def test_a_body_that_is_no_object(body):
    assert problems(body) == [("", "invalid_request")]


REFUSED = [
    ({}, ("name", "missing_field")),
    ({"name": None}, ("name", "missing_field")),
    ({"name": ""}, ("name", "invalid_value")),
    ({"name": "  "}, ("name", "invalid_value")),
    ({"name": "x" * 201}, ("name", "invalid_value")),
    ({"name": 3}, ("name", "invalid_value")),
    ({"business_name": "x" * 201}, ("business_name", "invalid_value")),
    ({"notification_email": "nobody"}, ("notification_email", "invalid_value")),
    ({"notification_email": "a@" + "x" * 60 + ".x" * 100 + ".org"}, ("notification_email", "invalid_value")),
    ({"notification_email": ["a@example.org"]}, ("notification_email", "invalid_value")),
    ({"notification_emails": ["a@example.org", "x"]}, ("notification_emails.1", "invalid_value")),
    ({"notification_emails": ["a@example.org"] * 6}, ("notification_emails", "invalid_value")),
    ({"notification_emails": "a@example.org"}, ("notification_emails", "invalid_value")),
    ({"recording_consent": {"message": "x"}}, ("recording_consent.enabled", "missing_field")),
    ({"recording_consent": {"enabled": True}}, ("recording_consent.message", "missing_field")),
    ({"recording_consent": {"enabled": True, "message": " "}}, ("recording_consent.message", "invalid_value")),
    ({"recording_consent": {"enabled": "yes", "message": "x"}}, ("recording_consent.enabled", "invalid_value")),
    ({"first_message": "x" * 2001}, ("first_message", "invalid_value")),
    ({"is_active": "true"}, ("is_active", "invalid_value")),
    ({"is_active": 1}, ("is_active", "invalid_value")),
    ({"is_active": None}, ("is_active", "invalid_value")),
    ({"max_duration_seconds": 0}, ("max_duration_seconds", "invalid_value")),
    ({"max_duration_seconds": 2**31}, ("max_duration_seconds", "invalid_value")),
    ({"max_duration_seconds": 1.5}, ("max_duration_seconds", "invalid_value")),
    ({"max_duration_seconds": True}, ("max_duration_seconds", "invalid_value")),
    ({"max_duration_seconds": "60"}, ("max_duration_seconds", "invalid_value")),
    ({"silence_timeout_seconds": 61}, ("silence_timeout_seconds", "invalid_value")),
    ({"silence_timeout_seconds": 0}, ("silence_timeout_seconds", "invalid_value")),
    ({"silence_timeout_seconds": None}, ("silence_timeout_seconds", "invalid_value")),
    ({"autonomous_silence_handling": None}, ("autonomous_silence_handling", "invalid_value")),
    ({"voicemail_message": "x" * 2001}, ("voicemail_message", "invalid_value")),
    ({"gdpr_mode": None}, ("gdpr_mode", "invalid_value")),
    ({"webhook_url": "ftp://example.org"}, ("webhook_url", "invalid_value")),
    ({"webhook_url": "example.org"}, ("webhook_url", "invalid_value")),
    ({"webhook_url": "https://"}, ("webhook_url", "invalid_value")),
    ({"webhook_url": "https://[x"}, ("webhook_url", "invalid_value")),
    ({"webhook_url": "https://a b"}, ("webhook_url", "invalid_value")),
    ({"webhook_url": "http://10.0.0.1/x"}, ("webhook_url", "invalid_value")),
    ({"webhook_url": "https://example.org/" + "x" * 2048}, ("webhook_url", "invalid_value")),
    ({"webhook_url": {}}, ("webhook_url", "invalid_value")),
    ({"webhook_secret": ""}, ("webhook_secret", "invalid_value")),
    ({"webhook_secret": "x" * 256}, ("webhook_secret", "invalid_value")),
    ({"webhook_events": "all"}, ("webhook_events", "invalid_value")),
    ({"webhook_events": [1]}, ("webhook_events.0", "invalid_value")),
    ({"stt_config": None}, ("stt_config", "invalid_value")),
    ({"llm_config": None}, ("llm_config", "invalid_value")),
    ({"llm_config": []}, ("llm_config", "invalid_value")),
    ({"speech_config": []}, ("speech_config", "invalid_value")),
    ({"analysis_plan": []}, ("analysis_plan", "invalid_value")),
    ({"first_message": "a\x00b"}, ("first_message", "invalid_value")),
    ({"first_message": "\ud800"}, ("first_message", "invalid_value")),
]


@pytest.mark.parametrize(("body", "expected"), REFUSED)
def test_refused(body, expected):
    whole = body if body == {} or "name" in body else {"name": "Desk", **body}
    assert problems(whole) == [expected]


@pytest.mark.parametrize(("body", "expected"), REFUSED[2:])
def test_refused_in_patch_too(body, expected):
    assert problems(body, stored=created()) == [expected]


def test_problems_become_the_error_body():
    with pytest.raises(Invalid) as raised:
        clean({"is_active": 1}).require()
    assert raised.value.body() == {
        "error": "Validation failed",
        "message": "name: this field is required",
        "details": ["name: this field is required", "is_active: must be true or false"],
        "type": "missing_field",
        "param": "name",
    }


def test_problems_of_a_part_name_the_whole_path():
    outcome = clean({"is_active": 1}, stored=created()).under("assistant_override")
    assert [str(problem) for problem in outcome.problems] == ["assistant_override.is_active: must be true or false"]
    assert clean([]).under("assistant").problems[0].path == "assistant"


def test_patch_returns_only_what_was_sent_and_null_clears():
    sent = {"first_message": None, "voicemail_detection": None, "speech_config": None, "webhook_events": []}
    assert clean(sent, stored=created()).require() == sent
    assert clean({}, stored=created()).require() == {}
    assert problems({"name": None}, stored=created()) == [("name", "invalid_value")]


def test_whole_numbers_are_stored_whole():
    found = created(max_duration_seconds=300.0)["max_duration_seconds"]
    assert (found, type(found)) == (300, int)


TTS = [
    # sent, stored llm, stored tts, resulting tts ("absent" = the PATCH does not touch it)
    ({"tts_config": None}, TEXT_LLM, OWN_TTS, PLATFORM_DEFAULTS["tts_config"]),
    ({"tts_config": None}, REALTIME, OWN_TTS, None),
    ({"tts_config": None, "llm_config": REALTIME}, TEXT_LLM, OWN_TTS, None),
    ({"tts_config": OWN_TTS}, REALTIME, None, OWN_TTS),
    ({"llm_config": REALTIME}, TEXT_LLM, PLATFORM_DEFAULTS["tts_config"], None),
    ({"llm_config": REALTIME}, TEXT_LLM, OWN_TTS, "absent"),
    ({"llm_config": TEXT_LLM}, REALTIME, None, PLATFORM_DEFAULTS["tts_config"]),
    ({"llm_config": TEXT_LLM}, REALTIME, OWN_TTS, "absent"),
    ({"name": "x"}, REALTIME, None, "absent"),
]


@pytest.mark.parametrize(("sent", "llm", "tts", "expected"), TTS)
def test_tts_follows_the_llm(sent, llm, tts, expected):
    stored = {**created(), "llm_config": llm, "tts_config": tts}
    assert clean(sent, stored=stored).require().get("tts_config", "absent") == expected


def test_tts_at_creation():
    assert created(llm_config=REALTIME)["tts_config"] is None
    assert created(llm_config=REALTIME, tts_config=OWN_TTS)["tts_config"] == OWN_TTS
    assert created(tts_config=None)["tts_config"] == PLATFORM_DEFAULTS["tts_config"]


def test_eu_only_names_each_part():
    assert problems({"name": "Desk"}, eu_only=True) == [
        ("stt_config.provider", "invalid_value"),
        ("llm_config.provider", "invalid_value"),
        ("tts_config.provider", "invalid_value"),
    ]
    mistral_stt = {"provider": "mistral", "model": "voxtral-mini-latest", "language": "nl"}
    inside = {"name": "Desk", "stt_config": mistral_stt, "llm_config": TEXT_LLM, "tts_config": OWN_TTS}
    assert problems(inside, eu_only=True) == []
    live = {"provider": "google_realtime", "model": "gemini-3.8-live", "vertexai": True, "location": "europe-west4"}
    assert problems({"name": "Desk", "llm_config": live}, eu_only=True) == []
    assert problems({"name": "Other"}, stored=created(), eu_only=True) == []


def test_helpers():
    assert [is_realtime(config) for config in (REALTIME, TEXT_LLM, {}, None)] == [True, False, False, False]
    spelled = [{"language": "nl-NL"}, {"language": "multi"}, {"language": "tlh"}, {"language": 3}, None]
    assert [language_of(config) for config in spelled] == ["nl", "multi", "tlh", None, None]


@given(bodies.assistants())
@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_valid_is_sent_comes_back_equal(body):
    sent = copy.deepcopy(body)
    outcome = clean(body, local_models=True)
    assert outcome.problems == []
    echoed = {key: outcome.values[key] for key in sent}
    if "tts_config" in sent and sent["tts_config"] is None:
        del sent["tts_config"], echoed["tts_config"]
    assert echoed == sent
    patched = clean(body, stored=outcome.values, local_models=True)
    assert {key: patched.values[key] for key in sent} == sent


FIELD_NAMES = sorted(created())


@given(bodies.st.dictionaries(bodies.st.sampled_from(FIELD_NAMES), bodies.JSON, min_size=1))
@example({"llm_config": {"provider": [], "model": {}, "messages": 3, "tools": [[], {"type": []}, {"function": 2}]}})
@example({"tts_config": {"provider": "google", "voice_id": []}})
@example({"stt_config": {"provider": "gladia", "model": 3, "language": [], "endpointing": "x"}})
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_random_values_give_problems_that_name_the_field_never_an_exception(body):
    outcome = clean(body, stored=created())
    for problem in outcome.problems:
        assert problem.path.split(".")[0] in body
        assert problem.text
    untouched = {key for key in body if not any(p.path.split(".")[0] == key for p in outcome.problems)}
    assert untouched <= set(outcome.values)
