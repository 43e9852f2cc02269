"""Secrets at rest: AES-256-GCM under one key per owner and field, derived by HKDF from a master key.

What is stored carries the id of its master key, so several are valid while one is being replaced. Owner and field are
derived into the key and authenticated as well: a value copied to another row, field or tenant does not open.
"""

import base64
import binascii
import functools
import hmac
import os
from collections.abc import Iterable
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

FORMAT = 1
NONCE_BYTES = 12
INSTALLATION = "installation"  # owner of what belongs to no organization

Owner = UUID | str | None


class SecretUnreadable(Exception):
    """A stored secret does not open: wrong owner or field, unknown master key, or changed bytes."""


def encrypt(plain: str | bytes, *, owner: Owner, field: str) -> bytes:
    """Seal a value for one owner (organization or user id; None: the installation) and one field ("table.column")."""
    key_id, master = next(iter(master_keys().items()))
    nonce = os.urandom(NONCE_BYTES)
    bound = _bound(owner, field)
    data = plain.encode() if isinstance(plain, str) else plain
    name = key_id.encode()
    return bytes((FORMAT, len(name))) + name + nonce + AESGCM(_derived(master, bound)).encrypt(nonce, data, bound)


def decrypt(sealed: bytes, *, owner: Owner, field: str) -> str:
    """The text that `encrypt` sealed; raises SecretUnreadable."""
    return decrypt_bytes(sealed, owner=owner, field=field).decode()


def decrypt_bytes(sealed: bytes, *, owner: Owner, field: str) -> bytes:
    """The bytes that `encrypt` sealed; raises SecretUnreadable."""
    key_id, rest = _opened(bytes(sealed))
    master = master_keys().get(key_id)
    if master is None:
        raise SecretUnreadable(f"{field}: master key {key_id!r} is not configured")
    bound = _bound(owner, field)
    try:
        return AESGCM(_derived(master, bound)).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError) as error:
        raise SecretUnreadable(f"{field}: the stored value does not belong here or was changed") from error


def rotate(sealed: bytes, *, owner: Owner, field: str) -> bytes | None:
    """The same value under the newest master key; None when it is there already."""
    if _opened(bytes(sealed))[0] == next(iter(master_keys())):
        return None
    return encrypt(decrypt_bytes(sealed, owner=owner, field=field), owner=owner, field=field)


def digests(plain: str, *, owner: Owner, field: str) -> list[bytes]:
    """A keyed digest (HMAC-SHA256, 32 bytes) under each master key, the newest first: what is compared where the value
    itself must not be kept. The first is what is written, all are looked for."""
    bound = _bound(owner, field)
    return [hmac.digest(_derived(master, bound), plain.encode(), "sha256") for master in master_keys().values()]


def digests_by(plains: Iterable[str], *, owner: Owner, field: str) -> dict[bytes, str]:
    """The digests of many texts, each with its text."""
    bound = _bound(owner, field)
    keys = [_derived(master, bound) for master in master_keys().values()]
    return {hmac.digest(key, plain.encode(), "sha256"): plain for plain in plains for key in keys}


def master_keys() -> dict[str, bytes]:
    """MASTER_KEYS by id, the newest first."""
    return _parsed(settings.MASTER_KEYS)


@functools.lru_cache(maxsize=4)
def _parsed(text: str) -> dict[str, bytes]:
    keys: dict[str, bytes] = {}
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, _colon, value = entry.partition(":")
        try:
            keys[name] = base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise ImproperlyConfigured(f"MASTER_KEYS: the key {name!r} is not base64.") from error
        if not 0 < len(name.encode()) < 256 or len(keys[name]) != 32:
            raise ImproperlyConfigured('MASTER_KEYS: each entry is "id:base64 of 32 bytes".')
    if not keys:
        raise ImproperlyConfigured("MASTER_KEYS holds no key.")
    return keys


def _opened(sealed: bytes) -> tuple[str, bytes]:
    if len(sealed) < 2 or sealed[0] != FORMAT:
        raise SecretUnreadable("not a sealed value")
    end = 2 + sealed[1]
    return sealed[2:end].decode(errors="replace"), sealed[end:]


def _bound(owner: Owner, field: str) -> bytes:
    # A UUID and its text must meet; the separator cannot occur in either half.
    return f"{owner or INSTALLATION}\x00{field}".encode()


@functools.lru_cache(maxsize=4096)
def _derived(master: bytes, bound: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=bound).derive(master)
