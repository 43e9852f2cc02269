"""The breaker of a URL: ten failures open it, probes come ever more rarely, five days switch it off (webhooks 10.3)."""

from __future__ import annotations

import datetime as dt
import queue as queues
import threading
import time
from typing import Any
from unittest import mock

from django.db import connections

from apps.core import db
from apps.core.scope import Scope, acting
from apps.mail.models import Message
from apps.organizations.models import Organization
from apps.webhooks import deliveries, services, tasks
from apps.webhooks.endpoints import rest
from apps.webhooks.models import Delivery, Endpoint
from tests import factories
from tests.cases import CommittedCase, TenantCase
from tests.receivers import Receiver, Reply
from tests.webhooks.outbox import deliver, fresh, queued, target

MINUTE = dt.timedelta(minutes=1)
NOW = factories.NOW


def endpoint(organization: Organization) -> Endpoint:
    with acting(Scope((organization.pk,))):
        return Endpoint.objects.for_organization(organization).get()


class BreakerTest(TenantCase):
    def fail(self, url: str, count: int, now: dt.datetime, **fields: Any) -> dt.datetime:
        """That many failed first attempts, one a second; returns the instant after the last."""
        for _count in range(count):
            assert deliver(queued(self.client_org, url, now=now, **fields), now) is False
            now += dt.timedelta(seconds=1)
        return now

    def test_the_rest_is_a_minute_doubling_to_an_hour(self) -> None:
        assert [rest(count).total_seconds() for count in range(9, 19)] == [60, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]

    def test_ten_failures_open_it_and_what_waits_makes_no_attempt(self) -> None:
        with Receiver(Reply(500)) as server:
            now = self.fail(server.url, 9, NOW)
            assert not endpoint(self.client_org).is_open
            now = self.fail(server.url, 1, now)
            opened = endpoint(self.client_org)
            assert (opened.failures, opened.is_open, opened.failing_since) == (10, True, NOW)
            assert 59 < (opened.open_until - now).total_seconds() < 61
            waiting = [queued(self.client_org, server.url, now=now) for _count in range(3)]
            assert [deliver(row, now) for row in waiting] == [None] * 3
            rows = [fresh(row) for row in waiting]
            assert {(row.status, row.attempt_count, row.next_attempt_at) for row in rows} == {("waiting", 0, opened.open_until)}
            assert len(server.received) == 10

    def test_one_probe_at_a_time_each_rest_twice_as_long(self) -> None:
        with Receiver(Reply(500)) as server:
            now = self.fail(server.url, 10, NOW)
            rests = []
            for _count in range(8):
                now = endpoint(self.client_org).open_until
                probe, other = (queued(self.client_org, server.url, now=now) for _each in range(2))
                sent = len(server.received)
                with acting(Scope((self.client_org.pk,))):
                    claim = deliveries._claim(probe.pk, now)
                assert claim
                assert deliver(other, now) is None, "while the probe is under way"
                with acting(Scope((self.client_org.pk,))):
                    deliveries.finish_attempt(claim, now)
                assert len(server.received) == sent + 1
                rests.append(round((endpoint(self.client_org).open_until - now) / MINUTE))
            assert rests == [2, 4, 8, 16, 32, 60, 60, 60]

    def test_a_probe_that_is_answered_frees_what_waits(self) -> None:
        with Receiver(Reply(500)) as server:
            now = self.fail(server.url, 10, NOW)
            server.reply = Reply()
            first, second = (queued(self.client_org, server.url, now=now) for _each in range(2))
            assert deliver(second, now) is None
            probe_at = endpoint(self.client_org).open_until
            assert deliver(first, probe_at) is True
            closed = endpoint(self.client_org)
            assert (closed.failures, closed.failing_since, closed.open_until) == (0, None, None)
            assert deliver(second, probe_at) is True
            assert fresh(second).attempt_count == 1

    def test_an_attempt_that_was_under_way_makes_the_rest_no_longer(self) -> None:
        with Receiver(Reply(500)) as server:
            now = self.fail(server.url, 9, NOW)
            pair = [queued(self.client_org, server.url, now=now) for _each in range(2)]
            with acting(Scope((self.client_org.pk,))):
                claims = [deliveries._claim(row.pk, now) for row in pair]
                for claim in claims:
                    assert claim
                    deliveries.finish_attempt(claim, now)
            assert endpoint(self.client_org).failures == 10
            assert round((endpoint(self.client_org).open_until - now) / MINUTE) == 1

    def test_a_success_in_between_starts_the_count_anew(self) -> None:
        with Receiver(Reply(500)) as server:
            now = self.fail(server.url, 9, NOW)
            server.reply = Reply()
            assert deliver(queued(self.client_org, server.url, now=now), now) is True
            server.reply = Reply(500)
            now = self.fail(server.url, 9, now)
            assert (endpoint(self.client_org).failures, endpoint(self.client_org).open_until) == (9, None)

    def test_a_probe_whose_worker_died_is_followed_by_another(self) -> None:
        with Receiver(Reply(500)) as server:
            self.fail(server.url, 10, NOW)
            now = endpoint(self.client_org).open_until
            first, second = (queued(self.client_org, server.url, now=now) for _each in range(2))
            with acting(Scope((self.client_org.pk,))):
                assert deliveries._claim(first.pk, now)
            server.reply = Reply()
            assert deliver(second, now + dt.timedelta(seconds=29)) is None
            assert deliver(second, now + dt.timedelta(seconds=31)) is True

    def test_a_tools_url_has_a_breaker_too(self) -> None:
        with Receiver(Reply(500)) as server:
            tool = target(server.url, level="tool")
            now = self.fail("", 10, NOW, target=tool, event="tool-calls")
            assert deliver(queued(self.client_org, "", target=tool, event="tool-calls", now=now), now) is None


