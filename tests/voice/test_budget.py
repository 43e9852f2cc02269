"""90 requests in any minute per upstream key: counted across processes, urgent ones first (platform 12)."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate
from pathlib import Path

import pytest
from django.conf import settings
from django.test import override_settings

from apps.core.rate import client
from apps.voice import budget
from apps.voice.budget import Budget, Priority, budget_of
from apps.voice.capabilities import Capabilities, known_capabilities, read
from apps.voice.client import Engine, EngineBusy
from apps.voice.models import Connection
from tests.cases import TenantCase
from tests.receivers import Receiver, Reply

CONTROL, OUTBOUND, SYNC = Priority.CONTROL, Priority.OUTBOUND, Priority.SYNC
ROOT = Path(__file__).resolve().parents[2]
PROCESS = """
import django, sys; django.setup()
from apps.voice.budget import Budget, Priority
own = Budget(sys.argv[1], 90)
print(sum(own.take(Priority.CONTROL) == 0 for _ in range(40)))
"""


def fresh(limit: int = 90, window: float = 60) -> Budget:
    return Budget(f"test:{uuid.uuid4().hex}", limit, window)


def engine(url: str, **announced: object) -> Engine:
    return Engine(Connection(name="x", base_url=url, api_key=uuid.uuid4().hex, engine=announced))


def taken(own: Budget, priority: Priority, tries: int) -> int:
    return sum(own.take(priority) == 0 for _count in range(tries))


def test_the_shares_of_urgency() -> None:
    own = fresh()
    assert [own.share(each) for each in (CONTROL, OUTBOUND, SYNC)] == [90, 80, 60]
    assert taken(own, SYNC, 100) == 60
    assert taken(own, OUTBOUND, 100) == 20
    assert taken(own, CONTROL, 100) == 10
    assert 50 < own.take(CONTROL) <= 60


def test_what_is_urgent_takes_from_what_is_not() -> None:
    own = fresh()
    assert taken(own, OUTBOUND, 70) == 70
    assert taken(own, SYNC, 10) == 0


def test_a_window_slides() -> None:
    own = fresh(limit=3, window=2)
    assert taken(own, CONTROL, 3) == 3
    wait = own.take(CONTROL)
    assert 0 < wait <= 2
    assert own.wait(CONTROL, 0.05) > 0
    started = time.monotonic()
    assert own.wait(CONTROL, 3.0) == 0
    assert time.monotonic() - started <= 2.5


def test_threads_never_get_more_than_the_limit() -> None:
    own = fresh()
    with ThreadPoolExecutor(12) as pool:
        found = Counter(pool.map(lambda _each: own.take(CONTROL) == 0, range(300)))
    assert found == {True: 90, False: 210}


def test_processes_never_get_more_than_the_limit() -> None:
    own = fresh()
    env = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "CACHE_URL": settings.CACHE_URL}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", PROCESS, own.name], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
        )
        for _count in range(4)
    ]
    found = [int(each.communicate(timeout=60)[0]) for each in started]
    assert sum(found) == 90, found


def test_a_pause_holds_all_but_control() -> None:
    own = fresh()
    own.pause(30)
    own.pause(1)
    assert 20 < own.take(SYNC) <= 30
    assert 20 < own.take(OUTBOUND) <= 30
    assert own.take(CONTROL) == 0


def test_a_dead_valkey_lets_everything_pass(caplog: pytest.LogCaptureFixture) -> None:
    client.cache_clear()
    budget.outage.forget()
    try:
        with override_settings(CACHE_URL="redis://127.0.0.1:1/0"):
            assert taken(fresh(limit=1), SYNC, 20) == 20
    finally:
        client.cache_clear()
        budget.outage.forget()
    assert [each.getMessage().split(":")[0] for each in caplog.records] == [
        "requests to voice engines are sent without counting them"
    ]


class WhoseTest(TenantCase):
    def test_one_key_is_one_budget(self) -> None:
        here = Connection(base_url="https://api.example.org/api/v1", api_key="a")
        also = Connection(base_url="https://API.example.org/v1", api_key="a")
        other = Connection(base_url="https://api.example.org/api/v1", api_key="b")
        found = [budget_of(each, Capabilities()) for each in (here, also, other)]
        assert [each and each.limit for each in found] == [90, 90, 90]
        assert found[0] == found[1] != found[2]

    def test_an_engine_that_announces_itself_is_not_counted(self) -> None:
        here = Connection(base_url="https://api.example.org", api_key="a")
        for kind, counted in (("sandbox", False), ("worker", False), ("switchboard", True)):
            assert (budget_of(here, read({"kind": kind})) is not None) is counted
        with override_settings(UPSTREAM_REQUESTS_PER_MINUTE=0):
            assert budget_of(here, Capabilities()) is None


@override_settings(UPSTREAM_REQUESTS_PER_MINUTE=9)
class ClientTest(TenantCase):
    def test_a_mirror_comes_back_later_and_a_dial_still_goes_out(self) -> None:
        with Receiver(Reply(body={"assistants": []})) as server:
            own = engine(server.url)
            for _count in range(6):
                own.objects("/assistants", "assistants")
            started = time.monotonic()
            with pytest.raises(EngineBusy) as caught:
                own.objects("/assistants", "assistants")
            assert time.monotonic() - started < 0.9
            assert 50 <= caught.value.retry_after <= 60
            assert caught.value.body()["retry_after"] == caught.value.retry_after
            assert own.dial({"destination": "+447700900001"}, key="k").outcome == "accepted"
            assert len(server.received) == 7

    def test_a_dial_without_a_slot_is_refused_and_the_engine_is_not_down(self) -> None:
        with Receiver() as server:
            own = engine(server.url)
            assert [own.dial({}, key="k").outcome for _count in range(8)] == ["accepted"] * 8
            found = own.dial({}, key="k")
            assert (found.outcome, found.error, found.status, found.engine_is_down) == (
                "refused",
                "rate_limited",
                429,
                False,
            )
            assert found.retry_after is not None
            assert 50 <= found.retry_after <= 60
            assert own.control("e", "", {"type": "say"}, key="k").outcome == "accepted"
            assert own.control("e", "", {"type": "say"}, key="k").error == "rate_limited"
            assert len(server.received) == 9

    def test_retry_after_in_both_forms_closes_it(self) -> None:
        seconds = {"Retry-After": "20"}
        date = {"Retry-After": formatdate(time.time() + 20, usegmt=True)}
        for headers in (seconds, date):
            with Receiver(Reply(429, {"error": "Slow down"}, headers)) as server:
                own = engine(server.url)
                with pytest.raises(EngineBusy) as caught:
                    own.voices()
                assert 10 <= caught.value.retry_after <= 20
                server.reply = Reply()
                assert own.dial({}, key="k").error == "rate_limited"
                with pytest.raises(EngineBusy):
                    own.voices()
                assert own.control("e", "", {"type": "say"}, key="k").outcome == "accepted"
                assert len(server.received) == 2

    def test_a_short_pause_is_waited_out_with_the_same_key(self) -> None:
        answers = iter([Reply(429, {}, {"Retry-After": "1"}), Reply(body={"call_id": "eng-1"})])
        with Receiver(lambda _got: next(answers)) as server:
            found = engine(server.url).dial({"destination": "+447700900001"}, key="same")
        assert (found.outcome, found.ref) == ("accepted", "eng-1")
        assert [each.headers["idempotency-key"] for each in server.received] == ["same", "same"]
        assert server.received[0].body == server.received[1].body

    def test_an_engine_without_a_limit_per_key_is_not_held(self) -> None:
        with Receiver(Reply(429, {"type": "capacity", "rang": False}, {"Retry-After": "1"})) as server:
            own = engine(server.url, kind="worker", features=["certainty"])
            found = [own.dial({}, key="k") for _count in range(12)]
        assert {(each.outcome, each.error, each.retry_after) for each in found} == {("refused", "capacity", 1.0)}
        assert len(server.received) == 12


def test_a_campaign_paces_itself_by_the_limit() -> None:
    def pace(**announced: object) -> float | None:
        return known_capabilities(Connection(engine=announced)).starts_per_second

    assert (pace(), pace(kind="switchboard")) == (80 / 60, 80 / 60)
    assert (pace(kind="worker"), pace(kind="switchboard", limits={"starts_per_second": 5})) == (None, 5)
    with override_settings(UPSTREAM_REQUESTS_PER_MINUTE=0):
        assert pace() is None
