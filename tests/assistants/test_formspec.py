import pytest

from apps.assistants import formspec
from apps.assistants.formspec_texts import TEXTS
from apps.catalog import providers

PAIRS = [(part, entry.id) for part in ("llm", "stt", "tts") for entry in providers.providers(part)]


def walk(fields):
    for field in fields:
        yield field
        yield from walk(field.fields)
        yield from walk(field.variants)


def every_field():
    shown = [field for part, provider in PAIRS for field in formspec.fields(part, provider)]
    return list(walk([*shown, *formspec.speech_fields()]))


@pytest.mark.parametrize(("part", "provider"), PAIRS)
def test_every_setting_of_the_catalogue_is_shown(part, provider):
    hidden = {"stt": {"language"}, "llm": {"analysis_model"}, "tts": set()}[part]
    shown = [field.name for field in formspec.fields(part, provider)]
    assert shown == [name for name in providers.provider(part, provider).settings if name not in hidden]


def test_every_field_has_a_label_and_help_for_people():
    for field in every_field():
        assert str(field.label), field.name
        assert "_" not in str(field.label), field.name
        assert str(field.help).endswith("."), field.name


def test_no_text_is_left_over():
    names = {field.name for field in every_field()} | {"analysis_model"}
    assert {key.rpartition(".")[2] for key in TEXTS} <= names


def test_a_field_carries_its_limits():
    found = {field.name: field for field in formspec.fields("tts", "elevenlabs")}
    stability, speed = found["stability"], found["speed"]
    assert (stability.kind, stability.minimum, stability.maximum, stability.step) == ("float", 0, 1, 0.01)
    assert (stability.default, stability.refused_models) == (0.5, ())
    assert speed.refused_models == ("eleven_v4_turbo", "eleven_v4", "eleven_v3")
    (rate,) = [field for field in formspec.fields("tts", "google") if field.name == "speaking_rate"]
    assert rate.only_models == ("chirp-3-hd",)
    units = [str(f.unit) for p in ("deepgram", "gladia") for f in formspec.fields("stt", p) if f.name == "endpointing"]
    assert units == ["ms", "seconds"]


def test_objects_lists_and_variants():
    found = {field.name: field for field in formspec.fields("llm", "xai_realtime")}
    assert [part.name for part in found["turn_detection"].fields] == [
        "threshold",
        "prefix_padding_ms",
        "silence_duration_ms",
        "idle_timeout_ms",
    ]
    tools = found["provider_tools"]
    assert (tools.kind, [variant.name for variant in tools.variants]) == (
        "objects",
        ["web_search", "x_search", "file_search"],
    )
    assert [(field.name, field.required) for field in tools.variants[2].fields] == [
        ("vector_store_ids", True),
        ("max_num_results", False),
    ]
    speech = {field.name: field for field in formspec.speech_fields()}
    assert [field.name for field in speech["pronunciation"].fields] == ["from", "to"]
    assert (speech["end_call_phrases"].kind, speech["end_call_phrases"].max_items) == ("list", 5)
    assert [name for name, field in speech.items() if field.pipeline_only] == [
        "turn_taking",
        "pronunciation",
        "end_call_message",
    ]


def test_provider_choices():
    def ids(part, **rule):
        return [value for value, _label in formspec.provider_choices(part, **rule)]

    assert "piper" not in ids("tts")
    assert "piper" in ids("tts", local_models=True)
    assert ids("llm", eu_only=True) == ["mistral", "google", "google_realtime"]


def test_a_stored_unknown_value_stays_choosable():
    assert formspec.model_choices("llm", "mistral", "old-model")[-1] == ("old-model", "old-model")
    assert len(formspec.model_choices("llm", "mistral", "mistral-large-latest")) == 6
    assert formspec.voice_choices("tts", "xai", "gone")[-1] == ("gone", "gone")
    assert formspec.language_choices("tlh")[-1] == ("tlh", "tlh")


def test_choices_have_names():
    languages = dict(formspec.language_choices())
    assert set(languages) == set(providers.languages())
    assert not [code for code, name in languages.items() if str(name) == code]
    assert str(dict(formspec.model_choices("llm", "openai"))["gpt-5-nano"]) == "gpt-5-nano (older)"
    assert ("nl_NL-pim-medium", "Pim (nl)") in formspec.voice_choices("tts", "piper")
    assert formspec.voice_choices("tts", "inworld") is None
    assert formspec.voice_choices("llm", "openai") is None
    assert formspec.fields("llm", "nobody") == ()
