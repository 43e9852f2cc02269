import hashlib
import hmac
import time

TOLERANCE_SECONDS = 300


def is_genuine(secrets, headers, body, now=None):
    """Whether a request is from us and fresh.

    secrets: your secret, or the old and the new one while you replace it.
    headers: of the request, with lower-case names.
    body: the raw bytes, before anything parses them.
    """
    timestamp = headers.get("x-webhook-timestamp", "")
    if not timestamp.isdecimal():
        return False
    if abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    given = headers.get("x-webhook-signature", "").encode()
    signed = timestamp.encode() + b"." + body
    for secret in secrets:
        digest = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
        if hmac.compare_digest(b"sha256=" + digest.encode(), given):
            return True
    return False
