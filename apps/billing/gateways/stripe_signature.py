"""Stripe's webhook signature, scheme v1: `Stripe-Signature: t=<seconds>,v1=<hex>[,v1=<hex>]`."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac

TOLERANCE = dt.timedelta(minutes=5)


def signed(secret: str, body: bytes, at: int) -> str:
    """The header of a body that is signed at `at` (seconds since 1970)."""
    return f"t={at},v1={_digest(secret, at, body)}"


def verify(secret: str, header: str | None, body: bytes, now: dt.datetime) -> bool:
    """Whether one of the signatures is right and not older, or further ahead, than the tolerance."""
    parts = [part.strip().partition("=") for part in (header or "").split(",")]
    stamps = [value for name, _sign, value in parts if name == "t" and value.isascii() and value.isdigit()]
    if len(stamps) != 1 or len(stamps[0]) > 12:
        return False
    at = int(stamps[0])
    if abs(now.timestamp() - at) > TOLERANCE.total_seconds():
        return False
    wanted = _digest(secret, at, body).encode()
    found = [value.encode() for name, _sign, value in parts if name == "v1"]
    return any(hmac.compare_digest(wanted, each) for each in found)


def _digest(secret: str, at: int, body: bytes) -> str:
    return hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
