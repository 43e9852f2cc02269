"""Which configs keep processing in the EU (specification, platform 9)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from apps.catalog import providers
from apps.catalog.providers import Part

# "europe-…" alone is not enough: London (west2) and Zurich (west6) lie outside the EU.
EU_LOCATIONS = frozenset(
    {
        "eu",
        "europe-central2",
        "europe-north1",
        "europe-north2",
        "europe-southwest1",
        "europe-west1",
        "europe-west3",
        "europe-west4",
        "europe-west8",
        "europe-west9",
        "europe-west10",
        "europe-west12",
    }
)

Config = Mapping[str, Any]


def _always(config: Config) -> bool:
    return True


def _vertex_in_eu(config: Config) -> bool:
    return config.get("vertexai") is True and str(config.get("location", "")).lower() in EU_LOCATIONS


_RULES: Mapping[str, Mapping[str, Callable[[Config], bool]]] = MappingProxyType(
    {
        "llm": {"mistral": _always, "google": _always, "google_realtime": _vertex_in_eu},
        "stt": {
            "mistral": _always,
            "google": _always,
            "gladia": lambda config: config.get("region") == "eu-west",
            "whisper": _always,
        },
        "tts": {"inworld": _always, "google": lambda config: config.get("model") == "chirp-3-hd", "piper": _always},
    }
)


def keeps_to_eu(part: Part, config: Config) -> bool:
    """True when this STT, LLM or TTS config is processed in the EU."""
    found = providers.provider(part, config.get("provider"))
    rule = _RULES.get(part, {}).get(found.id) if found else None
    return rule is not None and rule(config)


def eu_providers(part: Part) -> tuple[str, ...]:
    """Ids of the providers that can keep to the EU; some of them only with the right settings or model."""
    return tuple(_RULES.get(part, {}))
