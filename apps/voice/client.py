"""One client for every voice engine: the wire that we offer ourselves (design 4), and what the engine announced.

A dial or a command ends as a `Dialled`, never as an exception. Everything else raises Unavailable without an answer.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core import http
from apps.core.errors import Conflict, Invalid
from apps.voice.objects import Objects
from apps.voice.outcomes import Dialled, json_object, of_answer, of_failure
from apps.voice.wire import READ_SECONDS, EngineTrouble, checked, to_json

__all__ = ["Engine", "EngineTrouble"]

WEB_CALL_SECONDS = 8.0
# A tool may be asked meanwhile: its answer, and the model's.
TEXT_SECONDS = 25.0


class Engine(Objects):
    """The engine behind a connection, with the connection's key. Speaks outside of transactions only."""

    def dial(self, body: dict[str, Any], *, key: str, seconds: float | None = None) -> Dialled:
        """`POST /calls/outbound`. The same dial is repeated with the same body and key, never with new ones.

        Args:
            key: the stored key of this dial, sent as Idempotency-Key.
            seconds: for the whole exchange; DIAL_ANSWER_SECONDS when left out.
        """
        return self._start("/calls/outbound", body, key=key, seconds=seconds or settings.DIAL_ANSWER_SECONDS)

    def web_call(self, body: dict[str, Any], *, key: str, seconds: float = WEB_CALL_SECONDS) -> Dialled:
        """`POST /calls/web`: token and server URL stand in `body` of what comes back."""
        return self._start("/calls/web", body, key=key, seconds=seconds)

    def text(self, ref: str, text: str) -> dict[str, Any]:
        """`POST /calls/{id}/text` (feature `text`): what the visitor typed, empty to come in.

        Returns `messages`, `tool_calls`, `ended`. Raises Conflict when the talk is over, EngineTrouble without an answer.
        """
        path = f"/calls/{quote(ref, safe='')}/text"
        answer = self._send("POST", path, content=to_json({"text": text} if text else {}), seconds=TEXT_SECONDS)
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
            raise Invalid(_("The voice engine of this call does not know this command."), param="type")
        limit = seconds or settings.DIAL_ANSWER_SECONDS
        path = f"/calls/{quote(call_ref, safe='')}/control"
        done = self._start(control_url or path, body, key=key, seconds=limit)
        elsewhere = done.error == "call_elsewhere" and done.control_url
        return self._start(done.control_url, body, key=key, seconds=limit) if elsewhere else done

    def find_by_reference(self, reference: str) -> dict[str, Any] | None:
        """The engine's call with our reference. Only with the feature `reference`; None is "not listed"."""
        found = self.list_calls(reference=reference)
        return next((call for call in found if call.get("reference") == reference), None)

    def list_calls(self, **query: Any) -> list[dict[str, Any]]:
        """`GET /calls`, newest first: `limit`, `offset`, `start_date`, `reference`, …"""
        answer = self._read("/calls", **query)
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

    def recording(self, ref: str, *, byte_range: str = "") -> http.Answer:
        """The bytes of a recording (feature `recordings`): 200, or 206 for a Range header's value."""
        extra = {"Range": byte_range} if byte_range else {}
        answer = self._send("GET", f"/calls/{quote(ref, safe='')}/recording", seconds=30, headers=extra, limit=2**27)
        if answer.status not in (200, 206) or answer.truncated:
            raise EngineTrouble(f"http_{answer.status}")
        return answer

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
            raise Invalid(str(said.get("error") or _("The voice engine refused this call.")))
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
        answer = self._send("GET", "/engine", seconds=settings.DIAL_ANSWER_SECONDS)
        if answer.status == 404:
            return {}
        found = json_object(checked(answer).body)
        if not found:
            raise EngineTrouble("unreadable")
        return found

    def _start(self, target: str, body: dict[str, Any], *, key: str, seconds: float) -> Dialled:
        try:
            answer = self._send(
                "POST", target, content=to_json(body), seconds=seconds, headers={"Idempotency-Key": key}, raw=True
            )
        except (http.NotSent, http.NoAnswer) as error:
            return of_failure(error)
        return of_answer(answer, self.capabilities)
