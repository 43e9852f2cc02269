"""Turns the catalogue's JSON into the entries of `entries.py`; used once, at import of `providers.py`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from apps.catalog.entries import Model, Part, Provider, Setting, Voice

_DATA = Path(__file__).parent / "data"
CATALOG: dict[str, Any] = json.loads((_DATA / "provider-catalog.json").read_text(encoding="utf-8"))
_VOICES: list[dict[str, Any]] = json.loads((_DATA / "voices.json").read_text(encoding="utf-8"))

# The catalogue names the local providers only by what they need; a label is for people.
_LOCAL_LABELS = {"whisper": "Whisper (local)", "piper": "Piper (local)"}
# Lists in a config that have rules of their own (api 9.2, 9.6) and are no provider setting.
_SHARED_LISTS = frozenset({"messages", "tools"})


def all_of(part: Part) -> Mapping[str, Provider]:
    """Every provider of a part by id: the catalogue's order, local ones last."""
    specs = {**CATALOG[part]["providers"], **CATALOG["ours_local_providers"].get(part, {})}
    return MappingProxyType({provider_id: _provider(part, provider_id, spec) for provider_id, spec in specs.items()})


def speech_parts() -> Mapping[str, Setting]:
    return _settings(CATALOG["speech_config"])


def local_voices() -> tuple[Voice, ...]:
    return tuple(Voice(v["id"], v["name"], v["language"], MappingProxyType(v["description"])) for v in _VOICES)


def _setting(name: str, spec: Mapping[str, Any]) -> Setting:
    items = spec.get("items")
    if isinstance(items, dict):
        items = items if "type" in items else {"type": "object", "fields": items}
    variants = {key: {"type": "object", **value} for key, value in spec.get("variants", {}).items()}
    return Setting(
        name=name,
        type=spec.get("type", "object"),
        minimum=spec.get("min"),
        maximum=spec.get("max"),
        default=spec.get("default"),
        unit=spec.get("unit"),
        choices=tuple(spec.get("enum") or (_reference(spec["enum_ref"]) if "enum_ref" in spec else ())),
        min_length=spec.get("min_length"),
        max_length=spec.get("max_length"),
        min_items=spec.get("min_items"),
        max_items=spec.get("max_items"),
        min_letters_or_digits=spec.get("min_letters_or_digits"),
        items=_setting(name, items) if items else None,
        fields=_settings(spec.get("fields", {})),
        variants=_settings(variants),
        discriminator=spec.get("discriminator"),
        required=tuple(spec.get("required", ())),
        only_models=tuple(spec.get("only_models", ())),
        not_below=spec.get("must_be_gte"),
        nullable=bool(spec.get("nullable")),
        clamped=spec.get("out_of_range") == "clamp",
        deprecated=bool(spec.get("deprecated")),
        applies_to=spec.get("applies_to", "both"),
    )


def _settings(specs: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Setting]:
    return MappingProxyType({name: _setting(name, spec) for name, spec in specs.items()})


def _reference(path: str) -> tuple[Any, ...]:
    value: Any = CATALOG
    for key in path.split("."):
        value = value[key]
    return tuple(value)


def _model(spec: Mapping[str, Any]) -> Model:
    return Model(
        id=spec["id"],
        default=bool(spec.get("default")),
        legacy=bool(spec.get("legacy")),
        region=spec.get("region"),
        requires_key_slot=spec.get("requires_key_slot"),
        refused_settings=tuple(spec.get("refused_settings", ())),
        reasoning_effort_pinned=spec.get("reasoning_effort_pinned"),
    )


def _voice_list(part: Part, spec: Mapping[str, Any]) -> tuple[str, ...] | None:
    if "voices_ref" in spec:
        return _reference(f"voice_sets.{spec['voices_ref']}")
    rule = spec.get("voice_id")
    if not isinstance(rule, dict) or rule["kind"] == "free":
        return None
    return tuple(rule["values"]) if "values" in rule else _reference(rule["ref"])


def _provider(part: Part, provider_id: str, spec: Mapping[str, Any]) -> Provider:
    local = provider_id in CATALOG["ours_local_providers"].get(part, {})
    rule: Mapping[str, Any] = spec["voice_id"] if isinstance(spec.get("voice_id"), dict) else {}
    own = {name: value for name, value in spec.get("settings", {}).items() if name not in _SHARED_LISTS}
    return Provider(
        part=part,
        id=provider_id,
        label=spec.get("label") or _LOCAL_LABELS[provider_id],
        mode=spec.get("mode", "text" if part == "llm" else part),
        required=tuple(spec.get("required") or CATALOG[part]["providers"]["elevenlabs"]["required"]),
        key_slots=tuple(spec["key_slots_any_of"]),
        default_model=spec.get("default_model"),
        models=tuple(_model(model) for model in spec.get("models", ())),
        also_accepted_models=tuple(spec.get("also_accepted_models", ())),
        settings=_settings(own),
        voices=tuple(voice["id"] for voice in _VOICES) if local and part == "tts" else _voice_list(part, spec),
        default_voice=spec.get("default_voice") or rule.get("default"),
        example_voices=tuple(rule.get("examples", ())),
        pricing_units=tuple(spec.get("pricing_units", ())),
        aliases=tuple(spec.get("aliases", ())),
        local=local,
    )


def _all_of(part: Part) -> Mapping[str, Provider]:
    specs = {**CATALOG[part]["providers"], **CATALOG["ours_local_providers"].get(part, {})}
    return MappingProxyType({provider_id: _provider(part, provider_id, spec) for provider_id, spec in specs.items()})
