"""A TCP listener on loopback that does to each connection whatever a test says, and remembers what reached it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress


class Canary:
    """`port` to connect to; `received`: the bytes of each connection, in the order they were accepted."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.received: list[bytes] = []
        self.stopped = threading.Event()

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


def answer(text: bytes) -> Callable[[socket.socket, Canary], None]:
    """Read a whole request, then send these bytes and hang up."""

    def handle(connection: socket.socket, canary: Canary) -> None:
        read_request(connection, canary)
        connection.sendall(text)

    return handle


def read_request(connection: socket.socket, canary: Canary) -> None:
    canary.received.append(b"")
    while b"\r\n\r\n" not in canary.received[-1]:
        part = connection.recv(65536)
        if not part:
            return
        canary.received[-1] += part
    head, _blank, body = canary.received[-1].partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")), 0)
    while len(body) < length:
        part = connection.recv(65536)
        body += part
        canary.received[-1] += part


@contextmanager
def listening(handle: Callable[[socket.socket, Canary], None]) -> Iterator[Canary]:
    server = socket.create_server(("127.0.0.1", 0))
    canary = Canary(server.getsockname()[1])

    def accept() -> None:
        while True:
            try:
                connection, _peer = server.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            handle(connection, canary)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield canary
    finally:
        canary.stopped.set()
        server.shutdown(socket.SHUT_RDWR)
        server.close()
