"""What the editor shows for a provider: inputs derived from the catalogue, so that page and rules cannot differ."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from django.utils.text import format_lazy
from django.utils.translation import get_language_info
from django.utils.translation import gettext_lazy as _

from apps.assistants.formspec_texts import CHOICES, TEXTS, UNITS, Lazy, Text
from apps.catalog import eu, providers
from apps.catalog.providers import Part, Setting

Kind = Literal["bool", "int", "float", "choice", "text", "long_text", "list", "object", "objects"]

_KINDS: dict[str, Kind] = {"boolean": "bool", "integer": "int", "number": "float", "string": "text", "object": "object"}
_LONG_TEXTS = frozenset({"instructions"})
# Shown elsewhere on the page: the language of STT beside its model, an old setting nowhere.
_ELSEWHERE = {"stt": frozenset({"language"}), "llm": frozenset({"analysis_model"}), "tts": frozenset[str]()}

Choice = tuple[Any, Lazy]


@dataclass(frozen=True)
class FieldSpec:
    """One input of the editor.

    Args:
        name: the key in the config; inside an object the key there.
        kind: `list` is a list of texts, one per line; `objects` is a list of rows, or of `variants` by their type.
        default: what the provider uses when nothing is set: a hint, never a value to store (api 8.1).
        only_models: shown for these models only; empty = all.
        refused_models: models that refuse the setting; the page switches it off for them.
        max_items, max_length: limits of a list and of a text (of each entry, in a list).
    """

    name: str
    kind: Kind
    label: Lazy
    help: Lazy
    minimum: float | None = None
    maximum: float | None = None
    step: float | None = None
    default: Any = None
    unit: Lazy = ""
    choices: tuple[Choice, ...] = ()
    only_models: tuple[str, ...] = ()
    refused_models: tuple[str, ...] = ()
    max_items: int | None = None
    max_length: int | None = None
    fields: tuple[FieldSpec, ...] = ()
    variants: tuple[FieldSpec, ...] = ()
    pipeline_only: bool = False
    required: bool = False


def fields(part: Part, provider_id: str) -> tuple[FieldSpec, ...]:
    """The settings of a provider, as inputs; empty for an unknown provider or one without settings."""
    found = providers.provider(part, provider_id)
    if found is None:
        return ()
    refused = {name: tuple(m.id for m in found.models if name in m.refused_settings) for name in found.settings}
    shown = [setting for name, setting in found.settings.items() if name not in _ELSEWHERE[part]]
    return tuple(_field(setting, part, (), refused[setting.name]) for setting in shown)


def speech_fields() -> tuple[FieldSpec, ...]:
    """The parts of `speech_config`, as inputs (api 9.4)."""
    return tuple(_field(setting, "speech", (), ()) for setting in providers.speech_settings().values())


def provider_choices(part: Part, *, local_models: bool = False, eu_only: bool = False) -> list[Choice]:
    """Providers to choose from: local ones only with access, with `eu_only` only those that can keep to the EU."""
    allowed = [entry for entry in providers.providers(part) if local_models or not entry.local]
    kept = [entry for entry in allowed if not eu_only or entry.id in eu.eu_providers(part)]
    return [(entry.id, entry.label) for entry in kept]


def model_choices(part: Part, provider_id: str, current: str | None = None) -> list[Choice]:
    """Models to choose from; a stored one that is not listed stays choosable, so that an edit does not lose it."""
    found = providers.provider(part, provider_id)
    models = found.models if found else ()
    choices: list[Choice] = [
        (model.id, format_lazy("{} ({})", model.id, _("older")) if model.legacy else model.id) for model in models
    ]
    return choices + _extra(current, choices)


def voice_choices(part: Part, provider_id: str, current: str | None = None) -> list[Choice] | None:
    """Voices to choose from; None when any voice id may be typed or the provider has no voices."""
    found = providers.provider(part, provider_id)
    if found is None or found.voices is None:
        return None
    if found.local:
        local: list[Choice] = [(v.id, f"{v.name} ({v.language})") for v in providers.voices()]
        return local + _extra(current, local)
    choices: list[Choice] = [(voice, voice[:1].upper() + voice[1:]) for voice in found.voices]
    return choices + _extra(current, choices)


def language_choices(current: str | None = None) -> list[Choice]:
    """STT languages with their names in the reader's language; a stored unknown one stays choosable."""
    choices: list[Choice] = [(code, CHOICES.get(code) or language_name(code)) for code in providers.languages()]
    return choices + _extra(current, choices)


def language_name(code: str) -> Lazy:
    """The name of a language in the reader's language; the code itself when it is not known."""
    # Django knows written Norwegian and Chinese only by their variants.
    known = {"no": "nb", "zh": "zh-hans"}.get(code, code)
    try:
        return get_language_info(known)["name_translated"]
    except KeyError:
        return code


def _extra(current: str | None, choices: Iterable[Choice]) -> list[Choice]:
    return [(current, current)] if current and current not in {value for value, _label in choices} else []


def _field(setting: Setting, part: str, parents: tuple[str, ...], refused: tuple[str, ...]) -> FieldSpec:
    text = _text(part, parents, setting.name)
    inside = (*parents, setting.name)
    rows = setting.items if setting.items and setting.items.type == "object" else None
    source = rows or setting
    parts = [entry for name, entry in source.fields.items() if name != setting.discriminator]
    kind = _kind(setting)
    return FieldSpec(
        name=setting.name,
        kind=kind,
        label=text.label,
        help=text.help,
        minimum=setting.minimum,
        maximum=setting.maximum,
        step=_step(kind, setting),
        default=setting.default,
        unit=UNITS.get(setting.unit or _unit_of(setting.name), ""),
        choices=tuple((value, CHOICES.get(str(value)) or str(value)) for value in setting.choices),
        only_models=setting.only_models,
        refused_models=refused,
        max_items=setting.max_items,
        max_length=setting.items.max_length if setting.items else setting.max_length,
        fields=tuple(_field(entry, part, inside, ()) for entry in parts),
        variants=tuple(_variant(entry, part, inside) for entry in setting.variants.values()),
        pipeline_only=setting.applies_to == "pipeline",
    )


def _variant(setting: Setting, part: str, parents: tuple[str, ...]) -> FieldSpec:
    text = _text(part, parents, setting.name)
    inner = tuple(_field(entry, part, parents, ()) for entry in setting.fields.values())
    marked = tuple(_required(entry) if entry.name in setting.required else entry for entry in inner)
    return FieldSpec(name=setting.name, kind="object", label=text.label, help=text.help, fields=marked)


def _required(field: FieldSpec) -> FieldSpec:
    return FieldSpec(**{**vars(field), "required": True})


def _text(part: str, parents: tuple[str, ...], name: str) -> Text:
    keys = (".".join((*parents, name)), f"{part}.{name}", name)
    return next(TEXTS[key] for key in keys if key in TEXTS)


def _kind(setting: Setting) -> Kind:
    if setting.choices:
        return "choice"
    if setting.type == "array":
        return "objects" if setting.variants or (setting.items and setting.items.type == "object") else "list"
    return "long_text" if setting.name in _LONG_TEXTS else _KINDS[setting.type]


def _step(kind: Kind, setting: Setting) -> float | None:
    if kind == "int" or _unit_of(setting.name) == "ms":
        return 1
    if kind != "float":
        return None
    return 0.01 if (setting.maximum or 0) <= 1 else 0.05 if (setting.maximum or 0) <= 5 else 1


def _unit_of(name: str) -> str:
    return "ms" if name.endswith("_ms") else "s" if name.endswith("_seconds") else ""
