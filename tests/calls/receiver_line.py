"""What the tables about the receiver play with: one call, its engine's line to a real web process, and what came of it."""

from __future__ import annotations

import json
import math
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, NamedTuple

from apps.billing.models import LedgerEntry
from apps.calls.models import Call, EngineEvent
from apps.core.scope import acting
from apps.organizations.models import Organization
from apps.organizations.scopes import overview
from apps.voice.models import Connection
from apps.webhooks.models import Delivery
from apps.webhooks.signing import sign
from tests.calls.support import SECRET, apply, event, scope_of
from tests.web import Web


class Effect(NamedTuple):
    """What an event did: the call's status, charges in the ledger, deliveries queued, events stored, calls made."""

    status: str = "connecting"
    charges: int = 0
    deliveries: int = 0
    stored: int = 0
    calls: int = 0

    def __str__(self) -> str:
        return f"call {self.status}, charges {self.charges}, deliveries {self.deliveries}, stored {self.stored}, new calls {self.calls}"


def counted() -> tuple[int, int]:
    """Events and calls of everybody."""
    with acting(overview("what a table counts")):
        return EngineEvent.objects.count(), Call.objects.count()


def body_of(message: Any) -> bytes:
    return json.dumps({"message": message}).encode()


@dataclass
class Line:
    """One row's call. Every method that sends returns the status code; 0: the line broke without an answer."""

    web: Web
    connection: Connection
    call: Call
    organization: Organization
    hook: str = ""

    def __post_init__(self) -> None:
        self.before = counted()

    def effect(self) -> Effect:
        with scope_of(self.organization):
            apply(self.call)
            charges = LedgerEntry.objects.filter(call_id=self.call.public_id).exclude(amount=0).count()
            deliveries = Delivery.objects.filter(call_id=self.call.public_id).count()
        events, calls = counted()
        return Effect(self.call.status, charges, deliveries, events - self.before[0], calls - self.before[1])

    def status_update(self, status: str = "in-progress", **fields: Any) -> dict[str, Any]:
        return event("status-update", self.call, status=status, **fields)

    def headers(
        self,
        body: bytes,
        *,
        secret: str | None = None,
        stamp: str | None = "",
        signature: Callable[[str], str | None] = str,
        webhook_id: str = "",
    ) -> dict[str, str]:
        """As an engine sends them. `signature` makes something else of the right one; None leaves a header out."""
        now = str(int(time.time())) if stamp == "" else stamp
        signed = signature(sign(SECRET if secret is None else secret, now or "", body))
        found = {"X-Webhook-Timestamp": now, "X-Webhook-Signature": signed, "X-Webhook-Id": webhook_id or None}
        return {name: value for name, value in found.items() if value is not None}

    def send(
        self,
        message: Any = None,
        *,
        chunked: bool = False,
        connection: Connection | None = None,
        extra: dict[str, str] | None = None,
        **options: Any,
    ) -> int:
        """Post an event, a status-update when none is given. `message`: bytes as they are."""
        body = message if isinstance(message, bytes) else body_of(self.status_update() if message is None else message)
        path = f"/hooks/engine/{self.hook or (connection or self.connection).hook_id}"
        options.setdefault("secret", connection.hook_secret if connection else None)
        headers = self.headers(body, **options) | (extra or {})
        parts = iter([body[at : at + 65536] for at in range(0, len(body), 65536)])
        return self.web.send("POST", path, body=parts if chunked else body, headers=headers).status

    def off(self, seconds: int) -> int:
        """A status-update whose timestamp is off by so many seconds, however long the request takes to arrive."""
        base = time.time()
        stamp = math.floor(base) + seconds if seconds in (-301, 299) else math.ceil(base) + seconds
        return self.send(stamp=str(stamp))

    def announced(self, length: int, body: bytes, *, leaves: bool = False) -> int:
        """Post a body under a `Content-Length` that is not its own. `leaves`: then hang up."""
        lines = [
            f"POST /hooks/engine/{self.connection.hook_id} HTTP/1.1",
            "Host: localhost",
            "Content-Type: application/json",
        ]
        lines += [f"{name}: {value}" for name, value in self.headers(body).items()] + [
            f"Content-Length: {length}",
            "Connection: close",
        ]
        with socket.create_connection(("127.0.0.1", self.web.port), timeout=20) as line:
            try:
                line.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
                answer = b"" if leaves else line.recv(4096)
            except OSError:
                return 0
        return int(answer.split()[1]) if answer else 0

    def at_once(self, message: Any, times: int = 8, **options: Any) -> list[int]:
        """The same event so many times at the same moment."""
        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(lambda _number: self.send(message, **options), range(times)))
