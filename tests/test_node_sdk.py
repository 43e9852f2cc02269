"""Both lines of the Node SDK against the whole API, over a line that loses requests and answers."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any

import pytest

from apps.calls.models import Call
from apps.organizations.models import ApiKey
from tests import factories
from tests.calls.support import scope_of
from tests.contract.operations import operations
from tests.engine import ROOT
from tests.flaky import Flaky
from tests.test_api_contract import ROWS, ContractCase

CALLS, CHATS = 250, 230
CONTACT = "+31600000001"
# Ours, which the SDK does not know.
BEYOND = {"E1", "C1", "C2", "C3"}

pytestmark = [pytest.mark.timeout(300), pytest.mark.node]


class NodeSdkTest(ContractCase):
    def setUp(self) -> None:
        super().setUp()
        self.line = self.enterContext(Flaky(self.web))

    def prepare(self, line: str) -> tuple[Any, dict[str, Any]]:
        """An organization of its own for each line, and what its program knows of it."""
        organization = factories.make_organization(f"Line {line}")
        factories.add_credits(organization, 100_000)
        world = self.world(organization)
        running, spent = world.make("running"), factories.make_key(organization)
        plus = factories.make_call(organization, ref=f"eng+{line}_a-b").ref
        for _ in range(CALLS - 2):
            factories.make_call(organization)
        for _ in range(CHATS):
            factories.make_chat_message(organization, contact_id=CONTACT)
        with scope_of(organization):
            ApiKey.objects.filter(prefix=spent[:12]).update(requests_per_minute=1)
        remote = f"picked{line}.example.org"
        self.resend.add(remote, "verified", key=world.resend_key)
        return organization, {
            "key": world.key, "reader": factories.make_key(organization, read_only=True), "spent": spent, "poor": self.poor.key,
            "plus": plus, "running": running, "calls": CALLS, "chats": CHATS, "contact": CONTACT, "resend_key": world.resend_key,
            "remote_name": remote, "mcp_url": world.mcp_url,
        }  # fmt: skip

    def test_both_lines_over_a_bad_line(self) -> None:
        lines = {line: self.prepare(line) for line in ("1", "2")}
        environment = os.environ | {
            "BASE_URL": f"{self.line.url}/api/v1/", "LINES": json.dumps({line: own for line, (_organization, own) in lines.items()}),
        }  # fmt: skip
        began = time.monotonic()
        ran = subprocess.run(["node", "tests/node/sdk.mjs"], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240, check=False)
        self.assertEqual(ran.returncode, 0, ran.stderr[-6000:] + self.web.log[-2000:])
        done = json.loads(ran.stdout)
        known = {f"{each.method} {each.route}": each.row for each in operations()}
        for line, (organization, _own) in lines.items():
            found = done[line]
            self.assertEqual({each: known.get(each) for each in found["operations"]}, dict(zip(found["operations"], found["rows"], strict=True)))
            self.assertEqual(set(found["rows"]), ROWS - BEYOND)
            self.check_rings(organization, found["rings"])
        self.check_line(done)
        retries, repeats, pages = (sum(done[line][name] for line in done) for name in ("retries", "repeats", "pages"))
        lost = sum(fault.startswith("lost") for fault, *_where in self.line.faults)
        print(
            f"\nnode: {len(ROWS) - len(BEYOND)} operations in two lines, {retries} retries, {repeats} repeats by hand, {lost} lost answers, "
            f"{pages} pages, {len(self.line.received)} requests in {time.monotonic() - began:.0f} s"
        )

    def check_rings(self, organization: Any, wanted: dict[str, int]) -> None:
        """The ring log is the judge: a phone rings once, however often its POST came."""
        self.assertEqual({phone: len(self.sandbox.rings(to=phone)) for phone in wanted}, wanted)
        with scope_of(organization):
            self.assertEqual(Call.objects.filter(direction="outbound").count(), sum(wanted.values()))

    def check_line(self, done: dict[str, Any]) -> None:
        """Every fault was met and repeated once, none sooner than it was told; a command reached the engine once."""
        given_up = len(done)
        met = sum(found["retries"] + found["repeats"] for found in done.values()) + given_up
        self.assertEqual(len(self.line.faults), met)
        self.assertEqual(len(self.line.waits), sum(fault == "429" for fault, *_where in self.line.faults))
        self.assertGreaterEqual(min(self.line.waits), 1.0)
        asked = [(each.method, each.path, bool(each.body)) for each in self.line.received]
        # How requests look on the wire, whatever the program meant: `+` raw and encoded, a DELETE with a body, one type throughout.
        for line in done:
            self.assertLess({("GET", f"/api/v1/calls/eng{plus}{line}_a-b", False) for plus in ("+", "%2B")}, set(asked))
        self.assertIn(("DELETE", "/api/v1/byok", True), asked)
        self.assertEqual({each.headers.get("content-type") for each in self.line.received}, {"application/json"})
        self.assertEqual(len(self.engine.received), sum(found["commands"] for found in done.values()))