class FiveDaysTest(TenantCase):
    def mails(self) -> list[tuple[str, str]]:
        with self.acting_for(self.client_org):
            return sorted(Message.objects.of(self.client_org.pk).values_list("to", "subject"))

    def test_five_days_of_failures_switch_it_off_and_tell_each_owner_once(self) -> None:
        second = factories.make_user("Ola", language="nl")
        factories.make_member(self.client_org, second, "owner")
        factories.make_member(self.client_org, self.ben, "admin")
        with Receiver(Reply(503)) as server:
            url = server.url + "/hook?token=hidden"
            deliver(queued(self.client_org, url), NOW)
            almost = NOW + dt.timedelta(days=5, seconds=-2)
            deliver(queued(self.client_org, url, now=almost), almost)
            assert endpoint(self.client_org).off_at is None
            then = NOW + dt.timedelta(days=5)
            waiting = queued(self.client_org, url, now=then)
            deliver(queued(self.client_org, url, now=then), then)
            off = endpoint(self.client_org)
            assert (off.off_at, off.off_reason, off.url) == (then, "failing", url)
            assert fresh(waiting).status == "dead"
            deliver(queued(self.client_org, url, now=then), then)
            assert len(server.received) == 3
        assert [to for to, _subject in self.mails()] == ["cleo@example.com", "ola@example.com"]
        with self.acting_for(self.client_org):
            mail = Message.objects.of(self.client_org.pk).get(to="cleo@example.com")
        assert "Bakker Dental" in mail.subject
        assert f"/o/{self.client_org.slug}/webhooks/addresses" in mail.text
        assert "hidden" not in mail.text + mail.html

    def test_one_answer_in_five_days_keeps_it_on(self) -> None:
        with Receiver(Reply(503)) as server:
            deliver(queued(self.client_org, server.url), NOW)
            server.reply = Reply()
            between = NOW + dt.timedelta(days=2)
            deliver(queued(self.client_org, server.url, now=between), between)
            server.reply = Reply(503)
            then = NOW + dt.timedelta(days=6)
            deliver(queued(self.client_org, server.url, now=then), then)
        assert (endpoint(self.client_org).off_at, self.mails()) == (None, [])

    def test_a_tools_url_is_never_switched_off(self) -> None:
        with Receiver(Reply(503)) as server:
            for days in (0, 6):
                at = NOW + dt.timedelta(days=days)
                to = target(server.url, level="tool")
                assert deliver(queued(self.client_org, "", target=to, event="tool-calls", now=at), at) is False
        assert (endpoint(self.client_org).off_at, self.mails()) == (None, [])

    def test_reopening_closes_the_breaker_and_frees_what_waits(self) -> None:
        with Receiver(Reply(500)) as server:
            for _count in range(10):
                deliver(queued(self.client_org, server.url), NOW)
            row = queued(self.client_org, server.url)
            assert deliver(row, NOW) is None
            server.reply = Reply()
            with acting(Scope((self.client_org.pk,))):
                assert services.reopen(organization=self.client_org, url=server.url, now=NOW) is False, "it was not off"
            assert deliver(row, NOW) is True


class NeighbourTest(CommittedCase):
    """A dead endpoint with 500 waiting deliveries beside a healthy one, on eight threads as a worker has them."""

    THREADS, WAITING = 8, 500

    def test_a_dead_endpoint_does_not_delay_a_healthy_one(self) -> None:
        work: queues.Queue[tuple[str, str] | None] = queues.Queue()
        self.enterContext(mock.patch.object(tasks.deliver, "delay", lambda *ids: work.put(ids)))
        self.enterContext(mock.patch.object(tasks.deliver, "apply_async", lambda ids, **_options: work.put(ids)))
        with Receiver(Reply(500, wait=6)) as dead, Receiver() as alive:
            for _count in range(self.WAITING):
                queued(self.client_org, dead.url, now=db.now())
            threads = [threading.Thread(target=self._work, args=(work,), daemon=True) for _count in range(self.THREADS)]
            for thread in threads:
                thread.start()
            self._wait(lambda: len(dead.received) == 2)
            started = time.monotonic()
            row = queued(self.client_org, alive.url, now=db.now())
            self._wait(lambda: bool(alive.received), sweep=True)
            seconds = time.monotonic() - started
            print(f"\nbreaker: delivered beside 500 waiting for a dead endpoint after {seconds:.2f} s")
            assert alive.received[0].headers["x-webhook-id"] == str(row.pk)
            assert seconds < 5
            assert (len(dead.received), dead.most_at_once) == (2, 2)
            with work.mutex:
                work.queue.clear()
            for _thread in threads:
                work.put(None)
            for thread in threads:
                thread.join()
        with acting(Scope((self.client_org.pk,))):
            assert Delivery.objects.for_organization(self.client_org).filter(attempt_count=0).count() == self.WAITING - 2

    def _work(self, work: queues.Queue[tuple[str, str] | None]) -> None:
        try:
            while ids := work.get():
                tasks.deliver(*ids)
        finally:
            connections.close_all()

    def _wait(self, done: Any, *, sweep: bool = False) -> None:
        until = time.monotonic() + 20
        while not done():
            assert time.monotonic() < until
            if sweep:
                tasks.sweep()
            time.sleep(0.05)


