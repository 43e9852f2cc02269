"""The platform's default configs (api 8.1). The operator may change them; they are copied at creation."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

CONFIGS = ("stt_config", "llm_config", "tts_config")

PLATFORM_DEFAULTS: Mapping[str, Any] = MappingProxyType(
    {
        "stt_config": {"provider": "deepgram", "model": "nova-3-general", "language": "multi"},
        "llm_config": {"provider": "openai", "model": "gpt-5.4", "temperature": 0.7, "messages": [], "tools": []},
        "tts_config": {
            "provider": "elevenlabs",
            "model": "eleven_flash_v2_5",
            "voice_id": "ukiwGs47sHyibruHJ1vg",
            "stability": 0.5,
            "similarity_boost": 0.75,
        },
    }
)


def defaults(operator: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A fresh copy of the three default configs; a config the operator sets replaces the platform's whole."""
    chosen = {**PLATFORM_DEFAULTS, **{key: value for key, value in (operator or {}).items() if key in CONFIGS}}
    return copy.deepcopy(chosen)
