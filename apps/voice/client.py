"""One client for every voice engine: the wire that we offer ourselves (design 4), and what the engine announced.

A dial or a command ends as a `Dialled`, never as an exception. Everything else raises Unavailable without an answer.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, BinaryIO
from urllib.parse import quote

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core import http
from apps.core.errors import Conflict, Invalid
from apps.core.foreign_json import json_object
from apps.voice.budget import Priority
from apps.voice.objects import Objects
from apps.voice.outcomes import Dialled, of_answer, of_busy, of_failure, retry_after
from apps.voice.wire import (
    ANSWER_LIMIT,
    READ_SECONDS,
    WAIT_SECONDS,
    EngineBusy,
    EngineTrouble,
    checked,
    to_json,
)

__all__ = ["Engine", "EngineBusy", "EngineTrouble"]

WEB_CALL_SECONDS = 8.0
# A tool may be asked meanwhile: its answer, and the model's.
TEXT_SECONDS = 25.0
# With less than this an answer cannot be hoped for.
LEAST_SECONDS = 0.5


class Engine(Objects):
    """The engine behind a connection, with the connection's key. Speaks outside of transactions only."""

    def dial(
        self, body: dict[str, Any], *, key: str, seconds: float | None = None, before: Callable[[], None] | None = None
    ) -> Dialled:
        """`POST /calls/outbound`. The same dial is repeated with the same body and key, never with new ones.

        Args:
            key: the stored key of this dial, sent as Idempotency-Key.
            seconds: for the whole exchange; DIAL_ANSWER_SECONDS when left out.
            before: called with the connection open, before the first byte; may wait, and raise `http.NotSent`.
        """
        limit = seconds or settings.DIAL_ANSWER_SECONDS
        return self._start("/calls/outbound", body, key=key, seconds=limit, before=before)

    def web_call(self, body: dict[str, Any], *, key: str, seconds: float = WEB_CALL_SECONDS) -> Dialled:
        """A room for one visitor: token and server URL, which are the engine's, stand in `body` of what comes back.

        On the base wire it is asked for at the connection's web-call URL, else at `POST /calls/web`.
        """
        is_base = self.capabilities.kind == "base"
        target = (is_base and self.connection.web_call_url) or "/calls/web"
        return self._start(target, body, key=key, seconds=seconds)

    def text(self, ref: str, text: str) -> dict[str, Any]:
        """`POST /calls/{id}/text` (feature `text`): what the visitor typed, empty to come in.

        Returns `messages`, `tool_calls`, `ended`. Raises Conflict when the talk is over, EngineTrouble without an answer.
        """
        path = f"/calls/{quote(ref, safe='')}/text"
        answer = self._send(
            "POST",
            path,
            content=to_json({"text": text} if text else {}),
            seconds=TEXT_SECONDS,
            priority=Priority.OUTBOUND,
        )
        said = json_object(answer.body)
        if answer.status in (400, 404) and said.get("type") in ("call_not_active", "not_found"):
            raise Conflict(_("The talk is over."), type="call_not_active")
        found = json_object(checked(answer).body)
        if not isinstance(found.get("messages"), list):
            raise EngineTrouble("unreadable")
        return found

    def control(
        self, call_ref: str, control_url: str, body: dict[str, Any], *, key: str, seconds: float | None = None
    ) -> Dialled:
        """Send a command to the process that holds the call: `control_url`, or the base URL without one.

        An engine that names another process is believed once. Raises Invalid when the engine does not announce the
        command (engine 5.1).
        """
        if body.get("type") not in self.capabilities.control:
            raise Invalid(_("This command is not possible in this call."), param="type")
        limit = seconds or settings.DIAL_ANSWER_SECONDS
        path = f"/calls/{quote(call_ref, safe='')}/control"
        done = self._start(control_url or path, body, key=key, seconds=limit, priority=Priority.CONTROL)
        if done.error != "call_elsewhere" or not done.control_url:
            return done
        return self._start(done.control_url, body, key=key, seconds=limit, priority=Priority.CONTROL)

    def find_by_reference(self, reference: str) -> dict[str, Any] | None:
        """The engine's call with our reference. Only with the feature `reference`; None is "not listed"."""
        found = self.list_calls(reference=reference)
        return next((call for call in found if call.get("reference") == reference), None)

    def list_calls(self, **query: Any) -> list[dict[str, Any]]:
        """`GET /calls`, newest first: `limit`, `offset`, `start_date`, `reference`, …"""
        answer = self._read("/calls", priority=Priority.OUTBOUND, **query)
        calls = answer if isinstance(answer, list) else answer.get("calls") if isinstance(answer, dict) else None
        if not isinstance(calls, list):
            raise EngineTrouble("unreadable")
        return [call for call in calls if isinstance(call, dict)]

    def get_call(self, ref: str) -> dict[str, Any] | None:
        """One call as the engine knows it; None when it does not know it."""
        found = self._read(f"/calls/{quote(ref, safe='')}", missing=None)
        if isinstance(found, dict) and isinstance(found.get("call"), dict):
            found = found["call"]
        return found if isinstance(found, dict) else None

    def voices(self, **query: Any) -> list[dict[str, Any]]:
        answer = self._read("/voices", **query)
        found = answer.get("voices") if isinstance(answer, dict) else answer
        return [voice for voice in found if isinstance(voice, dict)] if isinstance(found, list) else []

    def save_recording(self, ref: str, url: str, *, into: BinaryIO, seconds: float, limit: int) -> http.Download:
        """A recording into a file: `GET /calls/{id}/recording` (feature `recordings`), else the link of the report.

        The connection's key goes to the engine's own host only. Raises EngineTrouble; `http_404` when there is none.
        """
        with_feature = self.capabilities.has("recordings")
        return self._save(
            f"/calls/{quote(ref, safe='')}/recording" if with_feature else url, into=into, seconds=seconds, limit=limit
        )

    def erase_content(self, ref: str) -> bool:
        """`DELETE /calls/{id}/content` (feature `recordings`); may be repeated. False when there is no such call."""
        answer = self._send("DELETE", f"/calls/{quote(ref, safe='')}/content", seconds=READ_SECONDS)
        if answer.status == 404:
            return False
        checked(answer)
        return True

    def simulate_inbound(self, *, to: str, from_: str, outcome: str | None = None, seed: int | None = None) -> str:
        """Let the sandbox call one of our numbers (feature `simulate`). Returns the engine's call id."""
        body = {"to": to, "from": from_, "outcome": outcome, "seed": seed}
        content = to_json({name: value for name, value in body.items() if value is not None})
        answer = self._send("POST", "/simulate/inbound", content=content, seconds=READ_SECONDS)
        if answer.status == 400:
            said = json_object(answer.body)
            raise Invalid(str(said.get("error") or _("This call was refused.")))
        ref = json_object(checked(answer).body).get("call_id")
        if not isinstance(ref, str):
            raise EngineTrouble("unreadable")
        return ref

    def set_receiver(self, *, url: str, secret: str, events: tuple[str, ...]) -> None:
        """`PUT /engine/receiver` (feature `receiver`): where this engine's events go."""
        body = {"url": url, "secret": secret, "events": list(events)}
        checked(self._send("PUT", "/engine/receiver", content=to_json(body), seconds=READ_SECONDS))

    def announced(self) -> dict[str, Any]:
        """The body of `GET /engine`; empty for an engine of the base wire. Anything but 200 and 404 is trouble."""
        answer = self._send("GET", "/engine", seconds=settings.DIAL_ANSWER_SECONDS, priority=Priority.OUTBOUND)
        if answer.status == 404:
            return {}
        found = json_object(checked(answer).body)
        if not found:
            raise EngineTrouble("unreadable")
        return found

    def _start(
        self, target: str, body: dict[str, Any], *, key: str, seconds: float, priority: Priority = Priority.OUTBOUND,
        before: Callable[[], None] | None = None,
    ) -> Dialled:  # fmt: skip
        """A request with an effect. A short pause that the upstream asks for is kept, and the same request sent again."""
        content, headers = to_json(body), {"Idempotency-Key": key}
        end = time.monotonic() + seconds
        while True:
            left = max(LEAST_SECONDS, end - time.monotonic())
            try:
                answer = self._exchange("POST", target, left, content, headers, ANSWER_LIMIT, priority, before)
            except EngineBusy as busy:
                return of_busy(busy.retry_after, busy.text)
            except (http.NotSent, http.NoAnswer) as error:
                return of_failure(error)
            pause = retry_after(answer.headers)
            if answer.status != 429 or self._budget is None or pause is None or pause > WAIT_SECONDS[priority]:
                return of_answer(answer, self.capabilities)
            if end - time.monotonic() < pause + LEAST_SECONDS:
                return of_answer(answer, self.capabilities)
            time.sleep(pause)
