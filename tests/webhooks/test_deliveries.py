"""Deliveries over real HTTP: what is sent, when it is sent again, and when it ends (webhooks 3, 4, 10)."""

from __future__ import annotations

import datetime as dt
import json
import time
import uuid

from django.test import override_settings

from apps.core.scope import Scope, acting
from apps.webhooks import deliveries, services
from apps.webhooks.models import Attempt, Delivery, Endpoint
from apps.webhooks.signing import verify
from apps.webhooks.targets import serialised, user_agent_for
from tests.cases import TenantCase
from tests.engine import free_port
from tests.factories import NOW, make_brand
from tests.receivers import Receiver, Reply
from tests.webhooks.outbox import BODY, SECRET, deliver, fresh, queued, target

SECONDS = [5, 30, 120, 600, 3600, 21600, 86400]


def tries(delivery: Delivery) -> list[Attempt]:
    with acting(Scope((delivery.organization_id,))):
        return list(Attempt.objects.filter(delivery=delivery).order_by("number"))


class RequestTest(TenantCase):
    def test_the_headers_and_the_signature_over_the_very_bytes(self) -> None:
        with Receiver() as server:
            row = queued(self.client_org, server.url + "/hook", event="end-of-call-report")
            assert deliver(row, NOW) is True
        sent = server.received[0]
        assert sent.body == '{"message":{"type":"status-update","naam":"Zoë"}}'.encode()
        headers = sent.headers
        assert (headers["x-webhook-event"], headers["x-webhook-id"], headers["x-webhook-attempt"]) == (
            "end-of-call-report", str(row.pk), "1",
        )  # fmt: skip
        assert headers["x-webhook-timestamp"] == str(int(NOW.timestamp()))
        assert verify([SECRET], headers["x-webhook-signature"], headers["x-webhook-timestamp"], sent.body, NOW)
        assert (headers["content-type"], headers["user-agent"]) == ("application/json", "Webhooks/1.0")

    def test_without_a_secret_there_is_no_signature_but_a_timestamp(self) -> None:
        with Receiver() as server:
            deliver(queued(self.client_org, "", target=target(server.url, secret=None)), NOW)
        assert "x-webhook-signature" not in server.received[0].headers
        assert server.received[0].headers["x-webhook-timestamp"]

    def test_a_retry_signs_anew_over_the_same_bytes(self) -> None:
        with Receiver(Reply(500)) as server:
            row = queued(self.client_org, server.url)
            deliver(row, NOW)
            later = NOW + dt.timedelta(seconds=8)
            deliver(row, later)
        first, second = server.received
        assert first.body == second.body
        assert first.headers["x-webhook-id"] == second.headers["x-webhook-id"]
        assert second.headers["x-webhook-attempt"] == "2"
        assert first.headers["x-webhook-signature"] != second.headers["x-webhook-signature"]
        stamp = second.headers["x-webhook-timestamp"]
        assert verify([SECRET], second.headers["x-webhook-signature"], stamp, second.body, later, tolerance=0)

    def test_the_agent_is_neutral_under_a_resellers_brand(self) -> None:
        with override_settings(WEBHOOK_USER_AGENT="Ours/2"):
            assert user_agent_for(self.agency.brand) == "Ours/2"
            assert user_agent_for(make_brand()) == "Webhooks/1.0"

    def test_any_text_can_be_serialised(self) -> None:
        for value in ("Zoë \x00 \u2028", "\ud800", {"at": NOW}):
            assert json.loads(serialised({"a": value}).encode())
        assert serialised({"at": NOW}) == '{"at":"2026-11-18T10:00:00.000Z"}'


