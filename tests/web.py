"""The application as real processes over real HTTP, on the database of this test run: granian, several workers."""

from __future__ import annotations

import atexit
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.db import connections

from tests.engine import ROOT, free_port


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Web:
    """Starts on entering, ends on leaving. `interface` is `asginl` (as `make run`) or `wsgi` (as production)."""

    _shared: dict[str, Web] = {}

    def __init__(self, *, interface: str = "asginl", workers: int = 2, **environment: str) -> None:
        self.interface, self.workers, self.port = interface, workers, free_port()
        self.environment = environment
        self.folder = Path(tempfile.mkdtemp(prefix="sb-web-"))
        self._process: subprocess.Popen[bytes] | None = None
        atexit.register(self.close)

    @classmethod
    def shared(cls, interface: str = "asginl") -> Web:
        """One with two workers, for several tests. Who uses it calls `end_shared` in `tearDownClass`: its sessions would
        keep the test database from being dropped."""
        if interface not in cls._shared:
            cls._shared[interface] = cls(interface=interface)
            cls._shared[interface].start()
        return cls._shared[interface]

    @classmethod
    def end_shared(cls) -> None:
        while cls._shared:
            cls._shared.popitem()[1].close()

    def __enter__(self) -> Web:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self) -> None:
        command = [
            sys.executable, "-m", "granian", "--interface", self.interface, "--host", "127.0.0.1", "--port", str(self.port),
            "--workers", str(self.workers), "--no-ws", *self._threads(), f"config.{self.interface[:4]}:application",
        ]  # fmt: skip
        output = (self.folder / "log").open("ab")
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=self._environment())
        output.close()
        deadline = time.monotonic() + 60
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(self.log)
            time.sleep(0.1)

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text()

    def send(
        self, method: str, path: str, *, key: str = "", body: Any = None, headers: dict[str, str] | None = None,
        timeout: float = 30,
    ) -> Reply:  # fmt: skip
        """One request on a connection of its own. `body`: bytes as they are, an iterator chunked, anything else as JSON."""
        sent = {"Host": "localhost", "Content-Type": "application/json"} | (headers or {})
        if key:
            sent["Authorization"] = f"Bearer {key}"
        if body is not None and not isinstance(body, bytes) and not hasattr(body, "__next__"):
            body = json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            # A body that is too long is answered before it was read to its end.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, path, body=body, headers=sent, encode_chunked=hasattr(body, "__next__"))
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, found, answer.read())
        finally:
            connection.close()

    def _threads(self) -> list[str]:
        return ["--blocking-threads", "8"] if self.interface == "wsgi" else []

    def _environment(self) -> dict[str, str]:
        ours = {
            "DJANGO_SETTINGS_MODULE": "config.settings", "DEVELOPMENT": "1", "SECURE_COOKIES": "0", "SANDBOX": "1",
            "DATABASE_POOL": "0" if self.interface == "wsgi" else "20", "DATABASE_URL": _test_database(), "API_REQUESTS_PER_MINUTE": "100000",
            "WEBHOOK_ALLOWED_NETWORKS": "127.0.0.0/8",
        }  # fmt: skip
        return {**os.environ, **ours, **self.environment}

    def _answers(self) -> bool:
        try:
            return self.send("GET", "/api/v1/health", timeout=20).status in (200, 503)
        except OSError:
            return False


def _test_database() -> str:
    name = connections["default"].settings_dict["NAME"]
    return urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
