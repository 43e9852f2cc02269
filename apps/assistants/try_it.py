"""Trying a tool out: a real signed `tool-calls` request to its address, and how a model would read the answer (webhooks 3-7)."""

from __future__ import annotations

import datetime as dt
import json
import secrets
import string
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.models import Assistant
from apps.assistants.schema import Tool, public_view
from apps.assistants.services import values_of
from apps.assistants.tool_answers import is_error, read_answer
from apps.core.addresses import address_problem, url_problem
from apps.core.api import instant
from apps.organizations.models import Organization
from apps.webhooks.models import Level
from apps.webhooks.services import Target, prepared, send_test, user_agent_for
from apps.webhooks.targets import headers_for

EVENT = "tool-calls"
LETTERS = string.ascii_lowercase + string.digits


@dataclass(frozen=True)
class Reading:
    """What the model gets. `kind`: `result`, `text` or `error`."""

    kind: str
    value: Any


@dataclass(frozen=True)
class Trial:
    """Both sides of one request. `status` None: no answer came, `problem` says why."""

    url: str
    request_headers: dict[str, str]
    request_body: dict[str, Any]
    status: int | None
    problem: str
    answer_headers: dict[str, str]
    answer_body: str
    milliseconds: int
    reading: Reading
    delivery_id: str

    @property
    def is_signed(self) -> bool:
        return "X-Webhook-Signature" in self.request_headers

    @property
    def answer_shown(self) -> str:
        """The body, laid out when it is JSON."""
        try:
            return json.dumps(json.loads(self.answer_body), indent=2, ensure_ascii=False)
        except (ValueError, RecursionError):
            return self.answer_body


def target_of(organization: Organization, tool: Tool, assistant: Assistant | None) -> Target | None:
    """Where the tool's calls go: its own URL, else the assistant's, else the account's (webhooks 2, 4). None: nowhere."""
    agent, owner = user_agent_for(organization.brand), str(assistant.pk) if assistant else ""
    secret = (assistant.webhook_secret or None) if assistant else None
    if tool.url:
        return Target(Level.TOOL, owner, tool.url, tool.secret or secret, agent)
    if assistant and assistant.webhook_url:
        wanted = assistant.webhook_events is None or EVENT in assistant.webhook_events
        return Target(Level.ASSISTANT, owner, assistant.webhook_url, secret, agent) if wanted else None
    if organization.webhook_url and (organization.webhook_events is None or EVENT in organization.webhook_events):
        key = organization.webhook_secret or None
        return Target(Level.ACCOUNT, str(organization.pk), organization.webhook_url, key, agent)
    return None


def refusal(target: Target | None, *, looks_up: bool) -> str:
    """Why the address cannot be asked; empty when it can.

    Args:
        looks_up: also resolve its name, which may take seconds: no transaction may be open.
    """
    if target is None:
        return _("This tool has no address: neither it, nor its assistant, nor the account has a webhook URL for tool calls.")
    return (address_problem(target.url) if looks_up else url_problem(target.url)) or ""


def try_tool(
    *, organization: Organization, target: Target, name: str, arguments: Mapping[str, Any],
    assistant: Assistant | None, now: dt.datetime,
) -> Trial:  # fmt: skip
    """Send one tool call and wait for the answer. It stands in the delivery log as a test, is not tried again, and what
    the server does wrong counts for nothing. `refusal` comes first."""
    call_id = f"tool_{_random(12)}"
    body = _body(name, call_id, arguments, assistant, now)
    target = prepared(organization=organization, target=target, now=now)
    tried = send_test(organization=organization, target=target, event=EVENT, body=body, now=now)
    found = tried.result
    headers = headers_for(
        event=EVENT, delivery_id=tried.delivery.pk, attempt=1, timestamp=int(now.timestamp()),
        body=tried.delivery.body.encode(), secret=target.secret, user_agent=target.user_agent, following=target.following,
    )  # fmt: skip
    text = found.answer.decode(errors="replace").replace("\x00", "")
    return Trial(
        url=target.url, request_headers=headers, request_body=body, status=found.status, problem=found.error,
        answer_headers={str(each): str(value) for each, value in found.headers.items()}, answer_body=text,
        milliseconds=round(found.seconds * 1000), reading=_reading(found.ok, found.status, text, call_id),
        delivery_id=str(tried.delivery.pk),
    )  # fmt: skip


def _reading(ok: bool, status: int | None, text: str, call_id: str) -> Reading:
    """The rule of a call: what is not 2xx is an error, JSON is read by its form, plain text is itself the result."""
    if not ok:
        words = "The tool's server cannot be reached" if status is None else "The tool's server reported an error"
        return Reading("error", {"error": words})
    try:
        data = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return Reading("text", text)
    result = read_answer(data, [call_id])[call_id]
    return Reading("error" if is_error(result) else "result", result)


def _body(
    name: str, call_id: str, arguments: Mapping[str, Any], assistant: Assistant | None, now: dt.datetime
) -> dict[str, Any]:
    """The envelope of a call that never was: its id begins with `call-test`."""
    values = values_of(assistant) if assistant else {"llm_config": None}
    ident = str(assistant.pk) if assistant else None
    metadata = values.get("metadata") or {}
    return {
        "message": {
            "type": EVENT,
            "timestamp": instant(now),
            "call": {"id": f"call-test{_random(16)}", "type": "web_call", "status": "in-progress"},
            "phone_number": {"id": None, "number": None, "name": None},
            "customer": {"number": None},
            "assistant": public_view(values, assistant_id=ident, metadata=metadata),
            "tool_call_list": [
                {"id": call_id, "type": "function", "function": {"name": name, "arguments": dict(arguments)}}
            ],
        }
    }


def _random(length: int) -> str:
    return "".join(secrets.choice(LETTERS) for _letter in range(length))


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
