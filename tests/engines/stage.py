"""The stage of the sandbox's tests: the real process, and a receiver that plays the control plane."""

import hashlib
import hmac
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).resolve().parents[2]
KEY, SECRET = "sandbox-test-key", "whsec_sandbox"
FINAL = "end-of-call-report"


def free_port() -> int:
    """A free port below the range that the kernel hands out by itself."""
    while True:
        port = random.randint(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class Receiver:
    """Takes events, checks each signature and answers questions with what a test sets."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.problems: list[str] = []
        self.answers: dict[str, Callable[[dict[str, Any]], tuple[int, Any]]] = {}
        self.secret = SECRET
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # Head and body in one packet: else each answer waits for a delayed acknowledgement.
            wbufsize = 65536

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = outer.take({name.lower(): value for name, value in self.headers.items()}, body)
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *args: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", free_port()), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hooks/engine/test"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        signed = headers["x-webhook-timestamp"].encode() + b"." + body
        wanted = "sha256=" + hmac.new(self.secret.encode(), signed, hashlib.sha256).hexdigest()
        message = json.loads(body)["message"]
        if headers["x-webhook-signature"] != wanted or abs(int(headers["x-webhook-timestamp"]) - time.time()) > 300:
            self.problems.append("signature of " + message["type"])
        if headers["x-webhook-event"] != message["type"] or message["engine"]["simulated"] is not True:
            self.problems.append("envelope of " + message["type"])
        self.headers.append(headers)
        answer = self.answers.get(message["type"])
        status, reply = answer(message) if answer else (200, {})
        if status < 300:
            self.events.append(message)
        return status, reply

    def of(self, call_id: str, kind: str | None = None) -> list[dict[str, Any]]:
        rows = [event for event in list(self.events) if event.get("call", {}).get("id") == call_id]
        return [event for event in rows if kind in (None, event["type"])]

    def wait(self, call_id: str, kind: str, seconds: float = 8) -> dict[str, Any]:
        """The first event of a kind."""
        return self.wait_for(lambda: self.of(call_id, kind), f"{kind} of {call_id}", seconds)[0]

    def ended(self, call_id: str, seconds: float = 8) -> dict[str, Any]:
        """The final status-update."""
        found = self.wait_for(
            lambda: [e for e in self.of(call_id, "status-update") if e["call"]["status"] != "in-progress"],
            f"end of {call_id}",
            seconds,
        )
        return found[0]

    @staticmethod
    def wait_for(look: Callable[[], Any], what: str, seconds: float = 8) -> Any:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            found = look()
            if found:
                return found
            time.sleep(0.01)
        raise AssertionError("never came: " + what)


class Sandbox:
    """The started process and a client with its key."""

    def __init__(self, data: Path, receiver: Receiver | None = None, **options: Any) -> None:
        self.data, self.port, self.options = data, free_port(), options
        self.base = f"http://127.0.0.1:{self.port}"
        self.client = httpx.Client(
            base_url=self.base, headers={"Authorization": f"Bearer {KEY}"}, timeout=15, trust_env=False
        )
        self.receiver = receiver
        self.start()
        if receiver is not None:
            wanted = {"url": receiver.url, "secret": receiver.secret}
            assert self.client.put("/engine/receiver", json=wanted).status_code == 200

    def start(self) -> None:
        command = [sys.executable, "-m", "engines.sandbox", "--port", str(self.port), "--key", KEY]
        command += ["--data", str(self.data)]
        for name, value in {"clock": 0, **self.options}.items():
            command += [f"--{name}", str(value)]
        self.log = (self.data.parent / f"sandbox-{self.port}.log").open("ab")
        self.process = subprocess.Popen(command, cwd=ROOT, stdout=self.log, stderr=self.log, env={**os.environ})
        end = time.monotonic() + 10
        while time.monotonic() < end:
            try:
                if self.client.get("/health").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the sandbox did not start: " + Path(self.log.name).read_text())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(5)

    def stop(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(8)
        self.log.close()

    def dial(self, destination: str = "+447700900001", key: str | None = None, **body: Any) -> httpx.Response:
        headers = {"Idempotency-Key": key} if key else {}
        wanted = {"destination": destination, "from": {"number": "+31850000001"}, "assistant": assistant(), **body}
        return self.client.post("/calls/outbound", json=wanted, headers=headers)

    def called(self, destination: str = "+447700900001", **body: Any) -> str:
        answer = self.dial(destination, **body)
        assert answer.status_code == 200, answer.text
        return answer.json()["call_id"]

    def control(self, call_id: str, kind: str, **fields: Any) -> httpx.Response:
        return self.client.post(f"/calls/{call_id}/control", json={"type": kind, **fields})

    def faults(self, **settings: Any) -> dict[str, Any]:
        answer = self.client.put("/simulate/faults", json=settings)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def rings(self, **query: Any) -> list[dict[str, Any]]:
        return self.client.get("/simulate/rings", params=query).json()["rings"]

    def ring(self, call_id: str) -> dict[str, Any]:
        return next(ring for ring in self.rings() if ring["call_id"] == call_id)


def assistant(language: str = "en", **fields: Any) -> dict[str, Any]:
    """A complete one-time assistant."""
    tools = fields.pop("tools", [])
    prompt = "You answer the phone of Bakker Dental. A check-up costs 45 euros. We are open from 9 to 17 on weekdays."
    return {
        "first_message": "Good morning, Bakker Dental speaking.",
        "llm_config": {
            "provider": "openai",
            "model": "gpt-5.4",
            "messages": [{"role": "system", "content": prompt}],
            "tools": tools,
        },
        "stt_config": {"provider": "deepgram", "model": "nova-3-general", "language": language},
        "tts_config": {"provider": "elevenlabs", "voice_id": "v"},
        "metadata": {"crm_id": "77"},
        **fields,
    }


@contextmanager
def playing(folder: Path, **options: Any) -> Iterator[tuple[Sandbox, Receiver]]:
    """A sandbox with its receiver; both are gone afterwards."""
    receiver = Receiver()
    sandbox = Sandbox(folder / "data", receiver, **options)
    try:
        yield sandbox, receiver
    finally:
        sandbox.stop()
        receiver.server.shutdown()
        assert receiver.problems == []
