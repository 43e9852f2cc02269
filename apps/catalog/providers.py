"""Typed, read-only access to the provider catalogue and the shipped local voices.

Everything is read once, at import, from `data/provider-catalog.json` (providers, models, ranges; the specification's
own file) and `data/voices.json` (local voices); nothing is retyped. All values are immutable.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from apps.catalog.entries import PARTS, Model, Part, Provider, Setting, Voice
from apps.catalog.loading import CATALOG, all_of, local_voices, speech_parts

__all__ = [
    "PARTS",
    "Model",
    "Part",
    "Provider",
    "Setting",
    "Voice",
    "bcp47",
    "is_realtime",
    "key_slots",
    "language_code",
    "languages",
    "postcall_model",
    "provider",
    "providers",
    "required_keys",
    "speech_settings",
    "voice_ids",
    "voices",
    "voices_of",
]


def providers(part: Part) -> tuple[Provider, ...]:
    """All providers of a part, in the order of the catalogue; local ones last."""
    return tuple(_PROVIDERS[part].values())


def provider(part: Part, provider_id: object) -> Provider | None:
    """The provider of that id or alias (`11labs`), else None. Any value may be asked."""
    if not isinstance(provider_id, str):
        return None
    return _PROVIDERS[part].get(_ALIASES[part].get(provider_id, provider_id))


def required_keys(part: Part) -> tuple[str, ...]:
    """Keys without which a config of this part is refused (api 9)."""
    return providers(part)[0].required


def is_realtime(provider_id: object) -> bool:
    """True for speech-to-speech LLM providers: they use neither STT nor TTS (api 9, rule 5)."""
    found = provider("llm", provider_id)
    return found is not None and found.mode == "realtime"


def languages() -> tuple[str, ...]:
    """Codes of the STT languages; `multi` means several."""
    return tuple(CATALOG["stt"]["languages"])


def language_code(language: str) -> str | None:
    """The catalogue's code for a language: `nl-NL` is read as `nl`; None when unknown (api 9.1)."""
    return language if language in languages() else _BY_BCP47.get(language.lower())


def bcp47(language: str) -> tuple[str, ...]:
    """Full language tags of a catalogue code, `nl` gives `("nl-NL",)`; empty when unknown."""
    tags = CATALOG["stt"]["bcp47"].get(language, [])
    return (tags,) if isinstance(tags, str) else tuple(tags)


def voices_of(part: Part, provider_id: str) -> tuple[str, ...] | None:
    """Voice names a provider accepts; None when any text is accepted or the provider has no voices."""
    found = provider(part, provider_id)
    return found.voices if found else None


def voices() -> tuple[Voice, ...]:
    """The local voices, for `GET /voices` and the provider `piper`. Never empty."""
    return _LOCAL_VOICES


def voice_ids() -> frozenset[str]:
    return _LOCAL_VOICE_IDS


def key_slots() -> Mapping[str, str]:
    """BYOK slot to the field that shows it: `{"openai": "openai_secret_id", ...}` (api 8.8)."""
    return _KEY_SLOTS


def speech_settings() -> Mapping[str, Setting]:
    """The parts of `speech_config`, each a Setting (api 9.4)."""
    return _SPEECH


def postcall_model(llm_provider: str, key_slot: str | None = None) -> str | None:
    """Model for summary and analysis of an assistant with that LLM provider (features 6).

    `key_slot` matters where the model depends on the key in use (Gemini Live); None takes the first one.
    """
    entry = CATALOG["llm"]["providers"].get(llm_provider, {}).get("postcall_default_model")
    if isinstance(entry, dict):
        return entry.get(key_slot) or next(iter(entry.values()))
    return entry


_PROVIDERS: Mapping[Part, Mapping[str, Provider]] = MappingProxyType({part: all_of(part) for part in PARTS})
_ALIASES: Mapping[Part, Mapping[str, str]] = MappingProxyType(
    {part: MappingProxyType({a: p.id for p in _PROVIDERS[part].values() for a in p.aliases}) for part in PARTS}
)
_BY_BCP47 = MappingProxyType({tag.lower(): code for code in languages() if code != "multi" for tag in bcp47(code)})
_KEY_SLOTS = MappingProxyType({slot: spec["response_field"] for slot, spec in CATALOG["key_slots"].items()})
_SPEECH = speech_parts()
_LOCAL_VOICES = local_voices()
_LOCAL_VOICE_IDS = frozenset(voice.id for voice in _LOCAL_VOICES)
