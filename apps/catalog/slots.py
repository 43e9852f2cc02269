"""The BYOK slots as people and the API name them, and the catalogue as `GET /byok/config` shows it (api 8.8)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.catalog.entries import Part, Provider
from apps.catalog.providers import key_slots, provider, providers
from apps.core.errors import Invalid

RESEND = "resend"
VERTEX = "google_vertex"
LONGEST_KEY = 16 * 1024
PARTS: tuple[Part, ...] = ("llm", "stt", "tts")


@dataclass(frozen=True)
class Slot:
    """A place for one key. `docs_url`: where the provider explains its keys."""

    id: str
    label: str
    purpose: str | Promise
    docs_url: str


SLOTS: dict[str, Slot] = {
    slot.id: slot
    for slot in (
        Slot("deepgram", "Deepgram", gettext_lazy("Speech recognition"), "https://developers.deepgram.com/docs"),
        Slot("openai", "OpenAI", gettext_lazy("Language models, speech to speech"), "https://platform.openai.com/docs"),
        Slot("elevenlabs", "ElevenLabs", gettext_lazy("Voices, speech recognition"), "https://elevenlabs.io/docs"),
        Slot("inworld", "Inworld", gettext_lazy("Voices"), "https://docs.inworld.ai"),
        Slot("resend", "Resend", gettext_lazy("E-mail from your own domain"), "https://resend.com/docs"),
        Slot("xai", "xAI", gettext_lazy("Language models, speech to speech, voices"), "https://docs.x.ai"),
        Slot("gladia", "Gladia", gettext_lazy("Speech recognition"), "https://docs.gladia.io"),
        Slot("mistral", "Mistral", gettext_lazy("Language models, speech recognition"), "https://docs.mistral.ai"),
        Slot("google", "Google Gemini", gettext_lazy("Speech to speech, voices"), "https://ai.google.dev/gemini-api/docs"),
        Slot(
            "google_vertex", "Google Vertex AI", gettext_lazy("Language models, speech recognition, voices in the EU"),
            "https://cloud.google.com/vertex-ai/docs",
        ),
    )
}  # fmt: skip


def clean_slot(value: object) -> Slot:
    """Raises Invalid: missing, or no slot of the catalogue."""
    if value is None or value == "":
        raise _missing("provider")
    if not isinstance(value, str) or value not in SLOTS:
        text = _("There is no provider with this name. One of these is expected: %(names)s.")
        raise _wrong("provider", text % {"names": ", ".join(key_slots())}, type="unknown_provider")
    return SLOTS[value]


def clean_key(slot: Slot, value: object) -> str:
    """The key as it is stored. Raises Invalid; the message never holds the key."""
    if value is None or value == "":
        raise _missing("api_key")
    if not isinstance(value, str):
        raise _wrong("api_key", _("A text is expected."))
    key = value.strip()
    if problem := key_problem(slot, key):
        raise _wrong("api_key", problem)
    return key


def key_problem(slot: Slot, key: str) -> str:
    """What is wrong with a key, as a sentence without the key; empty when nothing is."""
    if not key:
        return _("The key is empty.")
    if len(key) > LONGEST_KEY:
        return _("The key is too long.")
    if slot.id == VERTEX and not _is_object(key):
        return _("For Google Vertex AI the service account's JSON is expected: the whole file, as text.")
    # A header cannot carry anything else, and no provider's key has it.
    if slot.id != VERTEX and (not key.isascii() or not key.isprintable()):
        return _("The key holds characters that no key has. Copy it again.")
    return ""


def slots_of(name: object) -> tuple[str, ...]:
    """The slots behind a slot or a provider of the catalogue; any of them will do. Raises Invalid for an unknown name."""
    found = [provider(part, name) for part in PARTS]
    slots = {slot: None for each in found if each for slot in each.key_slots}
    if isinstance(name, str) and name in SLOTS:
        slots = {name: None} | slots
    if not slots:
        clean_slot(name)
        raise _wrong("provider", _("This provider needs no key."))
    return tuple(slots)


@cache
def listed_providers() -> list[dict[str, Any]]:
    """Every provider that takes a key, one entry for each thing it does; to be read, not changed."""
    entries = [_entry(each) for part in PARTS for each in providers(part) if each.key_slots]
    mail = SLOTS[RESEND]
    return [*entries, {"id": RESEND, "name": mail.label, "category": "email", "docsUrl": mail.docs_url, "models": []}]


def _entry(each: Provider) -> dict[str, Any]:
    return {
        "id": each.id,
        "name": each.label,
        "category": each.part,
        "docsUrl": SLOTS[each.key_slots[0]].docs_url,
        "models": [{"id": model.id, "name": model.id, "default": model.default} for model in each.models],
    }


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def _missing(param: str) -> Invalid:
    return _wrong(param, _("this field is required"), type="missing_field")


def _wrong(param: str, text: str, *, type: str = "invalid_value") -> Invalid:
    line = f"{param}: {text}"
    return Invalid(line, param=param, details=[line], type=type)
