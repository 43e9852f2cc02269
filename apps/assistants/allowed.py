"""Which fields of an assistant need which feature to be switched on, for pages, API and import alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from apps.assistants.schema import ASSISTANT_FIELDS, defaults
from apps.organizations.features import require_features

FIELDS = {
    "stt_config": "choose_models", "tts_config": "choose_models", "analysis_plan": "templates",
    "webhook_url": "webhooks", "webhook_secret": "webhooks", "webhook_events": "webhooks",
}  # fmt: skip
# Inside `llm_config`: the prompt is its first message; its other keys are the model's.
PARTS = {"messages": "edit_prompts", "tools": "templates"}
# Parts of the editor, by the names of its tabs, and the card with the prompt.
HIDES = {
    "prompts": "edit_prompts", "model": "choose_models", "voice": "choose_models", "tools": "templates", "analysis": "templates",
    "webhooks": "webhooks",
}  # fmt: skip


def hidden_parts(held: frozenset[str] | None) -> frozenset[str]:
    """The parts of the editor that are not shown to whoever holds these features; None: all are shown."""
    return frozenset() if held is None else frozenset(part for part, feature in HIDES.items() if feature not in held)


def require_allowed(held: frozenset[str] | None, before: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Raises Forbidden, naming the feature, when `values` differ from `before` in what is not switched on."""
    if held is None:
        return
    changed = {name for name, value in values.items() if before.get(name) != value}
    needed = {FIELDS[name] for name in changed if name in FIELDS}
    if "llm_config" in changed:
        old, new = before.get("llm_config") or {}, values["llm_config"] or {}
        keys = {key for key in {*old, *new} if old.get(key) != new.get(key)}
        needed |= {PARTS.get(key, "choose_models") for key in keys}
    require_features(held, *sorted(needed))


def blank() -> dict[str, Any]:
    """What an assistant is made of when only its name is given."""
    return {field.name: field.default for field in ASSISTANT_FIELDS} | defaults()


def without_prompts(values: dict[str, Any], held: frozenset[str] | None) -> dict[str, Any]:
    """The values as they are shown to whoever holds these features."""
    if held is None or "edit_prompts" in held:
        return values
    llm = {key: value for key, value in (values["llm_config"] or {}).items() if key != "messages"}
    return values | {"llm_config": llm}
