"""Routes of the sandbox, and what stands before each of them: key, faults, repeats."""

import asyncio
import hashlib
import hmac
import logging
import secrets
from datetime import timedelta
from typing import Any

from . import VERSION
from .calls import Call, bare_view
from .clock import iso, utc_now
from .commands import read_command
from .dial import REPLAYED, Dialler
from .engine import Engine
from .recording import wav_bytes
from .store import compact
from .voices import VOICES
from .wire import Answer, Refusal, Request, Router, cut_connection, instant, read_request, send_answer

log = logging.getLogger("sandbox")

OPEN_PATHS = ("/health",)


class App:
    """The ASGI application."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self._dialler, self._router = engine, Dialler(engine), Router()
        self._busy_keys: set[str] = set()
        for method, path, handler in (
            ("GET", "/health", self.health),
            ("GET", "/engine", self.describe),
            ("PUT", "/engine/receiver", self.set_receiver),
            ("GET", "/voices", self.voices),
            ("GET", "/calls", self.list_calls),
            ("POST", "/calls/outbound", self.dial),
            ("POST", "/calls/web", self.web_call),
            ("POST", "/web-calls", self.web_call),
            ("POST", "/v1/web-calls", self.web_call),
            ("GET", "/calls/{}", self.read_call),
            ("POST", "/calls/{}/control", self.control),
            ("POST", "/calls/{}/text", self.text),
            ("GET", "/calls/{}/recording", self.recording),
            ("GET", "/calls/{}/listen", self.listen),
            ("DELETE", "/calls/{}/content", self.erase),
            ("POST", "/simulate/inbound", self.simulate_inbound),
            ("GET", "/simulate/rings", self.rings),
            ("GET", "/simulate/faults", self.read_faults),
            ("PUT", "/simulate/faults", self.set_faults),
        ):
            self._router.add(method, path, handler)

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        try:
            request = await read_request(scope, receive)
            answer = await self._answer(request)
        except Refusal as refusal:
            answer = Answer(refusal.body, refusal.status, refusal.headers)
        except Exception:
            log.exception("request")
            answer = Answer({"error": "The sandbox failed", "type": "server_error", "rang": "unknown"}, 500)
        if answer.status == 0:
            await cut_connection(send)
        else:
            await send_answer(send, answer)

    async def _answer(self, request: Request) -> Answer:
        """Key first, then the faults that were ordered, then the handler."""
        if request.path not in OPEN_PATHS and not request.path.endswith("/listen"):
            self._check_key(request)
        handler = self._router.find(request)
        faults = self._engine.faults
        if request.path.startswith("/simulate/"):
            return await handler(request)
        fault = faults.draw_post() if request.method == "POST" else None
        if fault == "errors":
            await asyncio.sleep(faults.answer_delay())
            raise Refusal(503, "Ordered error", "server_error", rang=False)
        key = request.headers.get("idempotency-key") if faults.honours_keys and request.method == "POST" else None
        if key and key in self._busy_keys:
            raise Refusal(409, "The first request with this key still runs", "in_progress", rang="unknown")
        if key:
            self._busy_keys.add(key)
        try:
            answer = await self._handle(handler, request)
            await asyncio.sleep(faults.answer_delay())
        finally:
            self._busy_keys.discard(key or "")
        if fault == "errors_after" and answer.status < 300:
            raise Refusal(503, "Ordered error after the effect", "server_error", rang="unknown")
        return Answer(None, 0) if fault == "lose_answers" else answer

    async def _handle(self, handler: Any, request: Request) -> Answer:
        try:
            return await handler(request)
        except Refusal as refusal:
            return Answer(refusal.body, refusal.status, refusal.headers)

    def _check_key(self, request: Request) -> None:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        if not hmac.compare_digest(given.encode(), self._engine.options.key.encode()):
            raise Refusal(401, "Invalid API key", "unauthorized", rang=False)

    async def health(self, request: Request) -> Answer:
        return Answer({"status": "ok", "timestamp": iso(utc_now()), "version": VERSION, "checks": {}})

    async def describe(self, request: Request) -> Answer:
        return Answer(self._engine.describe())

    async def set_receiver(self, request: Request) -> Answer:
        answer = self._engine.receiver.point(request.json())
        # A new receiver learns at once which instance lives here.
        self._engine.spawn(self._engine.beat())
        return Answer(answer)

    async def voices(self, request: Request) -> Answer:
        return Answer({"voices": VOICES})

    async def dial(self, request: Request) -> Answer:
        body = request.json()
        key = request.headers.get("idempotency-key")
        return self._dialler.outbound(body, key, _digest(request, body), request.base)

    async def web_call(self, request: Request) -> Answer:
        return await self._keyed(request, lambda body: self._dialler.web(body, request.base))

    async def list_calls(self, request: Request) -> Answer:
        limit, offset = max(1, request.number("limit", 100, 1000)), request.number("offset", 0, 10**9)
        reference = request.query.get("reference")
        if reference is not None and self._engine.faults.honours_references:
            rows = self._by_reference(reference)
        else:
            rows = [call.view() for call in self._engine.calls.newest_first()]
        status = request.query.get("status")
        if status:
            same = {"failed", "ended-with-error"} if status == "failed" else {status}
            rows = [row for row in rows if row["status"] in same]
        for name, keep in (("start_date", str.__ge__), ("end_date", str.__le__)):
            if request.query.get(name):
                bound = iso(_bound(request.query[name], name)) or ""
                rows = [row for row in rows if keep(row["created_at"], bound)]
        page = {"total": len(rows), "limit": limit, "offset": offset}
        return Answer({"calls": rows[offset : offset + limit], "pagination": page})

    async def read_call(self, request: Request) -> Answer:
        return Answer(self._call(request).view())

    async def control(self, request: Request) -> Answer:
        return await self._keyed(request, lambda body: self._control(request, body))

    async def text(self, request: Request) -> Answer:
        call = self._call(request)
        talk, text = self._engine.texts.get(call.id), request.json().get("text")
        if talk is None:
            raise Refusal(400, "This is no running text talk", "call_not_active", rang=False)
        text = "" if text is None else text
        if not isinstance(text, str) or not (text.strip() or call.answered_at is None):
            raise Refusal(400, "text: this field is required", "missing_field", param="text", rang=False)
        return Answer(await talk.hear(text.strip()[:2000]))

    async def recording(self, request: Request) -> Answer:
        call = self._call(request)
        if not call.recorded or call.erased or call.assistant.gdpr:
            raise Refusal(404, "There is no recording", "not_found")
        return _ranged(await asyncio.to_thread(wav_bytes, call), request.headers.get("range", ""))

    async def listen(self, request: Request) -> Answer:
        call = self._call(request)
        given = request.query.get("token", "")
        if not call.listen_token or not hmac.compare_digest(given.encode(), call.listen_token.encode()):
            raise Refusal(401, "This token is not valid", "unauthorized")
        return _ranged(await asyncio.to_thread(wav_bytes, call), "")

    async def erase(self, request: Request) -> Answer:
        call_id = request.args[0]
        call = self._engine.calls.get(call_id)
        if call is None and self._engine.rings.of_call(call_id) is None:
            raise Refusal(404, "Unknown call", "not_found")
        if call is not None:
            call.messages, call.tool_calls, call.summary, call.analysis, call.erased = [], [], None, None, True
        self._engine.events.erase(call_id)
        return Answer({"success": True})

    async def simulate_inbound(self, request: Request) -> Answer:
        return self._dialler.inbound(request.json(), request.base)

    async def rings(self, request: Request) -> Answer:
        since = instant(request.query["since"], "since") if request.query.get("since") else None
        limit, offset = request.number("limit", 1000, 100_000), request.number("offset", 0, 10**9)
        return Answer(self._engine.rings.page(since, limit, offset))

    async def read_faults(self, request: Request) -> Answer:
        return Answer(self._engine.faults.settings)

    async def set_faults(self, request: Request) -> Answer:
        return Answer(self._engine.faults.order(request.json()))

    async def _keyed(self, request: Request, run: Any) -> Answer:
        """Run once per key: the first answer is kept, a repeat gets it again."""
        body = request.json()
        key = request.headers.get("idempotency-key") if self._engine.faults.honours_keys else None
        if key is None:
            return await run(body)
        digest = _digest(request, body)
        kept = self._engine.keys.answer(key, digest)
        if kept is not None:
            return Answer(kept, headers=REPLAYED)
        answer = await run(body)
        self._engine.keys.keep(key, digest, answer.body)
        return answer

    async def _control(self, request: Request, body: dict[str, Any]) -> Answer:
        command, call = read_command(body), self._call(request)
        if call.status != "in-progress":
            raise Refusal(400, "The call is not active", "call_not_active", rang=False)
        answer: dict[str, Any] = {"success": True, "message": "Command sent successfully"}
        if command["type"] == "listen":
            call.listen_token = secrets.token_urlsafe(24)
            answer["listen_url"] = f"{request.base}/calls/{call.id}/listen?token={call.listen_token}"
            answer["token"] = call.listen_token
            answer["expires_at"] = iso(utc_now() + timedelta(minutes=10))
            return Answer(answer)
        call.commands.append(command)
        call.pace.nudge.set()
        talk = self._engine.texts.get(call.id)
        if talk is not None:
            await talk.obey()
        return Answer(answer)

    def _call(self, request: Request) -> Call:
        call = self._engine.calls.get(request.args[0])
        if call is None:
            raise Refusal(404, "Unknown call", "not_found", rang=False)
        return call

    def _by_reference(self, reference: str) -> list[dict[str, Any]]:
        """The look-up must find whatever rang, also what a killed process dialled."""
        call_id = self._engine.calls.id_of(reference)
        call = self._engine.calls.get(call_id) if call_id else None
        if call is not None:
            return [call.view()]
        ring = self._engine.rings.of_reference(reference)
        if ring is None:
            return []
        row = bare_view(ring.call_id, ring.direction, ring.own, ring.other, reference)
        row.update(status="ended", duration_seconds=ring.seconds, created_at=ring.at, updated_at=ring.at)
        if not ring.seconds and ring.instance != self._engine.instance:
            row.update(status="ended-with-error", end_reason="error", error="Lost by the engine")
        return [row]


def _digest(request: Request, body: dict[str, Any]) -> str:
    """What "the same body" means: same path, same JSON."""
    return hashlib.sha256(request.path.encode() + b"\n" + compact(_sorted(body))).hexdigest()


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


def _bound(text: str, name: str) -> Any:
    moment = instant(text, name)
    return moment + timedelta(days=1) - timedelta(milliseconds=1) if name == "end_date" and len(text) == 10 else moment


def _ranged(data: bytes, header: str) -> Answer:
    """The whole file, or one range of it."""
    headers = {"Content-Type": "audio/wav", "Accept-Ranges": "bytes"}
    if not header.startswith("bytes=") or "," in header:
        return Answer(data, 200, headers)
    first, _, last = header.removeprefix("bytes=").partition("-")
    try:
        start = int(first) if first else len(data) - int(last)
        end = int(last) if first and last else len(data) - 1
    except ValueError:
        return Answer(data, 200, headers)
    start, end = max(0, start), min(end, len(data) - 1)
    if start > end:
        whole = {"Content-Range": f"bytes */{len(data)}"}
        raise Refusal(416, "This range is not there", "invalid_value", headers=whole)
    return Answer(data[start : end + 1], 206, {**headers, "Content-Range": f"bytes {start}-{end}/{len(data)}"})
