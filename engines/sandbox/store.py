"""Files: JSON documents replaced as a whole, and append-only lines."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def write_json(path: Path, value: Any) -> None:
    """Replace a document in one step; readable by its owner only, since it may hold a secret."""
    part = path.with_suffix(path.suffix + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(compact(value))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def read_json(path: Path) -> Any:
    """The document, or None when it is missing or was never finished."""
    try:
        return json.loads(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return None


class Lines:
    """One JSON object a line. A line that a killed process left half written is skipped."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: Any = None

    def read(self) -> Iterator[dict[str, Any]]:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            for line in file:
                try:
                    record = json.loads(line)
                except ValueError:
                    continue
                if isinstance(record, dict):
                    yield record

    def append(self, record: dict[str, Any], *, durable: bool) -> None:
        """Write a line; `durable` returns only when it is on the disk."""
        if self._file is None:
            self._file = self._open()
        self._file.write(compact(record) + b"\n")
        self._file.flush()
        if durable:
            os.fsync(self._file.fileno())

    def replace(self, records: list[dict[str, Any]]) -> None:
        part = self.path.with_suffix(".part")
        part.write_bytes(b"".join(compact(record) + b"\n" for record in records))
        self.close()
        part.replace(self.path)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> Any:
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        file = os.fdopen(handle, "r+b")
        size = file.seek(0, os.SEEK_END)
        if size:
            file.seek(size - 1)
            if file.read(1) != b"\n":
                file.write(b"\n")
        return file
