"""Signature of events, as in webhooks.md 4. The control plane has its own copy on purpose."""

import hashlib
import hmac


def sign(secret: str, timestamp: str, body: bytes) -> str:
    """Value of X-Webhook-Signature: HMAC-SHA256 of `timestamp.body`, keyed with the secret as it stands."""
    signed = timestamp.encode() + b"." + body
    return "sha256=" + hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
