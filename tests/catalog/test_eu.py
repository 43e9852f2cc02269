import json
from pathlib import Path

import pytest

from apps.catalog import eu, providers

INSIDE = [
    ("llm", {"provider": "mistral"}),
    ("llm", {"provider": "google"}),
    ("llm", {"provider": "google_realtime", "vertexai": True, "location": "europe-west4"}),
    ("stt", {"provider": "gladia", "region": "eu-west"}),
    ("stt", {"provider": "whisper"}),
    ("tts", {"provider": "google", "model": "chirp-3-hd"}),
    ("tts", {"provider": "inworld"}),
]
OUTSIDE = [
    ("llm", {"provider": "openai"}),
    ("llm", {"provider": "google_realtime", "vertexai": True, "location": "us-central1"}),
    ("llm", {"provider": "google_realtime", "vertexai": True, "location": "europe-west2"}),
    ("llm", {"provider": "google_realtime", "vertexai": True}),
    ("llm", {"provider": "google_realtime", "location": "europe-west4"}),
    ("stt", {"provider": "gladia"}),
    ("stt", {"provider": "gladia", "region": "us-west"}),
    ("stt", {"provider": "deepgram"}),
    ("tts", {"provider": "google"}),
    ("tts", {"provider": "elevenlabs"}),
    ("tts", {}),
]


@pytest.mark.parametrize(("part", "config"), INSIDE)
def test_keeps_to_the_eu(part, config):
    assert eu.keeps_to_eu(part, config)


@pytest.mark.parametrize(("part", "config"), OUTSIDE)
def test_leaves_the_eu(part, config):
    assert not eu.keeps_to_eu(part, config)


def test_rules_cover_exactly_the_providers_of_the_catalogue():
    catalog = json.loads((Path(providers.__file__).parent / "data" / "provider-catalog.json").read_text())
    named = {part: {entry.split()[0] for entry in rows} for part, rows in catalog["ours_eu_only"].items()}
    assert {part: set(eu.eu_providers(part)) for part in named} == named
