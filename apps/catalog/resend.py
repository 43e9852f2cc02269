"""Resend's API: the domains of an account, and mails sent through it. The only place that speaks to it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.utils.translation import gettext as _

from apps.core import http
from apps.core.errors import Conflict, DomainError, Invalid, NotFound, Unavailable
from apps.core.foreign_json import json_object

SECONDS = 4.0
SEND_SECONDS = 20.0
ANSWER_LIMIT = 2**20
MOST_PAGES = 10
KEY_ERRORS = ("missing_api_key", "invalid_api_key")


class ResendTrouble(Unavailable):
    """No usable answer: the network, 429 or 5xx. Trying again later helps."""

    title = "E-mail provider unavailable"


class KeyRefused(Invalid):
    """Resend does not take the key."""


class SenderRefused(Invalid):
    """Resend does not send from this address with this key: the domain is not verified in that account."""


@dataclass(frozen=True)
class RemoteDomain:
    """A domain as Resend has it. `records` is None where a list leaves them out."""

    id: str
    name: str
    status: str
    region: str
    records: list[dict[str, Any]] | None = None


class Resend:
    """One account of Resend, by its key. Every method raises KeyRefused and ResendTrouble beside what it names."""

    def __init__(self, key: str) -> None:
        self._key = key

    def domains(self) -> list[RemoteDomain]:
        """All domains of the account, in Resend's order."""
        found: list[RemoteDomain] = []
        path = "/domains?limit=100"
        for _page in range(MOST_PAGES):
            answer = self._send("GET", path)
            page = answer.get("data")
            rows = [_remote(each) for each in page if isinstance(each, dict)] if isinstance(page, list) else []
            found += [each for each in rows if each]
            if not rows or answer.get("has_more") is not True or rows[-1] is None:
                break
            path = f"/domains?limit=100&after={quote(rows[-1].id, safe='')}"
        return found

    def domain(self, id: str) -> RemoteDomain:
        """Raises NotFound."""
        return _one(self._send("GET", f"/domains/{quote(id, safe='')}"))

    def create(self, name: str, region: str) -> RemoteDomain:
        """Raises Conflict or Invalid when Resend does not take the name."""
        return _one(self._send("POST", "/domains", {"name": name, "region": region}))

    def verify(self, id: str) -> None:
        """Let Resend look at the DNS records; it answers before it has looked. Raises NotFound."""
        self._send("POST", f"/domains/{quote(id, safe='')}/verify", {})

    def delete(self, id: str) -> None:
        """Raises NotFound."""
        self._send("DELETE", f"/domains/{quote(id, safe='')}")

    def send(self, mail: Mapping[str, Any], *, key: str) -> str:
        """Send one mail. A repeat with the same `key` within 24 h sends nothing. Returns Resend's id.

        Raises SenderRefused, and Invalid for a mail that will never be taken.
        """
        answer = self._send("POST", "/emails", dict(mail), seconds=SEND_SECONDS, headers={"Idempotency-Key": key})
        return _text(answer.get("id"))

    def _send(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, seconds: float = SECONDS,
        headers: dict[str, str] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        sent = {"Authorization": f"Bearer {self._key}", "Accept": "application/json", "User-Agent": "mailer/1.0"}
        content = None
        if body is not None:
            sent["Content-Type"] = "application/json"
            content = json.dumps(body).encode()
        url = settings.RESEND_API_URL.rstrip("/") + path
        try:
            answer = http.send(
                method,
                url,
                headers=sent | (headers or {}),
                content=content,
                timeout=seconds,
                limit=ANSWER_LIMIT,
                trusted=True,
            )
        except http.SendError as error:
            raise ResendTrouble(_("Resend does not answer. Try again in a minute.")) from error
        found = json_object(answer.body)
        if 200 <= answer.status < 300 and not answer.truncated:
            return found
        raise _refusal(answer, found, is_mail=path == "/emails")


def _refusal(answer: http.Answer, found: dict[str, Any], *, is_mail: bool) -> DomainError:
    """What Resend's status means to us. 401 of Resend is never our 401: that one speaks of our own key."""
    said, name = _text(found.get("message"))[:300], _text(found.get("name"))
    if name == "restricted_api_key":
        return Invalid(
            _("The key in the slot “resend” may only send e-mail. Store one with full access."), param="provider"
        )
    if answer.status == 401 or name in KEY_ERRORS or "api key is invalid" in said.lower():
        return KeyRefused(_("Resend refuses the key in the slot “resend”. Store a valid one."), param="provider")
    if answer.status == 403 and is_mail:
        return SenderRefused(said or _("Resend does not send from this domain."))
    if answer.status == 404:
        return NotFound(_("Resend does not know this domain any more."))
    if answer.status == 409 and not is_mail:
        return Conflict(said or _("Resend has this domain already."), type="already_exists")
    if answer.status == 429:
        return ResendTrouble(_("Resend is busy. Try again in a minute."), retry_after=_seconds(answer))
    if 400 <= answer.status < 500 and answer.status not in (408, 409):
        text = _("Resend refuses this: %(said)s") % {"said": said or str(answer.status)}
        return Invalid(text, details=[text])
    return ResendTrouble(_("Resend does not answer as it should. Try again in a minute."))


def _one(found: dict[str, Any]) -> RemoteDomain:
    if (domain := _remote(found)) is None:
        raise ResendTrouble(_("Resend does not answer as it should. Try again in a minute."))
    return domain


def _remote(found: dict[str, Any]) -> RemoteDomain | None:
    id, name = _text(found.get("id")), _text(found.get("name"))
    if not id or not name:
        return None
    records = found.get("records")
    return RemoteDomain(
        id=id[:100], name=name[:253], status=(_text(found.get("status")) or "not_started")[:40],
        region=_text(found.get("region"))[:40],
        records=[_record(each) for each in records[:50] if isinstance(each, dict)] if isinstance(records, list) else None,
    )  # fmt: skip


def _record(found: dict[str, Any]) -> dict[str, Any]:
    """One DNS record, in the contract's words: `ttl` is text, `priority` a number or null (api 8.9)."""
    texts = {name: str(found.get(name) or "")[:4096] for name in ("record", "name", "type", "ttl", "status", "value")}
    priority = found.get("priority")
    return texts | {"priority": priority if isinstance(priority, int) and not isinstance(priority, bool) else None}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _seconds(answer: http.Answer) -> int:
    text = answer.headers.get("retry-after", "")
    return min(int(text), 3600) if text.isdigit() else 1
