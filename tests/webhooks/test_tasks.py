"""From the outbox to the worker and back: commit, task, sweep."""

from __future__ import annotations

import threading
from typing import Any
from unittest import mock

from django.db import connections, transaction

from apps.core import db
from apps.core.scope import Scope, acting
from apps.webhooks import deliveries, services, tasks
from apps.webhooks.models import Delivery
from tests.cases import CommittedCase
from tests.receivers import Receiver, Reply
from tests.webhooks.outbox import BODY, fresh, queued, target


class TaskTest(CommittedCase):
    def sent(self, task: Any, call: str) -> Any:
        patched = mock.patch.object(task, call)
        self.addCleanup(patched.stop)
        return patched.start()

    def test_a_worker_is_woken_by_the_commit_only(self) -> None:
        woken = self.sent(tasks.deliver, "delay")
        row = queued(self.client_org, "http://a.example", key="k")
        woken.assert_called_once_with(str(self.client_org.pk), str(row.pk))
        queued(self.client_org, "http://a.example", key="k")
        woken.assert_called_once()
        with acting(Scope((self.client_org.pk,))), transaction.atomic():
            services.queue(
                organization=self.client_org, event="status-update", call_id="", key="gone", body=BODY,
                target=target("http://a.example"), now=db.now(),
            )  # fmt: skip
            transaction.set_rollback(True)
        woken.assert_called_once()

    def test_a_broker_that_is_down_undoes_nothing(self) -> None:
        self.sent(tasks.deliver, "delay").side_effect = OSError("no broker")
        assert fresh(queued(self.client_org, "http://a.example")).status == "waiting"

    def test_the_task_drains_what_waits_for_the_url(self) -> None:
        self.sent(tasks.deliver, "delay")
        with Receiver() as server:
            rows = [queued(self.client_org, server.url, now=db.now()) for _count in range(5)]
            tasks.deliver(str(self.client_org.pk), str(rows[0].pk))
        assert [fresh(row).status for row in rows] == ["delivered"] * 5
        assert [each.headers["x-webhook-id"] for each in server.received] == [str(row.pk) for row in rows]

    def test_a_long_backlog_is_drained_in_batches_and_does_not_fill_the_queue(self) -> None:
        woken = self.sent(tasks.deliver, "delay")
        with Receiver() as server:
            rows = [queued(self.client_org, server.url, now=db.now()) for _count in range(25)]
            assert woken.call_count == 10
            woken.reset_mock()
            tasks.deliver(str(self.client_org.pk), str(rows[0].pk))
            assert len(server.received) == tasks.BATCH
            woken.assert_called_once_with(str(self.client_org.pk), str(rows[tasks.BATCH].pk))
            tasks.deliver(*woken.call_args.args)
        assert [each.headers["x-webhook-id"] for each in server.received] == [str(row.pk) for row in rows]

    def test_the_task_stops_at_a_server_that_refuses(self) -> None:
        self.sent(tasks.deliver, "delay")
        with Receiver(Reply(500)) as server:
            rows = [queued(self.client_org, server.url, now=db.now()) for _count in range(3)]
            tasks.deliver(str(self.client_org.pk), str(rows[0].pk))
            assert len(server.received) == 1

    def test_the_sweep_sends_one_task_per_url_of_every_tenant(self) -> None:
        self.sent(tasks.deliver, "delay")
        woken = self.sent(tasks.deliver, "apply_async")
        first, _second = queued(self.client_org, "http://a.example"), queued(self.client_org, "http://a.example")
        other, theirs = queued(self.client_org, "http://b.example"), queued(self.stranger, "http://a.example")
        busy, later = queued(self.agency, "http://a.example"), queued(self.agency, "http://b.example")
        with acting(Scope((self.agency.pk,))):
            assert deliveries._claim(busy.pk, db.now())
            Delivery.objects.filter(pk=later.pk).update(next_attempt_at=db.now() + deliveries.RETRIES[0])
        tasks.sweep()
        args = {call.args[0] for call in woken.call_args_list}
        assert args == {(str(row.organization_id), str(row.pk)) for row in (first, other, theirs)}

    def test_dead_servers_never_hold_all_threads_of_a_worker(self) -> None:
        self.sent(tasks.deliver, "delay")
        patched = mock.patch.object(tasks, "ROOM", threading.BoundedSemaphore(1))
        patched.start()
        self.addCleanup(patched.stop)
        with Receiver() as server:
            row = queued(self.client_org, server.url, now=db.now())
            with tasks.ROOM:
                tasks.deliver(str(self.client_org.pk), str(row.pk))
                assert server.received == []
            tasks.deliver(str(self.client_org.pk), str(row.pk))
            assert len(server.received) == 1

    def test_many_workers_send_it_once_and_two_at_a_time(self) -> None:
        self.sent(tasks.deliver, "delay")
        with Receiver(Reply(wait=0.05)) as server:
            rows = [queued(self.client_org, server.url, now=db.now()) for _count in range(10)]

            def work() -> None:
                try:
                    for row in rows:
                        tasks.deliver(str(self.client_org.pk), str(row.pk))
                finally:
                    connections.close_all()

            threads = [threading.Thread(target=work) for _count in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            for row in rows:
                tasks.deliver(str(self.client_org.pk), str(row.pk))
            assert server.most_at_once <= 2
            assert sorted(each.headers["x-webhook-id"] for each in server.received) == sorted(
                str(row.pk) for row in rows
            )
