"""A Google service account's access token: a signed statement is exchanged for it (RFC 7523)."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from apps.core import http
from apps.core.foreign_json import json_object

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105  (an address)
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
LIFETIME, MARGIN = 3600, 120

_kept: dict[str, tuple[str, float]] = {}


class AccountUnusable(Exception):
    """The service account is incomplete, or Google does not take it."""


def access_token(account: Mapping[str, Any], *, seconds: float, trusted: bool) -> str:
    """A token, kept by the process until shortly before it runs out.

    Args:
        account: the service account's JSON; it names the address that takes the statement.
        trusted: the operator's own account; the address in any other one is judged.

    Raises AccountUnusable, and http.SendError.
    """
    name = hashlib.sha256(json.dumps(dict(account), sort_keys=True).encode()).hexdigest()
    known, until = _kept.get(name, ("", 0.0))
    if known and until > time.monotonic():
        return known
    where = account.get("token_uri") or TOKEN_URI
    form = urlencode({"grant_type": GRANT, "assertion": _statement(account, str(where))}).encode()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = http.send("POST", str(where), headers=headers, content=form, timeout=seconds, trusted=trusted)
    if answer.status in (400, 401, 403):
        raise AccountUnusable(f"HTTP {answer.status}")
    found = json_object(answer.body) if answer.status == 200 else {}
    token, lasts = found.get("access_token"), found.get("expires_in")
    if not isinstance(token, str) or not token.isascii():
        raise http.NoAnswer("broken", "no token in the answer", answer.status)
    lifetime = lasts if isinstance(lasts, int) else LIFETIME
    _kept[name] = (token, time.monotonic() + max(0, lifetime - MARGIN))
    return token


def _statement(account: Mapping[str, Any], audience: str) -> str:
    key = _private_key(account.get("private_key"))
    issued = int(time.time())
    head = {"alg": "RS256", "typ": "JWT", "kid": account.get("private_key_id")}
    claims = {
        "iss": account.get("client_email"), "scope": SCOPE, "aud": audience, "iat": issued, "exp": issued + LIFETIME,
    }  # fmt: skip
    signed = f"{_encoded(head)}.{_encoded(claims)}"
    signature = key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signed}.{_base64(signature)}"


def _private_key(pem: Any) -> rsa.RSAPrivateKey:
    try:
        key = serialization.load_pem_private_key(str(pem or "").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise AccountUnusable("no private key") from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise AccountUnusable("no RSA key")
    return key


def _encoded(value: Mapping[str, Any]) -> str:
    return _base64(json.dumps({name: each for name, each in value.items() if each}, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

