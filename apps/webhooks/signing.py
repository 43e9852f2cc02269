"""Signatures of events, out and in (webhooks 4). The same lines stand in the engines, which import nothing of ours."""

import datetime as dt
import hashlib
import hmac
from collections.abc import Iterable

PREFIX = "sha256="
TOLERANCE_SECONDS = 300


def sign(secret: str, timestamp: int | str, body: bytes) -> str:
    """The value of `X-Webhook-Signature`: HMAC-SHA256 over the timestamp header's text, a dot and the raw body.

    The whole secret is the key, with any prefix such as `whsec_`.
    """
    signed = f"{timestamp}.".encode() + body
    return PREFIX + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def verify(
    secrets: Iterable[str],
    signature: str | None,
    timestamp: str | None,
    body: bytes,
    now: dt.datetime,
    tolerance: int = TOLERANCE_SECONDS,
) -> bool:
    """Whether one of the valid secrets signed this body at a time within `tolerance` seconds of `now`.

    Takes the headers as they came, missing ones too; the signature counts with or without its prefix.
    Several secrets are valid while one is being replaced; an empty one never is.
    """
    if not signature or not timestamp or not (timestamp.isascii() and timestamp.isdecimal() and len(timestamp) <= 12):
        return False
    if abs(now.timestamp() - int(timestamp)) > tolerance:
        return False
    given = (PREFIX + signature.removeprefix(PREFIX)).encode()
    # A list, not a generator: every secret is tried, so the time says nothing about which one fits.
    fits = [hmac.compare_digest(sign(secret, timestamp, body).encode(), given) for secret in secrets if secret]
    return any(fits)
