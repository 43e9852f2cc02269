"""Where a completion goes: whose key, which address, which wire format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from django.conf import settings
from django.utils.translation import gettext as _

from apps.catalog.providers import postcall_model, provider
from apps.catalog.services.lookup import SOURCES, Key, Source, address_beside, keys_for
from apps.catalog.slots import SLOTS, VERTEX
from apps.core.errors import Invalid
from apps.organizations.models import Organization

Wire = Literal["openai", "gemini", "vertex"]
# The model that the operator set up for everybody (POSTCALL_LLM_…), at any OpenAI-compatible address.
OPERATOR = "operator"

_WIRES: Mapping[str, tuple[Wire, str]] = MappingProxyType(
    {
        "openai": ("openai", "https://api.openai.com/v1"),
        "xai": ("openai", "https://api.x.ai/v1"),
        "mistral": ("openai", "https://api.mistral.ai/v1"),
        "google": ("gemini", "https://generativelanguage.googleapis.com/v1beta"),
        VERTEX: ("vertex", ""),
    }
)


class NoModel(Invalid):
    """Nothing is set up that could answer: no key in the slot, or no such provider."""


@dataclass(frozen=True)
class Route:
    """An endpoint and the key that opens it.

    trusted: the operator's own address or a provider's; any other one is judged when it is used.
    reasoning_effort: pinned by the catalogue, None where it is free.
    """

    provider: str
    model: str
    wire: Wire
    base_url: str
    key: Key
    trusted: bool
    reasoning_effort: str | None = None


def route_to(organization: Organization, provider_id: str, model: str | None = None) -> Route:
    """The route to a text model of an LLM provider of the catalogue, or to `OPERATOR`.

    A realtime provider stands for the text models of the same account. The scope must hold the parent's rows.

    Args:
        model: None for the provider's post-call model.

    Raises NoModel.
    """
    if provider_id == OPERATOR:
        return _operators(model)
    entry = provider("llm", provider_id)
    if entry is None or entry.local:
        raise NoModel(_("There is no language model provider called “%(name)s”.") % {"name": provider_id})
    key = _first_key(organization, entry.key_slots)
    if key is None:
        names = _(" or ").join(SLOTS[slot].label for slot in entry.key_slots)
        raise NoModel(_("There is no key for %(names)s.") % {"names": names})
    wire, usual = _WIRES[key.slot]
    base_url, trusted = _address(organization, key, usual)
    chosen = model or postcall_model(entry.id, key.slot) or entry.default_model or ""
    return Route(entry.id, chosen, wire, base_url, key, trusted, _pinned(entry.id, chosen))


def best_source(organization: Organization, provider_id: str) -> Source | None:
    """Whose key would serve a provider; None when there is none."""
    entry = provider("llm", provider_id)
    key = _first_key(organization, entry.key_slots) if entry else None
    return key.source if key else None


def _operators(model: str | None) -> Route:
    chosen = model or settings.POSTCALL_LLM_MODEL
    if not settings.POSTCALL_LLM_BASE_URL or not chosen:
        raise NoModel(_("The operator has set up no language model."))
    key = Key(OPERATOR, "platform", settings.POSTCALL_LLM_KEY)
    return Route(OPERATOR, chosen, "openai", settings.POSTCALL_LLM_BASE_URL.rstrip("/"), key, trusted=True)


def _first_key(organization: Organization, slots: tuple[str, ...]) -> Key | None:
    """Own before agency before platform, whichever slot it is in."""
    found = list(keys_for(organization, slots).values())
    return min(found, key=lambda key: SOURCES.index(key.source), default=None)


def _address(organization: Organization, key: Key, usual: str) -> tuple[str, bool]:
    """An address that was stored beside a key goes with that key only: no other key may be sent there."""
    owner = {"own": organization.pk, "parent": organization.parent_id}.get(key.source)
    if owner and (own := address_beside(owner, key.slot)):
        return own, False
    return str(settings.LLM_BASE_URLS.get(key.slot) or usual).rstrip("/"), True


def _pinned(provider_id: str, model: str) -> str | None:
    entry = provider("llm", provider_id)
    found = entry.model(model) if entry else None
    return found.reasoning_effort_pinned if found and found.id == model else None
