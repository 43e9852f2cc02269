"""A small HTTP server that plays a customer's webhook, or an engine with chosen answers."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What the server says. `cut`: the connection breaks before an answer; `wait`: seconds before it."""

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    wait: float = 0
    cut: bool = False


class Receiver:
    """`with Receiver() as server:` — set `server.reply` to a Reply or to a function of what was received."""

    def __init__(self, reply: Reply | Callable[[Received], Reply] | None = None) -> None:
        self.reply = reply or Reply()
        self.received: list[Received] = []
        self.most_at_once = 0
        self._now = 0
        self._lock = threading.Lock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = 65536

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer._take(self, Received(self.command, self.path, headers, self.rfile.read(length)))

            do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = answer

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Receiver:
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *args: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _take(self, handler: BaseHTTPRequestHandler, received: Received) -> None:
        with self._lock:
            self.received.append(received)
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        reply = self.reply(received) if callable(self.reply) else self.reply
        time.sleep(reply.wait)
        with self._lock:
            self._now -= 1
        if reply.cut:
            handler.close_connection = True
            handler.connection.close()
            return
        data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
        handler.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(data))} | reply.headers).items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)
