"""A delivery as a person reads it: what was sent, as a command line, and why something is not there."""

from __future__ import annotations

from dataclasses import dataclass

from apps.webhooks.models import Attempt, Delivery
from apps.webhooks.rotation import keys_at
from apps.webhooks.targets import headers_for

MASKED = "sha256=…"
# Made anew by the command itself.
SIGNED_ANEW = ("X-Webhook-Timestamp", "X-Webhook-Signature", "X-Webhook-Signature-Next")


@dataclass(frozen=True)
class ShownAttempt:
    """One try with the headers it carried. Without the body the signature cannot be made again: it is masked."""

    attempt: Attempt
    headers: dict[str, str]

    @property
    def is_ok(self) -> bool:
        return self.attempt.status_code is not None and 200 <= self.attempt.status_code < 300

    @property
    def lines(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self.headers.items())

    @property
    def milliseconds(self) -> int | None:
        return None if self.attempt.seconds is None else round(self.attempt.seconds * 1000)


def shown_attempts(row: Delivery, attempts: list[Attempt]) -> list[ShownAttempt]:
    """The newest first. Secrets are used to sign, and never shown."""
    return [ShownAttempt(each, _headers(row, each)) for each in sorted(attempts, key=lambda one: -one.number)]


def as_curl(row: Delivery, body: str) -> str:
    """A shell command that sends the body again with a signature of its own; `SECRET` is for the reader to fill in."""
    kept = {name: value for name, value in _plain(row, body).items() if name not in SIGNED_ANEW}
    lines = [f"SECRET={_quoted('your-webhook-secret')}", f"BODY={_quoted(body)}", "TIMESTAMP=$(date +%s)",
             "SIGNATURE=$(printf '%s.%s' \"$TIMESTAMP\" \"$BODY\" | openssl dgst -sha256 -hmac \"$SECRET\" | sed 's/^.*= *//')"]  # fmt: skip
    headers = [f"-H {_quoted(f'{name}: {value}')}" for name, value in kept.items()]
    headers += ['-H "X-Webhook-Timestamp: $TIMESTAMP"', '-H "X-Webhook-Signature: sha256=$SIGNATURE"']
    sent = [f"curl -sS -i -X POST {_quoted(row.url)}", *headers, '--data-binary "$BODY"']
    return "\n".join([*lines, " \\\n  ".join(sent)])


def _headers(row: Delivery, attempt: Attempt) -> dict[str, str]:
    keys = keys_at(organization_id=row.organization_id, owner_id=row.owner_id, secret=row.secret or "", at=attempt.sent_at)
    found = headers_for(
        event=row.event, delivery_id=row.pk, attempt=attempt.number, timestamp=int(attempt.sent_at.timestamp()),
        body=(row.body or "").encode(), secret=keys.secret, following=keys.following, user_agent=row.user_agent,
    )  # fmt: skip
    if row.body:
        return found
    return {name: MASKED if name.startswith("X-Webhook-Signature") else value for name, value in found.items()}


def _plain(row: Delivery, body: str) -> dict[str, str]:
    return headers_for(
        event=row.event, delivery_id=row.pk, attempt=max(row.attempt_count, 1), timestamp=0, body=body.encode(),
        secret=None, user_agent=row.user_agent,
    )  # fmt: skip


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
