"""One exchange with an engine: its address, its key, its budget, and what a failure is called."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO
from urllib.parse import urlencode, urlsplit

import httpx
from django.utils.translation import gettext as _

from apps.core import http
from apps.core.addresses import address_problem, host_of
from apps.core.errors import Invalid, Unavailable
from apps.voice.budget import Priority, budget_of
from apps.voice.capabilities import known_capabilities
from apps.voice.models import Connection
from apps.voice.outcomes import details_of, json_object, retry_after

READ_SECONDS = 5.0
ANSWER_LIMIT = 8 * 2**20
# What these say is about the request: sending it again unchanged is of no use.
REFUSALS = (400, 409, 413, 422)
# How long a request may wait for its turn. A worker that mirrors comes back later instead.
WAIT_SECONDS = {Priority.CONTROL: 1.0, Priority.OUTBOUND: 1.0, Priority.SYNC: 0.0}
# After a 429 that does not say for how long.
USUAL_PAUSE = 5.0


class EngineTrouble(Unavailable):
    """The engine gave no usable answer; `reason` is a word for programs: `refused`, `timeout`, `http_500`, …

    `details` are the engine's own words, if it said any.
    """

    def __init__(self, reason: str, *, details: Sequence[str] = (), **extra: Any) -> None:
        super().__init__(_("This is not possible at the moment. Try again in a minute."), **extra)
        self.reason = reason
        self.said = list(details)


class EngineBusy(EngineTrouble):
    """No request may go out just now: the upstream's limit per key. `retry_after`: whole seconds until it may."""

    def __init__(self, seconds: float) -> None:
        self.retry_after = max(1, math.ceil(seconds))
        super().__init__("busy", retry_after=self.retry_after)


class Wire:
    """The engine behind a connection, with the connection's key. Speaks outside of transactions only."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.capabilities = known_capabilities(connection)
        self._budget = budget_of(connection, self.capabilities)

    def _read(self, path: str, missing: Any = ..., priority: Priority = Priority.SYNC, **query: Any) -> Any:
        asked = {name: value for name, value in query.items() if value is not None}
        target = f"{path}?{urlencode(asked)}" if asked else path
        answer = self._send("GET", target, seconds=READ_SECONDS, priority=priority)
        if answer.status == 404 and missing is not ...:
            return missing
        try:
            return json.loads(checked(answer).body)
        except (ValueError, RecursionError) as error:
            raise EngineTrouble("unreadable") from error

    def _send(
        self, method: str, target: str, *, seconds: float, content: bytes | None = None,
        headers: dict[str, str] | None = None, limit: int = ANSWER_LIMIT, priority: Priority = Priority.SYNC,
    ) -> http.Answer:  # fmt: skip
        """Send one request. Raises EngineBusy when the limit per key forbids it or is what the engine answers, and
        EngineTrouble without an answer."""
        try:
            answer = self._exchange(method, target, seconds, content, headers or {}, limit, priority)
        except (http.NotSent, http.NoAnswer) as error:
            raise EngineTrouble(error.reason) from error
        if answer.status == 429:
            raise EngineBusy(retry_after(answer.headers) or USUAL_PAUSE)
        return answer

    def _exchange(
        self, method: str, target: str, seconds: float, content: bytes | None, headers: dict[str, str],
        limit: int, priority: Priority, before: Callable[[], None] | None = None,
    ) -> http.Answer:  # fmt: skip
        """Send one request within the key's budget. Raises EngineBusy, `http.NotSent` and `http.NoAnswer`."""
        url, trusted = self._address(target)
        sent = {"Authorization": f"Bearer {self.connection.api_key}", "Accept": "application/json"} | headers
        if content is not None:
            sent["Content-Type"] = "application/json"
        self._admit(priority)
        answer = http.send(
            method, url, headers=sent, content=content, timeout=seconds, limit=limit, trusted=trusted, before=before
        )
        if self._budget and answer.status == 429:
            self._budget.pause(retry_after(answer.headers) or USUAL_PAUSE)
        return answer

    def _save(self, target: str, *, into: BinaryIO, seconds: float, limit: int) -> http.Download:
        """A file of the engine's. Its link may lead to another host, which gets no key. Raises EngineTrouble."""
        try:
            url, trusted = self._address(target)
            headers = {}
            if _same_host(url, self.connection.base_url):
                headers = {"Authorization": f"Bearer {self.connection.api_key}"}
                self._admit(Priority.SYNC)
            got = http.download(url, into=into, headers=headers, timeout=seconds, limit=limit, trusted=trusted)
        except (http.NotSent, http.NoAnswer) as error:
            raise EngineTrouble(error.reason) from error
        if got.status != 200:
            raise EngineTrouble(f"http_{got.status}")
        return got

    def _admit(self, priority: Priority) -> None:
        """Wait for this request's turn, if that comes soon. Raises EngineBusy."""
        if self._budget and (wait := self._budget.wait(priority, WAIT_SECONDS[priority])):
            raise EngineBusy(wait)

    def _address(self, target: str) -> tuple[str, bool]:
        """A path below the base URL, or an absolute URL that the engine gave: on its own host, or a public one."""
        trusted = self.connection.is_trusted
        base = self.connection.base_url.rstrip("/")
        if target.startswith("/"):
            return base + target, trusted
        is_ours = target == self.connection.web_call_url
        if is_ours or (urlsplit(target).scheme in ("http", "https") and _same_host(target, base)):
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
