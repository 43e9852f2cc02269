"""One exchange with an engine: its address, its key, its budget, and what a failure is called."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
from django.utils.translation import gettext as _

from apps.core import http
from apps.core.addresses import address_problem, host_of
from apps.core.errors import Invalid, Unavailable
from apps.voice.capabilities import known_capabilities
from apps.voice.models import Connection
from apps.voice.outcomes import details_of, json_object

READ_SECONDS = 5.0
ANSWER_LIMIT = 8 * 2**20
# What these say is about the request: sending it again unchanged is of no use.
REFUSALS = (400, 409, 413, 422)


class EngineTrouble(Unavailable):
    """The engine gave no usable answer; `reason` is a word for programs: `refused`, `timeout`, `http_500`, …

    `details` are the engine's own words, if it said any.
    """

    def __init__(self, reason: str, *, details: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(_("The voice engine does not answer. Try again in a minute."), **extra)
        self.reason = reason
        self.said = list(details)


class Wire:
    """The engine behind a connection, with the connection's key. Speaks outside of transactions only."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.capabilities = known_capabilities(connection)

    def _read(self, path: str, missing: Any = ..., **query: Any) -> Any:
        asked = {name: value for name, value in query.items() if value is not None}
        answer = self._send("GET", f"{path}?{urlencode(asked)}" if asked else path, seconds=READ_SECONDS)
        if answer.status == 404 and missing is not ...:
            return missing
        try:
            return json.loads(checked(answer).body)
        except (ValueError, RecursionError) as error:
            raise EngineTrouble("unreadable") from error

    def _send(
        self, method: str, target: str, *, seconds: float, content: bytes | None = None,
        headers: dict[str, str] | None = None, limit: int = ANSWER_LIMIT, raw: bool = False,
    ) -> http.Answer:  # fmt: skip
        sent = {"Authorization": f"Bearer {self.connection.api_key}", "Accept": "application/json"} | (headers or {})
        if content is not None:
            sent["Content-Type"] = "application/json"
        try:
            url, trusted = self._address(target)
            return http.send(method, url, headers=sent, content=content, timeout=seconds, limit=limit, trusted=trusted)
        except (http.NotSent, http.NoAnswer) as error:
            if raw:
                raise
            raise EngineTrouble(error.reason) from error

    def _address(self, target: str) -> tuple[str, bool]:
        """A path below the base URL, or an absolute URL that the engine gave: on its own host, or a public one."""
        trusted = self.connection.is_installation
        base = self.connection.base_url.rstrip("/")
        if target.startswith("/"):
            return base + target, trusted
        if urlsplit(target).scheme in ("http", "https") and _same_host(target, base):
            return target, trusted
        if problem := address_problem(target):
            raise http.NotSent("blocked", problem)
        return target, False


def checked(answer: http.Answer) -> http.Answer:
    """A whole answer of 2xx. Raises Invalid for what the engine says about our request, else EngineTrouble."""
    if answer.truncated:
        raise EngineTrouble("too_long")
    if not 200 <= answer.status < 300:
        raise EngineTrouble(f"http_{answer.status}", details=details_of(json_object(answer.body)))
    return answer


def refuse_invalid(answer: http.Answer) -> None:
    """Raise Invalid, with the engine's words and code, when it refused what was asked."""
    if answer.status not in REFUSALS:
        return
    body = json_object(answer.body)
    details = details_of(body) or [f"HTTP {answer.status}"]
    said, param = body.get("type"), body.get("param")
    raise Invalid(
        details[0], details=details, type=said[:60] if isinstance(said, str) else None,
        param=param[:200] if isinstance(param, str) else None,
    )  # fmt: skip


def to_json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def _same_host(url: str, base: str) -> bool:
    try:
        return host_of(url) == host_of(base)
    except (ValueError, httpx.InvalidURL):
        return False
