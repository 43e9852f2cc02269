"""Where events go: set by `PUT /engine/receiver`, kept across restarts."""

from pathlib import Path
from typing import Any

from .store import read_json, write_json
from .wire import Refusal

EVENTS = (
    "assistant-request",
    "tool-calls",
    "status-update",
    "end-of-call-report",
    "call-progress",
    "transcript",
    "engine-heartbeat",
)


class Receiver:
    """One address and the newest secret; older secrets stay valid at the other side, not here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        kept = read_json(path) or {}
        self.url: str | None = kept.get("url")
        self.secret: str = kept.get("secret", "")
        self.events: list[str] = kept.get("events", list(EVENTS))

    def point(self, body: dict[str, Any]) -> dict[str, Any]:
        """Store a receiver; the answer is the echo without the secret. Raises Refusal (400)."""
        url, secret, events = body.get("url"), body.get("secret"), body.get("events", list(EVENTS))
        if not isinstance(url, str) or not url.startswith(("http://", "https://")):
            raise Refusal(400, "url: an http or https address is needed", "invalid_value", param="url")
        if not isinstance(secret, str) or not secret:
            raise Refusal(400, "secret: this field is required", "missing_field", param="secret")
        if not isinstance(events, list) or not all(isinstance(name, str) for name in events):
            raise Refusal(400, "events: a list of names is needed", "invalid_value", param="events")
        self.url, self.secret, self.events = url, secret, events
        write_json(self._path, {"url": url, "secret": secret, "events": events})
        return {"url": url, "events": events}

    def wants(self, event: str) -> bool:
        return self.url is not None and event in self.events