class ScheduleTest(TenantCase):
    def test_eight_attempts_each_counted_from_the_one_before(self) -> None:
        with Receiver(Reply(503)) as server:
            row, now = queued(self.client_org, server.url), NOW
            for wait in SECONDS:
                assert deliver(row, now) is False
                due = fresh(row).next_attempt_at
                assert wait <= (due - now).total_seconds() < wait + 2
                assert deliver(row, due - dt.timedelta(milliseconds=1)) is None
                now = due
            assert deliver(row, now) is False
            row = fresh(row)
            assert (row.status, row.attempt_count, row.next_attempt_at) == ("dead", 8, None)
            assert deliver(row, now + dt.timedelta(days=9)) is None
        assert [each.headers["x-webhook-attempt"] for each in server.received] == list("12345678")
        assert [(each.number, each.status_code) for each in tries(row)] == [(n, 503) for n in range(1, 9)]

    def test_success_ends_it(self) -> None:
        with Receiver(
            lambda got: Reply(204 if got.headers["x-webhook-attempt"] == "2" else 302, b"", {"Location": "/x"})
        ) as server:
            row = queued(self.client_org, server.url)
            assert deliver(row, NOW) is False
            assert deliver(row, NOW + dt.timedelta(seconds=9)) is True
            row = fresh(row)
            assert (row.status, row.next_attempt_at, row.lease_until) == ("delivered", None, None)
            assert row.delivered_at >= NOW
            assert deliver(row, NOW + dt.timedelta(days=1)) is None
        assert len(server.received) == 2

    def test_async_tool_calls_are_tried_three_times_and_others_once_when_told(self) -> None:
        with Receiver(Reply(500)) as server:
            for fields, most in (({"event": "tool-calls"}, 3), ({"retries": False}, 1)):
                row, now = queued(self.client_org, server.url, **fields), NOW
                for _count in range(most):
                    assert deliver(row, now) is False
                    now += dt.timedelta(days=2)
                assert (fresh(row).status, fresh(row).attempt_count) == ("dead", most)

    def test_410_stops_at_once_and_switches_the_url_off_at_its_level(self) -> None:
        with Receiver(Reply(410)) as server:
            first, second = queued(self.client_org, server.url), queued(self.client_org, server.url)
            assert deliver(first, NOW) is False
            assert fresh(first).status == "dead"
            missed = queued(self.client_org, server.url)
            assert (missed.status, missed.next_attempt_at, missed.attempt_count) == ("dead", None, 0)
            private = queued(self.client_org, server.url, wipes_body=True)
            assert (fresh(private).status, fresh(private).body or "", private.erased_at) == ("dead", "", NOW)
            assert deliver(second, NOW) is None
            assert fresh(second).status == "dead"
            assert len(server.received) == 1
            assert queued(self.client_org, "", target=target(server.url, owner_id="a-2")).status == "waiting"
            assert queued(self.agency, server.url).status == "waiting"
            server.reply = Reply()
            with acting(Scope((self.client_org.pk,))):
                assert services.reopen(organization=self.client_org, url=server.url, now=NOW)
                assert not services.reopen(organization=self.client_org, url=server.url, now=NOW)
            assert deliver(queued(self.client_org, server.url), NOW) is True

    def test_410_leaves_a_tools_url_on(self) -> None:
        with Receiver(Reply(410)) as server:
            to = target(server.url, level="tool")
            row = queued(self.client_org, "", target=to, event="tool-calls")
            deliver(row, NOW)
            assert fresh(row).status == "dead"
            assert queued(self.client_org, "", target=to).status == "waiting"

    def test_no_answer_and_private_addresses_are_failed_attempts(self) -> None:
        row = queued(self.client_org, f"http://127.0.0.1:{free_port()}")
        assert deliver(row, NOW) is False
        assert tries(row)[0].error.startswith("refused")
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]), Receiver() as server:
            for url in (server.url, "http://169.254.169.254/latest", "http://localhost:8000/", "http://[::1]:8000/"):
                row = queued(self.client_org, url)
                assert deliver(row, NOW) is False
                assert (tries(row)[0].error[:7], tries(row)[0].status_code) == ("blocked", None), url
                assert fresh(row).next_attempt_at
            assert server.received == []

    def test_an_answer_is_kept_up_to_two_kib(self) -> None:
        with Receiver(Reply(500, b"\xff" + b"x" * 5000)) as server:
            row = queued(self.client_org, server.url)
            deliver(row, NOW)
        assert tries(row)[0].answer == "\ufffd" + "x" * 2047


