"""Where an event goes, and the request that carries it (webhooks 2-4)."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from apps.branding.models import Brand
from apps.core.api import Encoder
from apps.webhooks.models import Level
from apps.webhooks.signing import sign

RESELLER_AGENT = "Webhooks/1.0"


@dataclass(frozen=True)
class Target:
    """A customer's URL at the level that gave it.

    level: `tool`, `assistant` or `account`; owner_id: the id of what holds the URL there.
    secret: of that level; without one the request is not signed.
    following: the secret that will replace it; it signs in a header of its own.
    is_off: the URL is switched off at its level, so nothing is asked there.
    """

    level: Level | str
    owner_id: str
    url: str
    secret: str | None = None
    user_agent: str = RESELLER_AGENT
    following: str = ""
    is_off: bool = False

    @property
    def digest(self) -> bytes:
        return url_digest(self.url)


def url_digest(url: str) -> bytes:
    return hashlib.sha256(url.encode()).digest()


def user_agent_for(brand: Brand) -> str:
    """The operator's own name on the installation's brand; a neutral one on a reseller's (webhooks 3)."""
    return settings.WEBHOOK_USER_AGENT if brand.is_installation else RESELLER_AGENT


def headers_for(
    *, event: str, delivery_id: object, attempt: int, timestamp: int, body: bytes, secret: str | None, user_agent: str,
    following: str = "",
) -> dict[str, str]:  # fmt: skip
    """The headers of one attempt; the signature is made anew for each.

    Args:
        following: the secret that is about to replace `secret`: it signs beside it.
    """
    headers = {
        "Content-Type": "application/json",
        "User-Agent": user_agent or RESELLER_AGENT,
        "X-Webhook-Event": event,
        "X-Webhook-Timestamp": str(timestamp),
        "X-Webhook-Id": str(delivery_id),
        "X-Webhook-Attempt": str(attempt),
    }
    if secret:
        headers["X-Webhook-Signature"] = sign(secret, timestamp, body)
    if secret and following:
        headers["X-Webhook-Signature-Next"] = sign(following, timestamp, body)
    return headers


def serialised(body: dict[str, Any]) -> str:
    """The text that is stored, signed and sent: made once per event.

    A half of a surrogate pair, which JSON can spell and UTF-8 cannot, is written as JSON spells it.
    """
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), cls=Encoder)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(body, separators=(",", ":"), cls=Encoder)
    return text
