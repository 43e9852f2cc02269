"""A tool call through our receiver against the same request made bare, to the same server, in the same run.

The bare one is what an engine would do if it knew the customer's address: httpx, a connection per request, signed. Ours
is the engine's signed question, two short transactions, the relayed and signed request, and the answer kept.
"""

from __future__ import annotations

import json
import statistics
import time
import uuid
from collections.abc import Callable

import httpx
from uuid_utils.compat import uuid7

from apps.core.scope import Scope, acting
from apps.voice.models import Connection
from apps.webhooks.signing import sign
from benchmarks.measure import ROUNDS, line
from tests import factories
from tests.calls.support import SECRET, event, make_connection, running_call
from tests.receivers import Receiver, Reply
from tests.web import Web

CALLS = 30
TOOL_SECONDS = 0.1
TOOL = {"name": "look_up", "description": "Looks up", "parameters": {"type": "object"}}


def run() -> str:
    """The median over the rounds; the tool itself takes 100 ms, as a quick customer's server does."""
    quick = Receiver(Reply(body={"result": "free"}, wait=TOOL_SECONDS))
    with quick as tool, Web(workers=1, WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8") as web:
        organization = factories.make_organization(f"Bench {uuid7()}")
        factories.add_credits(organization, 1000)
        connection = make_connection(organization)
        url = f"http://127.0.0.1:{web.port}"
        rounds = [(_bare(tool.url), _relayed(url, organization, connection, tool.url)) for _round in range(ROUNDS)]
    bare, ours = (statistics.median(each) for each in zip(*rounds, strict=True))
    added = f"added {1000 * (ours - bare):.1f} ms"
    return line(f"tool call relayed, {added}", 1000 * ours, 1000 * bare, "ms", at_most=2.0)


def _bare(url: str) -> float:
    body = json.dumps({"message": {"type": "tool-calls", "tool_call_list": [{"id": "t", "function": TOOL}]}}).encode()

    def ask() -> None:
        stamp = str(int(time.time()))
        headers = {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": sign(SECRET, stamp, body)}
        client.post(url, content=body, headers=headers).raise_for_status()

    with _client() as client:
        return _median(ask)


def _relayed(url: str, organization: object, connection: Connection, tool_url: str) -> float:
    """A call of its own per round: what a talk needs, not what a thousand tool calls of one talk would."""
    assistant = factories.make_assistant(organization)
    with acting(Scope((organization.pk,))):
        tools = [{**TOOL, "url": tool_url, "server": {"secret": SECRET}}]
        assistant.change(factories.NOW, llm_config={**assistant.llm_config, "tools": tools})
        call = running_call(organization, connection, assistant=assistant)

    def ask() -> None:
        entry = {"id": f"tool_{uuid.uuid4().hex}", "type": "function", "function": {"name": "look_up", "arguments": {}}}
        message = event("tool-calls", call, tool_call_list=[entry], deadline_ms=11000)
        body, stamp = json.dumps({"message": message}).encode(), str(int(time.time()))
        headers = {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": sign(SECRET, stamp, body)}
        answer = client.post(f"{url}/hooks/engine/{connection.hook_id}", content=body, headers=headers)
        assert answer.json()["results"][0]["result"] == "free", answer.text

    with _client() as client:
        return _median(ask)


def _client() -> httpx.Client:
    """A connection per request for both, as ours is to the customer."""
    return httpx.Client(trust_env=False, timeout=30, limits=httpx.Limits(max_keepalive_connections=0))


def _median(ask: Callable[[], None]) -> float:
    """Seconds one takes; the first ones warm up."""
    took = []
    for _call in range(CALLS):
        began = time.perf_counter()
        ask()
        took.append(time.perf_counter() - began)
    return statistics.median(took[5:])
