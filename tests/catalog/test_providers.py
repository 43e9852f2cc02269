import dataclasses
import json
from pathlib import Path

import pytest

from apps.catalog import providers

DATA = Path(providers.__file__).parent / "data"


def test_providers_by_part():
    listed = {part: [entry.id for entry in providers.providers(part)] for part in providers.PARTS}
    assert listed == {
        "llm": ["openai", "xai", "mistral", "google", "google_realtime", "xai_realtime", "openai_live"],
        "stt": ["deepgram", "elevenlabs", "gladia", "mistral", "google", "whisper"],
        "tts": ["elevenlabs", "inworld", "google", "xai", "voicedock", "piper"],
        "postcall_stt": ["elevenlabs", "deepgram"],
        "postcall_llm": ["openai", "xai", "mistral", "google"],
    }


def test_every_provider_of_the_file_is_read():
    catalog = json.loads((DATA / "provider-catalog.json").read_text())
    for part in providers.PARTS:
        local = catalog["ours_local_providers"].get(part, {})
        assert {entry.id for entry in providers.providers(part)} == {*catalog[part]["providers"], *local}
    assert {entry.id for entry in providers.providers("llm") if entry.mode == "realtime"} == set(
        catalog["llm"]["realtime"]
    )
    for entry in providers.providers("llm"):
        spec = catalog["llm"]["providers"][entry.id]
        assert set(entry.settings) == set(spec["settings"]) - {"messages", "tools"}
        assert [model.id for model in entry.models] == [model["id"] for model in spec["models"]]


@pytest.mark.parametrize(
    ("provider", "expected"),
    [
        ("xai_realtime", True),
        ("google_realtime", True),
        ("openai_live", True),
        ("openai", False),
        ("x", False),
        ([], False),
    ],
)
def test_is_realtime(provider, expected):
    assert providers.is_realtime(provider) is expected


def test_alias_and_unknown():
    assert providers.provider("tts", "11labs") == providers.provider("tts", "elevenlabs")
    assert providers.provider("stt", "11labs") is None
    assert providers.provider("llm", {"a": 1}) is None


def test_required_keys():
    assert {part: providers.required_keys(part) for part in ("stt", "llm", "tts")} == {
        "stt": ("provider", "model", "language"),
        "llm": ("provider", "model"),
        "tts": ("provider", "voice_id"),
    }
    for part in ("stt", "llm", "tts"):
        assert {entry.required for entry in providers.providers(part)} == {providers.required_keys(part)}


def test_models_and_their_flags():
    openai = providers.provider("llm", "openai")
    assert openai.default_model == "gpt-5.4"
    assert [model.id for model in openai.models if model.legacy] == ["gpt-5-nano", "gpt-4.1-nano", "gpt-4o-mini"]
    assert [openai.knows_model(name) for name in ("gpt-5.4", "gpt-4o", "gpt-9")] == [True, True, False]
    assert providers.provider("stt", "whisper").knows_model("anything")
    assert providers.provider("llm", "google_realtime").model("gemini-3.8-live").requires_key_slot == "google"


def test_settings_depend_on_the_model():
    google = providers.provider("tts", "google")
    assert set(google.settings_for("chirp-3-hd")) == {"instructions", "language", "speaking_rate"}
    assert set(google.settings_for(None)) == {"instructions", "language"}
    elevenlabs = providers.provider("tts", "elevenlabs")
    assert elevenlabs.refused_settings("eleven_v3") == ("similarity_boost", "style", "speed", "use_speaker_boost")
    assert elevenlabs.refused_settings(None) == ()


def test_ranges():
    endpointing = {name: providers.provider("stt", name).settings["endpointing"] for name in ("deepgram", "gladia")}
    assert {name: (s.type, s.unit, s.minimum, s.maximum) for name, s in endpointing.items()} == {
        "deepgram": ("integer", "ms", 0, 5000),
        "gladia": ("number", "s", 0.01, 1),
    }


def test_languages():
    assert len(providers.languages()) == 28
    assert providers.languages()[:2] == ("multi", "nl")
    spelled = ["nl", "nl-NL", "NL-nl", "nb-NO", "multi", "xx"]
    assert [providers.language_code(text) for text in spelled] == ["nl", "nl", "nl", "no", "multi", None]
    assert [providers.bcp47(code) for code in ("multi", "nl", "xx")] == [("nl-NL", "en-US"), ("nl-NL",), ()]


def test_voices_of():
    assert providers.voices_of("llm", "openai_live") == ("marin", "beacon", "cinder", "stone", "vesper")
    assert providers.voices_of("tts", "voicedock") == ("voicedock",)
    assert providers.voices_of("tts", "elevenlabs") is None
    assert providers.voices_of("llm", "openai") is None
    assert providers.voices_of("tts", "piper") == tuple(voice.id for voice in providers.voices())
    defaults = {entry.id: entry.default_voice for entry in providers.providers("tts")}
    assert (defaults["google"], defaults["xai"]) == ("Kore", "ara")


def test_local_voices():
    voices = providers.voices()
    assert len(voices) > 90
    assert len({voice.language for voice in voices}) > 35
    assert len({voice.id for voice in voices}) == len(voices)
    assert {frozenset(voice.description) for voice in voices} == {frozenset({"en", "nl"})}
    pim = next(voice for voice in voices if voice.id == "nl_NL-pim-medium")
    assert pim.as_json() == {
        "id": "nl_NL-pim-medium",
        "name": "Pim",
        "language": "nl",
        "description": {"en": "Calm male voice", "nl": "Rustige mannenstem"},
    }


def test_key_slots():
    assert providers.key_slots()["google_vertex"] == "google_vertex_secret_id"
    assert len(providers.key_slots()) == 10
    used = {slot for part in providers.PARTS for entry in providers.providers(part) for slot in entry.key_slots}
    assert used <= set(providers.key_slots())


def test_postcall_model():
    asked = [("openai", None), ("google_realtime", "google"), ("google_realtime", "google_vertex"), ("x", None)]
    found = [providers.postcall_model(name, slot) for name, slot in asked]
    assert found == ["gpt-5.4-mini", "gemini-3.5-flash-lite", "gemini-2.5-flash-lite", None]


def test_entries_cannot_be_changed():
    entry = providers.provider("llm", "openai")
    with pytest.raises(dataclasses.FrozenInstanceError):
        entry.label = "x"
    with pytest.raises(TypeError):
        entry.settings["temperature"] = None
