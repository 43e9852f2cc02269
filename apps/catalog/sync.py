"""Provider keys at an engine of the base wire: only in the organization's own account, and only when it agreed (platform 12)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from apps.catalog.models import ProviderKey
from apps.voice.client import Engine
from apps.voice.mirror import Account, Kind, keys_may_stand
from apps.voice.pushing import Side

# It sends our mail; no engine needs it.
NOT_SENT = ("resend",)


def _ids(account: Account) -> set[UUID]:
    if not keys_may_stand(account):
        return set()
    rows = ProviderKey.objects.for_organization(account.organization).exclude(slot__in=NOT_SENT)
    return set(rows.values_list("pk", flat=True))


def _body(account: Account, pk: UUID) -> dict[str, Any] | None:
    if pk not in _ids(account):
        return None
    key = ProviderKey.objects.for_organization(account.organization).get(pk=pk)
    return {"provider": key.slot, "api_key": key.secret}


def _put(engine: Engine, body: dict[str, Any], key: str) -> None:
    """A slot is written whole, so a repeat does no harm."""
    engine.create("/byok", body, key=key)


def _called(body: dict[str, Any]) -> str:
    return str(body["provider"])


def _take(engine: Engine, slot: str) -> None:
    engine.remove("/byok", {"provider": slot})


KEYS = Side(Kind.KEY, "/byok", "byok_keys", _ids, _body, put=_put, take=_take, called=_called)
