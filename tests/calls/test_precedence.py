"""Tool, then assistant, then account: which URL, which secret, which events (webhooks 2 and 4), as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from apps.assistants.services import values_of
from apps.calls.services.snapshot import Private, private_for
from apps.calls.services.tools import _route_of
from tests import factories
from tests.cases import TenantCase

TOOL, ASSISTANT, ACCOUNT = "https://tool.example/", "https://assistant.example/", "https://account.example/"


@dataclass(frozen=True)
class Row:
    """What is set, and where a tool call and a report go: (URL, secret) or None."""

    tool: Any
    report: Any
    account: tuple[str, str | None] | None = None
    account_events: list[str] | None = None
    assistant: tuple[str | None, str | None] = (None, None)
    assistant_events: list[str] | None = None
    own: dict[str, Any] | None = None  # what the tool holds


TABLE = {
    "nothing": Row(None, None),
    "account": Row((ACCOUNT, "acc"), (ACCOUNT, "acc"), account=(ACCOUNT, "acc")),
    "account unsigned": Row((ACCOUNT, None), (ACCOUNT, None), account=(ACCOUNT, None)),
    "account filtered": Row(None, (ACCOUNT, "acc"), account=(ACCOUNT, "acc"), account_events=["end-of-call-report"]),
    "account takes nothing": Row(None, None, account=(ACCOUNT, "acc"), account_events=[]),
    "assistant before account": Row((ASSISTANT, "as"), (ASSISTANT, "as"), account=(ACCOUNT, "acc"), assistant=(ASSISTANT, "as")),
    "assistant never borrows the account's secret": Row(
        (ASSISTANT, None), (ASSISTANT, None), account=(ACCOUNT, "acc"), assistant=(ASSISTANT, None)
    ),
    "assistant's filter hides, the account gets nothing": Row(
        (ASSISTANT, "as"), None, account=(ACCOUNT, "acc"), assistant=(ASSISTANT, "as"), assistant_events=["tool-calls"]
    ),
    "a secret without a URL signs nothing of the account's": Row(
        (ACCOUNT, "acc"), (ACCOUNT, "acc"), account=(ACCOUNT, "acc"), assistant=(None, "as")
    ),
    "tool before all": Row(
        (TOOL, "own"), (ASSISTANT, "as"), account=(ACCOUNT, "acc"), assistant=(ASSISTANT, "as"),
        own={"server": {"url": TOOL, "secret": "own"}},
    ),
    "a tool's url wins over its server's": Row(
        (TOOL, "own"), None, own={"url": TOOL, "server": {"url": "https://other.example/", "secret": "own"}}
    ),
    "a template's secret": Row((TOOL, "tpl"), None, own={"url": TOOL, "server_secret": "tpl"}),
    "a tool borrows the assistant's secret": Row(
        (TOOL, "as"), (ASSISTANT, "as"), assistant=(ASSISTANT, "as"), own={"url": TOOL}
    ),
    "also when the assistant has no URL": Row((TOOL, "as"), None, assistant=(None, "as"), own={"url": TOOL}),
    "a tool never borrows the account's": Row((TOOL, None), (ACCOUNT, "acc"), account=(ACCOUNT, "acc"), own={"url": TOOL}),
    "a tool of its own ignores the filter": Row(
        (TOOL, "as"), None, assistant=(ASSISTANT, "as"), assistant_events=[], own={"url": TOOL}
    ),
}  # fmt: skip


class PrecedenceTest(TenantCase):
    def routes(self, row: Row) -> Private:
        if row.account:
            with self.acting_for(self.client_org):
                self.client_org.webhook_url, self.client_org.webhook_secret = row.account[0], row.account[1] or ""
                self.client_org.webhook_events = row.account_events
                self.client_org.save()
        assistant = factories.make_assistant(
            self.client_org, webhook_url=row.assistant[0], webhook_secret=row.assistant[1], webhook_events=row.assistant_events
        )
        values = values_of(assistant)
        tool = {"type": "function", "name": "look_up"} | (row.own or {})
        values["llm_config"] = {**values["llm_config"], "tools": [tool]}
        return private_for(self.client_org, values, assistant=assistant, number=None)


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.django_db(databases=["default", "owner"])
def test_precedence(name: str) -> None:
    case = PrecedenceTest("routes")
    PrecedenceTest.make_cast(case)
    row = TABLE[name]
    private = case.routes(row)
    tool = _route_of(private.tools["look_up"], private.route)
    report = private.route if private.route and private.route.wants("end-of-call-report") else None
    assert [(each.url, each.secret) if each else None for each in (tool, report)] == [row.tool, row.report]


class ClientTest(TenantCase):
    def test_a_client_does_not_fall_back_to_its_agency(self) -> None:
        with self.acting_for(self.agency):
            self.agency.webhook_url = ACCOUNT
            self.agency.save()
        with self.acting_for(self.client_org):
            assistant = factories.make_assistant(self.client_org)
            private = private_for(self.client_org, values_of(assistant), assistant=assistant, number=None)
        assert private.route is None
