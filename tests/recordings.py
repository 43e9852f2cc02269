"""For tests of recordings: a folder of their own, and a stand-in engine that hands out files over real HTTP."""

from __future__ import annotations

import copy
import shutil
import tempfile
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.conf import settings
from django.test import override_settings


class OwnFiles:
    """DATA_DIR and the storage of recordings in a temporary folder, for as long as the block lasts."""

    def __enter__(self) -> Path:
        self.folder = Path(tempfile.mkdtemp(prefix="sb-recordings-"))
        stores = copy.deepcopy(settings.STORAGES)
        stores["recordings"]["OPTIONS"] = {"location": self.folder / "recordings"}
        self._settings = override_settings(DATA_DIR=self.folder, STORAGES=stores)
        self._settings.enable()
        return self.folder

    def __exit__(self, *_error: object) -> None:
        self._settings.disable()
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class FileEngine:
    """An engine that knows `files` by path. `answers` are played first, one per request: a status, "cut", or a Location."""

    files: dict[str, bytes] = field(default_factory=dict)
    media_type: str = "audio/wav"
    answers: list[int | str] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def __enter__(self) -> FileEngine:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                engine.asked.append(("GET", self.path, self.headers.get("Authorization", "")))
                body, order = engine.files.get(self.path), engine.answers.pop(0) if engine.answers else 200
                if isinstance(order, str) and order.startswith("http"):
                    self.send_response(302)
                    self.send_header("Location", order)
                    self.end_headers()
                    return
                if body is None or (isinstance(order, int) and order != 200):
                    self.send_error(404 if body is None else int(order))
                    return
                self.send_response(200)
                self.send_header("Content-Type", engine.media_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2] if order == "cut" else body)

            def do_DELETE(self) -> None:
                engine.asked.append(("DELETE", self.path, self.headers.get("Authorization", "")))
                order = engine.answers.pop(0) if engine.answers else 200
                self.send_response(int(order))
                self.send_header("Content-Length", "16")
                self.end_headers()
                self.wfile.write(b'{"success":true}')

            def do_PATCH(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                engine.asked.append(("PATCH", self.path, body))
                order = engine.answers.pop(0) if engine.answers else 200
                self.send_response(int(order))
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        return self

    def __exit__(self, *_error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class Dripping:
    """A server that sends half of a file and then nothing more; `half` is set when that much has left."""

    def __init__(self, body: bytes) -> None:
        self.half = threading.Event()
        dripping, ended = self, threading.Event()
        self._ended = ended

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body[: len(body) // 2])
                self.wfile.flush()
                dripping.half.set()
                ended.wait(60)

            def log_message(self, *_args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Dripping:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()