class ClaimTest(TenantCase):
    def test_the_same_key_is_queued_once(self) -> None:
        first = queued(self.client_org, "http://a.example", key="same")
        assert queued(self.client_org, "http://b.example", key="same") == first
        assert queued(self.stranger, "http://b.example", key="same") != first
        assert fresh(first).url == "http://a.example"

    def test_a_claim_keeps_others_away_and_ends_by_itself(self) -> None:
        with Receiver() as server:
            row = queued(self.client_org, server.url)
            with acting(Scope((self.client_org.pk,))):
                claim = deliveries._claim(row.pk, NOW)  # a worker that dies now
            assert claim
            assert deliver(row, NOW + deliveries.LEASE - dt.timedelta(seconds=1)) is None
            assert deliver(row, NOW + deliveries.LEASE) is True
        assert server.received[0].headers["x-webhook-id"] == str(row.pk)
        assert [(each.number, each.status_code) for each in tries(row)] == [(1, None), (2, 200)]

    def test_a_worker_that_comes_back_late_does_not_undo_what_another_did(self) -> None:
        with Receiver() as server:
            row = queued(self.client_org, server.url)
            with acting(Scope((self.client_org.pk,))):
                claim = deliveries._claim(row.pk, NOW)
                assert deliver(row, NOW + deliveries.LEASE) is True
                deliveries._record(claim, deliveries.Result(500, "", b"", 1.0), NOW)
        assert (fresh(row).status, fresh(row).next_attempt_at) == ("delivered", None)

    def test_at_most_two_requests_to_one_url(self) -> None:
        rows = [queued(self.client_org, "http://one.example/") for _count in range(3)]
        other = queued(self.client_org, "http://two.example/")
        with acting(Scope((self.client_org.pk,))):
            assert [bool(deliveries._claim(row.pk, NOW)) for row in [*rows, other]] == [True, True, False, True]

    def test_first_attempts_of_a_call_leave_in_order(self) -> None:
        with Receiver() as server:
            first, second, other = (queued(self.client_org, server.url, call_id=each) for each in ("c-1", "c-1", "c-2"))
            assert deliver(second, NOW) is None
            assert deliver(other, NOW) is True
            server.reply = Reply(500)
            assert deliver(first, NOW) is False
            server.reply = Reply()
            assert deliver(second, NOW) is True  # a failed one does not hold back the next

    def test_the_next_for_the_same_url_is_found(self) -> None:
        with Receiver() as server:
            first, second = queued(self.client_org, server.url), queued(self.client_org, server.url)
            queued(self.client_org, server.url + "/other")
            queued(self.stranger, server.url)
            deliver(first, NOW)
            with self.acting_for(self.client_org):
                assert deliveries.next_due(after=first.pk, now=NOW) == second.pk
                deliver(second, NOW)
                assert deliveries.next_due(after=second.pk, now=NOW) is None
                assert deliveries.next_due(after=uuid.uuid4(), now=NOW) is None

    def test_a_silent_server_costs_its_own_time_only(self) -> None:
        with Receiver(Reply(wait=3)) as dead, Receiver() as alive:
            deliveries.SEND_SECONDS, kept = 0.3, deliveries.SEND_SECONDS
            self.addCleanup(setattr, deliveries, "SEND_SECONDS", kept)
            started = time.monotonic()
            slow = queued(self.client_org, dead.url, call_id="c-1")
            assert deliver(slow, NOW) is False
            assert time.monotonic() - started < 1.5
            assert tries(slow)[0].error.startswith("timeout")
            assert deliver(queued(self.client_org, alive.url, call_id="c-1"), NOW) is True


class PrivacyTest(TenantCase):
    def test_bodies_and_secrets_are_sealed(self) -> None:
        row = fresh(queued(self.client_org, "http://a.example"))
        assert json.loads(row.body) == BODY
        for name in ("body", "secret"):
            assert isinstance(row.__dict__[name].sealed, bytes)

    def test_a_private_body_goes_with_success(self) -> None:
        with Receiver(Reply(200, {"echo": "private"})) as server:
            row = queued(self.client_org, server.url, wipes_body=True)
            deliver(row, NOW)
        assert fresh(row).body in ("", b"")
        assert fresh(row).erased_at == NOW
        assert tries(row)[0].answer in ("", b"")

    def test_a_private_body_goes_with_the_last_attempt_and_not_before(self) -> None:
        with Receiver(Reply(500)) as server:
            row = queued(self.client_org, server.url, wipes_body=True, event="tool-calls")
            for day in range(3):
                assert fresh(row).body
                deliver(row, NOW + dt.timedelta(days=day))
        assert (fresh(row).status, fresh(row).body) in (("dead", ""), ("dead", b""))

    def test_erasing_a_call_wipes_what_was_sent_and_stops_what_was_not(self) -> None:
        with Receiver(Reply(200, {"a": 1})) as server:
            sent, waiting, other = (queued(self.client_org, server.url, call_id=each) for each in ("c-1", "c-1", "c-2"))
            deliver(sent, NOW)
        with self.acting_for(self.client_org):
            services.erase(["c-1"], NOW)
        assert tries(sent)[0].answer in ("", b"")
        assert [fresh(each).status for each in (sent, waiting, other)] == ["delivered", "dead", "waiting"]
        assert [bool(fresh(each).body) for each in (sent, waiting, other)] == [False, False, True]

    def test_retention(self) -> None:
        self.client_org.content_retention_days = 7
        with self.acting_for(self.client_org):
            self.client_org.save()
            ages = {8: False, 6: True, 31: None}
            rows = {age: queued(self.client_org, "http://a.example") for age in ages}
            for age, row in rows.items():
                Delivery.objects.filter(pk=row.pk).update(created_at=NOW - dt.timedelta(days=age))
            services.erase_expired(NOW)
            kept = {each.pk: bool(each.body) for each in Delivery.objects.for_organization(self.client_org)}
        assert {age: kept.get(row.pk) for age, row in rows.items()} == ages


class IsolationTest(TenantCase):
    def test_each_table_shows_its_own_tenants_rows_only(self) -> None:
        with Receiver(Reply(410)) as server:
            for organization in (self.client_org, self.stranger):
                deliver(queued(organization, server.url), NOW)
        with self.acting_for(self.client_org):
            for model in (Delivery, Attempt, Endpoint):
                assert {row.organization_id for row in model.objects.all()} == {self.client_org.pk}, model

    def test_another_tenants_delivery_is_not_sent(self) -> None:
        with Receiver() as server:
            theirs = queued(self.stranger, server.url)
            with acting(Scope((self.client_org.pk,))):
                assert services.deliver(delivery_id=theirs.pk, now=NOW) is None
        assert server.received == []
