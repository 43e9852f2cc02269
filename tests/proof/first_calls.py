"""The claims about the first calls: from a fresh machine to a finished campaign."""

from __future__ import annotations

from tests.proof.crash import prove_crash
from tests.proof.fresh import prove_fresh
from tests.proof.run import PASSED, ROOT, Claims, shown_by

WALK = ("tests/test_isolation.py", "tests/test_policies.py", "tests/test_architecture.py")
CLAIMS: Claims = {
    "fresh": ("Both commands in a fresh clone with empty caches", lambda: prove_fresh(ROOT)),
    "job": (
        "The main job in a browser, from sign-in to transcript",
        shown_by("tests/browser/test_main_job.py", figures=r"(?m)^main job: .*$", MAIN_JOB="all"),
    ),
    "import": ("A real leads file imports to exactly what is expected", shown_by("tests/campaigns/test_leadfile.py")),
    "crash-a": ("900 leads, workers killed, an engine that honours keys", lambda: prove_crash("A")),
    "crash-b": ("900 leads, workers killed, an engine that can only be listed", lambda: prove_crash("B")),
    "walk": ("Every page and operation, as every stranger", shown_by(*WALK, figures=rf"(?m)walk: [^\n]*|{PASSED}")),
    "crawl": (
        "Every page: console, policy, axe, layout shift",
        shown_by("tests/browser/test_crawl.py", figures=r"\d+ pages at \d+ px, \w+"),
    ),
    "orders": (
        "All 720 orders of a call's six events give the same call, booking and deliveries",
        shown_by("tests/calls/test_events.py", "-m", "proof"),
    ),
    "engine": ("Dialling, events and the sandbox", shown_by("tests/engines", "tests/calls")),
}
