"""Where the sound of calls lies: the storage `recordings`, local or any other, under names that nobody can guess."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.core.files import File
from django.core.files.storage import Storage, storages

ENDINGS = {
    "audio/wav": "wav", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/webm": "webm", "audio/mp4": "m4a", "audio/flac": "flac",
}  # fmt: skip
# How engines and their servers name the same things. What is not in here is handed out as bytes, never as a page.
MEDIA_TYPES = {
    **{ending: name for name, ending in ENDINGS.items()}, **{name: name for name in ENDINGS},
    "audio/x-wav": "audio/wav", "audio/wave": "audio/wav", "audio/vnd.wave": "audio/wav", "audio/mp3": "audio/mpeg",
    "mpeg": "audio/mpeg", "opus": "audio/ogg", "audio/opus": "audio/ogg", "mp4": "audio/mp4", "audio/x-m4a": "audio/mp4",
    "audio/x-flac": "audio/flac",
}  # fmt: skip
BYTES = "application/octet-stream"


class _Arrived(File):  # type: ignore[type-arg]
    """A whole file on this machine: a local storage moves it into place, any other reads it."""

    def temporary_file_path(self) -> str:
        return str(self.name)


def storage() -> Storage:
    return storages["recordings"]


def media_type_of(*names: str) -> str:
    """The first name that means a kind of sound, else bytes. Parameters such as `; codecs=opus` are ignored."""
    plain = (name.partition(";")[0].strip().lower() for name in names)
    return next((MEDIA_TYPES[name] for name in plain if name in MEDIA_TYPES), BYTES)


def new_name(organization_id: object) -> str:
    return f"{organization_id}/{secrets.token_hex(16)}"


@contextmanager
def arriving(recording_id: UUID, attempt: int) -> Iterator[Path]:
    """Where a file grows before it is a recording; gone afterwards, as are those of attempts whose worker died."""
    folder = Path(settings.DATA_DIR) / "incoming"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for old in folder.glob(f"{recording_id}-*"):
        old.unlink(missing_ok=True)
    path = folder / f"{recording_id}-{attempt}"
    path.touch(mode=0o600)
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def put(name: str, path: Path) -> None:
    """Make the file at `path` the recording `name`: there it is whole or not at all."""
    with path.open("rb") as file:
        stored = storage().save(name, _Arrived(file, name=str(path)))
    if stored != name:
        raise RuntimeError(f"the storage of recordings called {name} {stored}")


def remove(name: str) -> None:
    if name:
        storage().delete(name)


def names_of(organization_id: object) -> list[str]:
    """The names of all files of an organization."""
    try:
        _folders, files = storage().listdir(str(organization_id))
    except FileNotFoundError:
        return []
    return [f"{organization_id}/{file}" for file in files]
