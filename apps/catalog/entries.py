"""What the provider catalogue consists of: settings, models, providers, voices. Immutable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Part = Literal["llm", "stt", "tts", "postcall_stt", "postcall_llm"]
PARTS: tuple[Part, ...] = ("llm", "stt", "tts", "postcall_stt", "postcall_llm")


@dataclass(frozen=True)
class Setting:
    """One setting of a provider: its type and its limits. `None` means: no such limit."""

    name: str
    type: str
    minimum: float | None = None
    maximum: float | None = None
    default: Any = None
    unit: str | None = None
    choices: tuple[Any, ...] = ()
    min_length: int | None = None
    max_length: int | None = None
    min_items: int | None = None
    max_items: int | None = None
    min_letters_or_digits: int | None = None
    items: Setting | None = None
    fields: Mapping[str, Setting] = field(default_factory=dict)
    variants: Mapping[str, Setting] = field(default_factory=dict)
    discriminator: str | None = None
    required: tuple[str, ...] = ()
    only_models: tuple[str, ...] = ()
    not_below: str | None = None
    nullable: bool = False
    clamped: bool = False
    deprecated: bool = False
    applies_to: str = "both"


@dataclass(frozen=True)
class Model:
    id: str
    default: bool = False
    legacy: bool = False
    region: str | None = None
    requires_key_slot: str | None = None
    refused_settings: tuple[str, ...] = ()
    reasoning_effort_pinned: str | None = None


@dataclass(frozen=True)
class Provider:
    """One provider of one part. `key_slots`: any one of them will do; empty = needs no key."""

    part: Part
    id: str
    label: str
    mode: str
    required: tuple[str, ...]
    key_slots: tuple[str, ...]
    default_model: str | None
    models: tuple[Model, ...]
    also_accepted_models: tuple[str, ...]
    settings: Mapping[str, Setting]
    voices: tuple[str, ...] | None
    default_voice: str | None
    example_voices: tuple[str, ...]
    pricing_units: tuple[str, ...]
    aliases: tuple[str, ...]
    local: bool

    def model(self, model_id: str | None) -> Model | None:
        """The model of that id; the default model for None or an empty id."""
        wanted = model_id or self.default_model
        return next((model for model in self.models if model.id == wanted), None)

    def knows_model(self, model_id: str) -> bool:
        """True when the id needs no warning: listed, an older accepted one, or the provider has no model list."""
        return not self.models or model_id in self.also_accepted_models or self.model(model_id) is not None

    def settings_for(self, model_id: str | None) -> dict[str, Setting]:
        """The settings this provider uses with that model; all others are foreign (api 9, rule 3)."""
        wanted = model_id or self.default_model
        return {n: s for n, s in self.settings.items() if not s.only_models or wanted in s.only_models}

    def refused_settings(self, model_id: str | None) -> tuple[str, ...]:
        model = self.model(model_id)
        return model.refused_settings if model else ()


@dataclass(frozen=True)
class Voice:
    """A local voice, as `GET /voices` shows it (api 8.7)."""

    id: str
    name: str
    language: str
    description: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        return {"id": self.id, "name": self.name, "language": self.language, "description": dict(self.description)}
