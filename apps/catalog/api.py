"""Provider keys on the wire (api 8.8). A key comes in and never goes out."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.catalog.models import ProviderKey, ProviderSettings
from apps.catalog.openapi import BYOK_CONFIG_ANSWER, BYOK_KEYS_ANSWER, BYOK_PROVIDER, BYOK_STORED
from apps.catalog.providers import key_slots
from apps.catalog.services.keys import merge_settings, remove_key, store_key
from apps.catalog.slots import clean_key, clean_slot, listed_providers, slots_of
from apps.core import db
from apps.core.errors import Invalid
from apps.core.openapi import operation, ref
from apps.organizations.authentication import MayCall, organization_of
from apps.organizations.models import RANK, Organization, Role
from apps.organizations.services import Actor


class MayManage(MayCall):
    """Settings: keys act by their own right, people change them as admin or owner (platform 8)."""

    def has_permission(self, request: Any, view: Any) -> bool:
        inner = request._request
        if request.method in ("GET", "HEAD", "OPTIONS") or getattr(inner, "api_key", None):
            return super().has_permission(request, view)
        role = getattr(inner, "role", None)
        return role is not None and RANK[Role(role)] >= RANK[Role.ADMIN]


def byok_keys(organization: Organization) -> dict[str, str | None]:
    """Every slot, with the opaque id of its key or null."""
    stored = dict(ProviderKey.objects.for_organization(organization).values_list("slot", "secret_id"))
    return {field: str(stored[slot]) if slot in stored else None for slot, field in key_slots().items()}


def byok_config(organization: Organization) -> dict[str, Any]:
    rows = ProviderSettings.objects.for_organization(organization).order_by("provider")
    return dict(rows.values_list("provider", "settings"))


class ByokView(APIView):
    permission_classes = [MayManage]

    @operation(
        "getByokKeys", "Get provider keys", "Every slot, with the id of its key or null. A key itself never comes back.",
        answer=BYOK_KEYS_ANSWER,
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response({"byok_keys": byok_keys(organization_of(request))})

    @operation(
        "setByokKey", "Store a provider key", "Adds a key or replaces the one in its slot.", body=ref("ByokKeySet"),
        answer=BYOK_STORED,
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization, data = organization_of(request), dict(request.data)
        slot = clean_slot(data.get("provider"))
        key = clean_key(slot, data.get("api_key"))
        store_key(organization=organization, slot=slot, key=key, by=Actor.of(request), now=db.now())
        return Response({"success": True, "byok_keys": byok_keys(organization)})

    @operation(
        "deleteByokKey", "Remove a provider key",
        "The slot becomes null; calls fall back to the platform's key. An empty slot is no error.",
        body=ref("ByokKeyDelete"), answer=BYOK_STORED, parameters=[BYOK_PROVIDER],
    )  # fmt: skip
    def delete(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        slot = clean_slot(dict(request.data).get("provider", request.GET.get("provider")))
        remove_key(organization=organization, slot=slot, by=Actor.of(request))
        return Response({"success": True, "byok_keys": byok_keys(organization)})


class ByokConfigView(APIView):
    permission_classes = [MayManage]

    @operation(
        "getByokConfig", "List providers and their settings", "The catalogue of providers, and what you stored for them.",
        answer=BYOK_CONFIG_ANSWER,
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response({"providers": listed_providers(), "byok_config": byok_config(organization_of(request))})

    @operation(
        "setByokConfig", "Store a provider's settings",
        "Merged into what is stored. 400 when no key is stored for the provider. The answer holds every provider's settings.",
        body=ref("ByokConfigSet"), answer=ref("ByokConfigAnswer"),
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization, data = organization_of(request), dict(request.data)
        slots = slots_of(data.get("provider"))
        merge_settings(
            organization=organization, provider=data["provider"], slots=slots, settings=_config(data),
            by=Actor.of(request), now=db.now(),
        )  # fmt: skip
        return Response({"byok_config": byok_config(organization)})


def _config(data: dict[str, Any]) -> dict[str, Any]:
    config = data.get("config")
    if isinstance(config, dict):
        return config
    line = "config: this field is required" if config is None else "config: an object is expected"
    kind = "missing_field" if config is None else "invalid_value"
    raise Invalid(line, param="config", details=[line], type=kind)
