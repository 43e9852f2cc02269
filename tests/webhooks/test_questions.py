"""Questions asked while a caller waits (webhooks 6, 7, 10.3)."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
from typing import Any

import pytest
from django.core.cache import cache
from django.test import override_settings

from apps.core.db import writes
from apps.webhooks import services
from apps.webhooks.models import Attempt
from apps.webhooks.signing import verify
from apps.webhooks.targets import Target
from tests.cases import TenantCase
from tests.engine import free_port
from tests.factories import NOW
from tests.receivers import Receiver, Reply
from tests.webhooks.outbox import SECRET, target


def ask(to: Target, event: str = "assistant-request", seconds: float = 2.0) -> services.Answer:
    return asyncio.run(services.ask(to, event=event, body={"message": {"type": event}}, seconds=seconds))


@pytest.fixture(autouse=True)
def _no_breaker() -> Any:
    cache.clear()


def test_the_answer_and_what_was_asked() -> None:
    with Receiver(Reply(body={"assistant_id": "x"})) as server:
        found = ask(target(server.url))
    assert (found.ok, found.data, found.status, found.problem) == (True, {"assistant_id": "x"}, 200, "")
    sent = server.received[0].headers
    assert (sent["x-webhook-event"], sent["x-webhook-attempt"]) == ("assistant-request", "1")
    assert sent["x-webhook-id"] == str(found.id)
    asked_at = dt.datetime.fromtimestamp(time.time(), dt.UTC)
    body, stamp = server.received[0].body, sent["x-webhook-timestamp"]
    assert verify([SECRET], sent["x-webhook-signature"], stamp, body, asked_at, tolerance=5)


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(500, {"a": 1}), "status"),
        (Reply(307, b"", {"Location": "http://example.com"}), "status"),
        (Reply(200, b"<html>"), "unreadable"),
        (Reply(200, b'{"a":NaN}'), "unreadable"),
        (Reply(200, b"[" * 50_000), "unreadable"),
        (Reply(200, b"x" * 70_000), "too_long"),
        (Reply(cut=True), "unreachable"),
        (Reply(wait=1.5), "timeout"),
    ],
)
def test_what_cannot_be_used(reply: Reply, problem: str) -> None:
    with Receiver(reply) as server:
        started = time.monotonic()
        found = ask(target(server.url), seconds=0.5)
        assert time.monotonic() - started < 1.2
    assert (found.ok, found.data, found.problem) == (False, None, problem)


def test_plain_text_is_a_tools_result() -> None:
    with Receiver(Reply(200, b"Tuesday at \x00nine")) as server:
        assert ask(target(server.url), "tool-calls").data == "Tuesday at nine"


def test_private_addresses_and_dead_ports() -> None:
    assert ask(target(f"http://127.0.0.1:{free_port()}")).problem == "unreachable"
    with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]):
        assert ask(target("http://127.0.0.1:8000")).problem == "blocked"
        assert ask(target("http://169.254.169.254/")).problem == "blocked"


def test_five_timeouts_open_the_breaker_and_nobody_waits() -> None:
    with Receiver(Reply(wait=0.6)) as server:
        to = target(server.url)
        assert [ask(to, seconds=0.1).problem for _count in range(5)] == ["timeout"] * 5
        started = time.monotonic()
        assert ask(to, seconds=0.1).problem == "off"
        assert time.monotonic() - started < 0.1
        assert ask(target(server.url, owner_id="a-2"), seconds=0.1).problem == "timeout"
        assert len(server.received) == 6


def test_an_answer_in_between_closes_the_count() -> None:
    with Receiver(Reply(wait=0.4)) as server:
        to = target(server.url)
        for _round in range(2):
            for _count in range(4):
                assert ask(to, seconds=0.1).problem == "timeout"
            assert ask(to, seconds=2).ok


def test_without_a_cache_questions_are_still_asked() -> None:
    dead = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": f"redis://127.0.0.1:{free_port()}/0"}
    with override_settings(CACHES={"default": dead}), Receiver() as server:
        assert ask(target(server.url)).ok


class LogTest(TenantCase):
    def test_a_question_is_kept_without_its_content(self) -> None:
        answer = services.Answer(False, problem="timeout", detail="4 s", seconds=4.0)
        with self.acting_for(self.client_org):
            row = services.log_question(
                organization=self.client_org, target=target("http://a.example"), event="tool-calls", call_id="c-1",
                answer=answer, now=NOW,
            )  # fmt: skip
            attempt = Attempt.objects.get(delivery=row)
        assert (row.pk, row.status, row.body or "") == (answer.id, "dead", "")
        assert (attempt.error, attempt.seconds) == ("timeout: 4 s", 4.0)

    def test_410_switches_the_url_off_and_nothing_is_asked_there_any_more(self) -> None:
        with Receiver(Reply(410)) as server, self.acting_for(self.client_org):
            to = target(server.url)
            said = ask(services.prepared(organization=self.client_org, target=to, now=NOW), "tool-calls")
            assert (said.problem, said.status) == ("status", 410)
            self.log(to, said)
            again = ask(services.prepared(organization=self.client_org, target=to, now=NOW), "tool-calls")
            assert (again.problem, again.detail, len(server.received)) == ("off", "the URL is switched off", 1)
            reopen = writes(services.reopen)
            assert reopen(organization=self.client_org, url=server.url, now=NOW)
            server.reply = Reply()
            assert ask(services.prepared(organization=self.client_org, target=to, now=NOW), "tool-calls").ok

    def test_a_tools_url_is_asked_again(self) -> None:
        with Receiver(Reply(410)) as server, self.acting_for(self.client_org):
            to = target(server.url, level="tool")
            self.log(to, ask(to, "tool-calls"))
            assert not services.prepared(organization=self.client_org, target=to, now=NOW).is_off

    def log(self, to: services.Target, said: services.Answer) -> None:
        writes(services.log_question)(
            organization=self.client_org, target=to, event="tool-calls", call_id="c-1", answer=said, now=NOW
        )
