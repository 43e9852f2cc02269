"""The verification samples that customers copy: they accept a real request, and nothing else."""

from __future__ import annotations

import base64
import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from tests.cases import TenantCase
from tests.factories import NOW
from tests.receivers import Received, Receiver
from tests.webhooks.outbox import SECRET, deliver, queued
from tests.webhooks.test_signing import SPEC

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "webhooks"
NODE = shutil.which("node")
RUN = """
import { isGenuine } from %s;
const cases = JSON.parse(process.argv[1]);
console.log(JSON.stringify(cases.map((c) => isGenuine(c.secrets, c.headers, Buffer.from(c.body, "base64"), c.now))));
"""
Case = tuple[list[str], dict[str, str], bytes, float, bool]


def cases(received: Received) -> list[Case]:
    """(secrets, headers, body, now, genuine) around a real request and the three vectors."""
    headers, body, now = received.headers, received.body, float(received.headers["x-webhook-timestamp"])
    without = {name: value for name, value in headers.items() if not name.startswith("x-webhook")}
    off_by_one = headers["x-webhook-signature"][:-1] + ("0" if headers["x-webhook-signature"][-1] != "0" else "1")
    found: list[Case] = [
        ([SECRET], headers, body, now, True),
        (["old", SECRET], headers, body, now, True),
        ([SECRET], headers, body, now + 300, True),
        ([SECRET], headers, body, now - 300, True),
        ([SECRET], headers, body, now + 301, False),
        ([SECRET], headers, body, now - 301, False),
        (["another"], headers, body, now, False),
        ([], headers, body, now, False),
        ([SECRET], headers, body + b" ", now, False),
        ([SECRET], headers | {"x-webhook-signature": off_by_one}, body, now, False),
        ([SECRET], headers | {"x-webhook-signature": "é"}, body, now, False),
        ([SECRET], headers | {"x-webhook-timestamp": "soon"}, body, now, False),
        ([SECRET], without, body, now, False),
    ]
    for secret, stamp, text, signature in SPEC:
        given = {"x-webhook-timestamp": stamp, "x-webhook-signature": signature}
        found.append(([secret], given, text.encode(), float(stamp), True))
    return found


class SampleTest(TenantCase):
    def real(self) -> Received:
        with Receiver() as server:
            assert deliver(queued(self.client_org, server.url), NOW) is True
        return server.received[0]

    def test_python(self) -> None:
        is_genuine = runpy.run_path(str(FOLDER / "verify.py"))["is_genuine"]
        for secrets, headers, body, now, genuine in cases(self.real()):
            assert is_genuine(secrets, headers, body, now) is genuine, (secrets, headers, now)

    @pytest.mark.skipif(NODE is None, reason="needs node")
    def test_node(self) -> None:
        every = cases(self.real())
        given = [
            {"secrets": secrets, "headers": headers, "body": base64.b64encode(body).decode(), "now": now}
            for secrets, headers, body, now, _genuine in every
        ]
        script = RUN % json.dumps((FOLDER / "verify.mjs").as_uri())
        command = [NODE or "node", "--input-type=module", "-e", script, json.dumps(given)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True)
        assert json.loads(done.stdout) == [genuine for *_rest, genuine in every]

    def test_go_and_php_sign_the_same_bytes(self) -> None:
        """There is no interpreter for these in every place that tests: what they join, and how they compare, is read."""
        wanted: dict[str, list[str]] = {
            "verify.go": [
                r'headers\.Get\("X-Webhook-Timestamp"\)', r"hmac\.New\(sha256\.New, \[\]byte\(secret\)\)",
                r'mac\.Write\(\[\]byte\(timestamp \+ "\."\)\)\s+mac\.Write\(body\)', r'"sha256=" \+ hex\.EncodeToString',
                r"hmac\.Equal\(", r"toleranceSeconds = 300",
            ],
            "verify.php": [
                r"\['x-webhook-timestamp'\]", r"'sha256=' \. hash_hmac\('sha256', \$timestamp \. '\.' \. \$body, \$secret\)",
                r"hash_equals\(\$wanted, \$given\)", r"TOLERANCE_SECONDS = 300",
            ],
        }  # fmt: skip
        for name, patterns in wanted.items():
            text = (FOLDER / name).read_text(encoding="utf-8")
            assert [each for each in patterns if not re.search(each, text)] == [], name

    def test_the_page_shows_all_four_and_the_vectors(self) -> None:
        page: Any = self.as_(self.cleo).get(reverse("webhook_verification", args=[self.client_org.slug]))
        for name in ("verify.py", "verify.mjs", "verify.go", "verify.php"):
            assert (FOLDER / name).read_text(encoding="utf-8") in [each["code"] for each in page.context["samples"]]
        assert page.context["vectors"] == SPEC
        for _secret, _stamp, _body, signature in SPEC:
            self.assertContains(page, signature)
