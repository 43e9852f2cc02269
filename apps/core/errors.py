"""What can go wrong by a rule: a sentence a customer can act on and a code a program can read.

One middleware turns these into a page, a toast, a form error or the flat body of the API (spec: errors).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class DomainError(Exception):
    """Base of every refusal.

    Args:
        text: what happened and what to do, translated where it is raised.
        param: dotted path of the offending field, if there is one.
        details: one entry per problem.
        extra: further keys of the API's body.
    """

    status = 400
    type = "invalid_request"
    title = "Invalid request"

    def __init__(
        self,
        text: str = "",
        *,
        param: str | None = None,
        details: Sequence[str] = (),
        type: str | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(text)
        self.text = str(text) or self.title
        self.param = param
        self.details = list(details)
        self.extra = extra
        if type:
            self.type = type

    def body(self) -> dict[str, Any]:
        """The flat error body."""
        body: dict[str, Any] = {"error": self.title, "message": self.text, "type": self.type}
        if self.details:
            body["details"] = self.details
        if self.param:
            body["param"] = self.param
        return body | self.extra


class Invalid(DomainError):
    type = "invalid_value"
    title = "Validation failed"


class Unauthorized(DomainError):
    status = 401
    type = "unauthorized"
    title = "Invalid API key"


class InsufficientCredits(DomainError):
    status = 402
    type = "insufficient_credits"
    title = "Insufficient credits"


class Forbidden(DomainError):
    status = 403
    type = "forbidden"
    title = "Forbidden"


class NotFound(DomainError):
    status = 404
    type = "not_found"
    title = "Not found"


class Conflict(DomainError):
    status = 409
    type = "invalid_state"
    title = "Conflict"


class TooLarge(DomainError):
    status = 413
    type = "payload_too_large"
    title = "Payload too large"


class UnknownHost(DomainError):
    status = 421
    type = "unknown_host"
    title = "Unknown host"


class RateLimited(DomainError):
    status = 429
    type = "rate_limit_exceeded"
    title = "Rate limit exceeded"


class ServerError(DomainError):
    """Our fault. Says nothing of what broke: that stands in the log."""

    status = 500
    type = "server_error"
    title = "Server error"

    def __init__(self, text: str = "Something went wrong on our side. Try again in a moment.") -> None:
        super().__init__(text)


class Unavailable(DomainError):
    status = 503
    type = "backend_unavailable"
    title = "Voice backend unavailable"


class Closed(DomainError):
    """The brand of this host is switched off."""

    status = 503
    type = "portal_closed"
    title = "Closed"
