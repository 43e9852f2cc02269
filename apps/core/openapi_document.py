"""The API's description: built once per process, then told whose host it is served on."""

from __future__ import annotations

import copy
import hashlib
import json
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.utils import translation
from drf_spectacular.generators import SchemaGenerator

# Stand in the description for what the host decides.
BRAND, AGENT = "%BRAND%", "%USER-AGENT%"


@dataclass(frozen=True)
class Described:
    """The description on one host: as data, as the bytes that are sent, and their fingerprint."""

    document: dict[str, Any]
    body: bytes
    etag: str


@cache
def base_document() -> dict[str, Any]:
    """The description without a host; to be read, not changed. Always in English: it is no page."""
    with translation.override("en"):
        return json.loads(json.dumps(SchemaGenerator().get_schema(request=None, public=True), default=str))  # type: ignore[no-any-return]


@lru_cache(maxsize=64)
def described(*, brand: str, server: str, user_agent: str) -> Described:
    """The description as `server` (scheme and host) serves it, in the name of `brand`."""
    text = json.dumps(base_document(), ensure_ascii=False)
    for mark, name in ((BRAND, brand), (AGENT, user_agent)):
        text = text.replace(mark, json.dumps(name, ensure_ascii=False)[1:-1])
    document = copy.copy(json.loads(text))
    document["servers"] = [{"url": server}]
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
    return Described(document, body, f'"{hashlib.sha256(body).hexdigest()[:32]}"')
