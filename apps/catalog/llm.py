"""One completion of a language model, whoever provides it. The only place that speaks to them.

Any OpenAI-compatible endpoint serves (its address from BYOK or from the operator); the catalogue's other providers
speak their own HTTP APIs. Keys: own, agency's, platform's (features 16); a refused one is marked and never replaced.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.catalog.google_token import AccountUnusable, access_token
from apps.catalog.llm_routes import OPERATOR, NoModel, Route, route_to
from apps.catalog.llm_wires import (
    Messages,
    Usage,
    account_of,
    gemini_body,
    key_headers,
    openai_body,
    read_gemini,
    read_openai,
    url_of,
)
from apps.catalog.services.keys import note_refused
from apps.core import http
from apps.core.errors import Invalid, Unavailable
from apps.core.foreign_json import json_object
from apps.organizations.models import Organization

__all__ = ["OPERATOR", "Completion", "KeyRefused", "ModelBusy", "ModelRefused", "NoModel", "Usage", "complete"]

log = logging.getLogger(__name__)
ANSWER_LIMIT = 2**20
CODE = re.compile(r"[A-Za-z0-9_.-]{1,60}")
BUSY = (408, 409, 425, 429)


class ModelBusy(Unavailable):
    """No usable answer: the network, a time-out, 429 or 5xx. Trying again later helps."""

    title = "Language model unavailable"


class ModelRefused(Invalid):
    """The provider does not take this request, or answered nothing; the same request will not be taken later."""


class KeyRefused(ModelRefused):
    """The provider does not take the key."""


@dataclass(frozen=True)
class Completion:
    """What the model wrote. `key_level`: whose key served, `own`, `parent` or `platform`."""

    text: str
    usage: Usage
    key_level: str
    provider: str
    model: str


def complete(
    *, organization: Organization, provider: str, model: str | None, messages: Messages,
    json_schema: Mapping[str, Any] | None = None, seconds: float, now: dt.datetime,
) -> Completion:  # fmt: skip
    """Send the messages and wait for the answer. May be called outside a transaction only.

    Args:
        provider: an LLM provider of the catalogue, or `OPERATOR`.
        model: None for the provider's post-call model.
        json_schema: asks for JSON of this shape where the provider can; the messages should say so too.
        seconds: for everything together, a second try without the schema included.

    Raises NoModel, KeyRefused, ModelRefused, ModelBusy. The scope must hold the parent's rows.
    """
    route = route_to(organization, provider, model)
    call = _Call(organization, route, time.monotonic() + seconds, now)
    answer = call.send(_body(route, messages, json_schema))
    if answer.status in (400, 422) and json_schema is not None and route.wire == "openai" and _is_about_format(answer):
        answer = call.send(_body(route, messages, None))
    text, usage = _read(route, call.judged(answer))
    if not text.strip():
        raise ModelRefused(_("The language model answered nothing."))
    return Completion(text, usage, route.key.source, route.provider, route.model)


@dataclass
class _Call:
    organization: Organization
    route: Route
    until: float
    now: dt.datetime

    def send(self, body: dict[str, Any]) -> http.Answer:
        route, project, token = self.route, "", ""
        try:
            if route.wire == "vertex":
                account = account_of(route.key.text)
                project = str(account.get("project_id") or "")
                token = access_token(account, seconds=self._left(), trusted=route.key.source == "platform")
            return http.send(
                "POST", url_of(route, project),
                headers={"Content-Type": "application/json", "User-Agent": "assistants/1.0", **key_headers(route, token)},
                content=json.dumps(body).encode(), timeout=self._left(), limit=ANSWER_LIMIT, trusted=route.trusted,
            )  # fmt: skip
        except AccountUnusable as error:
            raise self._refused_key(str(error)) from error
        except http.SendError as error:
            if error.reason in ("blocked", "invalid"):
                raise ModelRefused(_("The language model's address cannot be called: %(why)s") % {"why": error}) from error
            raise ModelBusy(_("The language model did not answer in time.")) from error

    def judged(self, answer: http.Answer) -> dict[str, Any]:
        """The JSON of a good answer; everything else is raised."""
        found = json_object(answer.body)
        if answer.status in (401, 403) or (answer.status == 400 and b"API_KEY_INVALID" in answer.body):
            raise self._refused_key(f"HTTP {answer.status}")
        if answer.status in BUSY or answer.status >= 500:
            raise ModelBusy(_("The language model is busy."), retry_after=_seconds(answer))
        if answer.truncated or not found or not 200 <= answer.status < 300:
            log.warning("%s refuses a completion: HTTP %s %s", self.route.provider, answer.status, _code(found))
            words = {"status": answer.status, "code": _code(found)}
            raise ModelRefused(_("The language model does not take the request (HTTP %(status)s %(code)s).") % words)
        return found

    def _refused_key(self, reason: str) -> KeyRefused:
        route = self.route
        if route.key.slot == OPERATOR or route.key.source == "platform":
            log.error("the platform's key for %s was refused: %s", route.provider, reason)
        else:
            note_refused(
                organization=self.organization, slot=route.key.slot, used_at=self.now, reason=reason, tell=True,
                now=self.now,
            )  # fmt: skip
        return KeyRefused(_("The provider refuses the key in the slot “%(slot)s”.") % {"slot": route.key.slot})

    def _left(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0.05:
            raise ModelBusy(_("The language model did not answer in time."))
        return left


def _body(route: Route, messages: Messages, json_schema: Mapping[str, Any] | None) -> dict[str, Any]:
    if route.wire == "openai":
        return openai_body(route, messages, json_schema)
    return gemini_body(messages, as_json=json_schema is not None)


def _read(route: Route, found: dict[str, Any]) -> tuple[str, Usage]:
    return read_openai(found) if route.wire == "openai" else read_gemini(found)


def _is_about_format(answer: http.Answer) -> bool:
    """Compatible servers that know no schemas say so in words of their own."""
    return any(word in answer.body.lower() for word in (b"response_format", b"json_schema", b"schema", b"grammar"))


def _code(found: dict[str, Any]) -> str:
    """The provider's word for what is wrong; its sentences may repeat what was said in the call."""
    error = found.get("error")
    named = error if isinstance(error, dict) else found
    texts = (named.get(name) for name in ("code", "status", "type"))
    return next((text for text in texts if isinstance(text, str) and CODE.fullmatch(text)), "")


def _seconds(answer: http.Answer) -> int:
    text = answer.headers.get("retry-after", "")
    return min(int(text), 3600) if text.isdigit() else 1
