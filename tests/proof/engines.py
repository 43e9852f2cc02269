"""The claims about voice engines and events: what comes in, what goes out, and what happens when either side misbehaves."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable

from tests.proof.run import PASSED, ROOT, Claims, Outcome, shown_by


def prove_relay() -> Outcome:
    """The relay benchmark alone, with servers of its own; it holds when its ratio meets the goal."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.services", "--", sys.executable, "-m", "benchmarks", "relay"],
        cwd=ROOT, env=os.environ | {"DEVELOPMENT": "1"}, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    found = re.findall(r"(?m)^tool call relayed, .*$", done.stdout)
    return done.returncode == 0 and bool(found) and found[-1].endswith(": met)"), ", ".join(found) or done.stderr[-400:]


def printed(word: str, *arguments: str) -> Callable[[], Outcome]:
    """Tests whose figure is the line that begins with a word; beside it how many passed."""
    return shown_by(*arguments, figures=rf"(?m)(?<=^{word}: ).*$|{PASSED}")


# Also those that `make test` leaves to the proofs.
ALL = ("-m", "proof or not proof")
RECORDINGS = tuple(f"tests/calls/test_recording{rest}.py" for rest in ("s", "_links", "_processes", "_retention"))
CLAIMS: Claims = {
    "itself": (
        "The product against itself: a second installation is the engine, over HTTP only, and nothing happens twice",
        shown_by("tests/voice/test_against_itself.py", *ALL, figures=rf"(?m)^(?:[a-z][a-z ]+: [0-9.]+(?: s)?)$|{PASSED}"),
    ),
    "upstream": (
        "Every fault of an upstream has a name, a price and an answer of our API",
        shown_by("tests/voice/test_faults.py", "tests/voice/test_client.py", "tests/voice/test_outcomes.py", "tests/voice/test_upstream_api.py"),
    ),
    "outage": (
        "90 requests a minute in priorities over all processes; an outage blocks no page and is seen",
        shown_by("tests/voice/test_budget.py", "tests/voice/test_periods.py", "tests/voice/test_outage.py"),
    ),
    "connections": (
        "Connections are tested, replaced and inherited; keys stay sealed",
        shown_by(
            "tests/voice/test_connections.py", "tests/voice/test_connecting.py", "tests/voice/test_engine_page.py",
            "tests/voice/test_admin_engine.py", "tests/voice/test_replaced.py", "tests/voice/test_capabilities.py",
        ),
    ),
    "receiver": (
        "The receiver on two real processes: each fault has its code and its effect",
        printed("receiver", "tests/calls/test_receiver_faults.py"),
    ),
    "questions": (
        "A customer's server that is slow, dead or talks rubbish: the call goes on, in time",
        printed("questions", "tests/calls/test_question_faults.py", *ALL),
    ),
    "routing": (
        "Who answers a call, which tool runs where, and the base wire",
        shown_by("tests/calls/test_hooks.py", "tests/calls/test_base_wire.py", "tests/webhooks/test_questions.py"),
    ),
    "endpoints": (
        "A customer's endpoint that fails: retries, breaker, 410, private addresses; seconds beside a dead one",
        printed("breaker", "tests/webhooks/test_reach.py", "tests/webhooks/test_breaker.py", "tests/webhooks/test_deliveries.py", "tests/calls/test_switched_off.py"),
    ),
    "precedence": ("Tool, then assistant, then account, with the secret of that level", shown_by("tests/calls/test_precedence.py")),
    "signing": (
        "The three signing vectors, secrets that overlap, and the samples in Python, Node, Go and PHP",
        shown_by("tests/webhooks/test_signing.py", "tests/webhooks/test_rotation.py", "tests/webhooks/test_samples.py"),
    ),
    "log": (
        "The delivery log: both sides of every attempt, replays, test events, in a browser too",
        shown_by("tests/calls/test_deliveries.py", "tests/calls/test_webhook_addresses.py", "tests/webhooks/test_account.py", "tests/webhooks/test_tasks.py", "tests/browser/test_webhooks.py"),
    ),
    "after": (
        "After the call: summary and analysis by the organization's model, honest when it fails",
        shown_by("tests/catalog/test_llm.py", "tests/calls/test_analysis.py"),
    ),
    "tools": (
        "Tools and MCP servers during a call, and tried out before",
        shown_by("tests/calls/test_tools.py", "tests/assistants/test_try_it.py", "tests/assistants/test_mcp_client.py"),
    ),
    "recordings": (
        "Recordings: fetched, kept, linked for a time, ranges, retention",
        shown_by(*RECORDINGS, "tests/core/test_ranges.py", figures=rf"(?m)^\w+: \d+ MB handed out.*$|{PASSED}"),
    ),
    "erase": (
        "Erase a person by phone number over all apps, with a receipt and nothing left",
        shown_by("tests/dashboard/test_erase.py", "tests/dashboard/test_erase_expired.py"),
    ),
    "sync": ("What is changed here stands there; drift is healed", shown_by("tests/voice/test_sync.py", "tests/voice/test_objects.py")),
    "import": ("An existing account is taken over once, ids kept", shown_by("tests/dashboard/test_import.py")),
    "relay": ("A tool call through us against the same request made bare", prove_relay),
}  # fmt: skip
