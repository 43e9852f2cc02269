"""Names of calls: on the wire, and in the books."""

from __future__ import annotations

import secrets
import string

LETTERS = string.ascii_lowercase + string.digits
LENGTH = 20


def new_call_id() -> str:
    """`call-` and 20 random characters; no phone number inside, so that erasure is complete."""
    letters = ""
    while len(letters) < LENGTH:
        # Bytes that would make some letters more likely than others are left out.
        letters += "".join(LETTERS[byte % 36] for byte in secrets.token_bytes(32) if byte < 252)
    return f"call-{letters[:LENGTH]}"


def money_key_of(public_id: str) -> str:
    """Under this key a call is held and charged, once."""
    return f"call:{public_id}"
