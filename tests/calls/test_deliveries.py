"""The delivery log's pages: what is listed, what is shown of a delivery, sending again, test events."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from typing import Any
from unittest import mock

import pytest
from django.core.cache import cache
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from apps.accounts.models import User
from apps.calls.selectors import PAGE
from apps.core import db
from apps.organizations.models import Organization
from apps.webhooks import tasks
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.services import deliver, erase
from apps.webhooks.signing import verify
from apps.webhooks.targets import url_digest
from tests import factories
from tests.cases import TenantCase
from tests.receivers import Receiver, Reply

SECRET = "whsec_never_on_a_page"


class Pages(TenantCase):
    def url(self, name: str, *args: object, org: Organization | None = None) -> str:
        return reverse(name, args=[(org or self.agency).slug, *args])

    def make(self, url: str = "https://a.example/hook", org: Organization | None = None, **fields: Any) -> Delivery:
        """One that was given up; encrypted fields are given as text."""
        return factories.make_delivery(org or self.agency, url, **{"secret": SECRET} | fields)

    def list(self, user: User | None = None, org: Organization | None = None, **query: str) -> list[str]:
        """Addresses the list shows, in its order."""
        answer = self.as_(user or self.ada).get(self.url("deliveries", org=org), query)
        assert answer.status_code == 200, answer.status_code
        return [row.url for row in answer.context["page"].rows]

    def fresh(self, row: Delivery) -> Delivery:
        with self.acting_for(self.agency):
            return Delivery.objects.get(pk=row.pk)

    def viewer(self) -> User:
        user = factories.make_user("Vic")
        factories.make_member(self.agency, user, "viewer")
        return user

    def switch_off(self, row: Delivery) -> None:
        with self.acting_for(self.agency):
            Endpoint.objects.create(
                organization=self.agency, level=row.level, owner_id=row.owner_id, url=row.url,
                url_digest=url_digest(row.url), off_at=factories.NOW, off_reason="gone",
            )  # fmt: skip


class ListTest(Pages):
    def test_filters_and_search(self) -> None:
        call = factories.make_call(self.agency)
        day = dt.timedelta(days=1)
        dead = self.make("https://a.example/1", created_at=factories.NOW)
        self.make("https://a.example/2", created_at=factories.NOW - day, status="delivered", event="tool-calls", level="tool")
        self.make("https://a.example/3", created_at=factories.NOW - 2 * day, status="waiting", call_id=call.public_id)
        self.make("https://theirs.example/", self.stranger, call_id=call.public_id)
        assert self.list() == [f"https://a.example/{each}" for each in (1, 2, 3)]
        assert self.list(status="dead") == ["https://a.example/1"]
        assert self.list(status="waiting") == ["https://a.example/3"]
        assert self.list(event="tool-calls") == self.list(level="tool") == ["https://a.example/2"]
        assert self.list(q=call.public_id) == self.list(q=f" {call.public_id} ") == ["https://a.example/3"]
        assert self.list(q=str(dead.pk)) == ["https://a.example/1"]
        assert self.list(q="call-unknown") == []
        since = (factories.NOW - day).date().isoformat()
        assert self.list(**{"from": since}) == ["https://a.example/1", "https://a.example/2"]
        assert self.list(to=since) == ["https://a.example/2", "https://a.example/3"]
        assert len(self.list(status="nonsense", **{"from": "soon"})) == 3, "what cannot be read is ignored"

    def test_pages_by_key_hold_each_once(self) -> None:
        total = PAGE + 7
        for each in range(total):
            at = factories.NOW + dt.timedelta(seconds=each % 3)
            self.make(f"https://a.example/{each}", created_at=at, attempt_count=0)
        browser, url, seen = self.as_(self.ada), self.url("deliveries") + "?status=dead", []
        while url:
            answer = browser.get(url)
            seen.append([row.url for row in answer.context["page"].rows])
            last, older = url, answer.context["older"]
            url = self.url("deliveries") + older if older else ""
        assert [len(page) for page in seen] == [PAGE, 7]
        assert len({each for page in seen for each in page}) == total
        back = browser.get(last).context["newer"]
        assert [row.url for row in browser.get(self.url("deliveries") + back).context["page"].rows] == seen[0]

    def test_as_many_queries_for_three_rows_as_for_one(self) -> None:
        browser = self.as_(self.ada)
        self.make()
        browser.get(self.url("deliveries"))
        counts = []
        for _round in range(2):
            with CaptureQueriesContext(database) as queries:
                browser.get(self.url("deliveries"))
            counts.append(len([each for each in queries if "webhooks_" in each["sql"]]))
            for _each in range(2):
                self.make()
        assert counts == [4, 4]

    def test_empty_and_no_match(self) -> None:
        self.assertContains(self.as_(self.ada).get(self.url("deliveries")), "Nothing was sent yet")
        self.make()
        self.assertContains(self.as_(self.ada).get(self.url("deliveries"), {"q": "call-x"}), "No delivery matches")

    def test_a_switched_off_address_is_said_and_switched_on_by_a_member(self) -> None:
        row = self.make()
        self.switch_off(row)
        page = self.as_(self.ada).get(self.url("deliveries"))
        self.assertContains(page, "An address is switched off")
        self.assertContains(page, "It answered 410 Gone")
        assert self.as_(self.viewer()).post(self.url("webhook_address_on"), {"url": row.url}).status_code == 403
        assert self.as_(self.ben).post(self.url("webhook_address_on"), {"url": row.url}).status_code == 302
        self.assertNotContains(self.as_(self.ada).get(self.url("deliveries")), "An address is switched off")


class DetailTest(Pages):
    def detail(self, row: Delivery, user: User | None = None) -> Any:
        return self.as_(user or self.ada).get(self.url("delivery", row.pk))

    def test_both_sides_and_never_the_secret(self) -> None:
        with Receiver(Reply(503, b"<b>busy</b>", {"Content-Type": "text/html"})) as server:
            row = self.make(server.url + "/x", status="waiting", next_attempt_at=factories.NOW, attempt_count=0)
            with self.acting_for(self.agency):
                assert deliver(delivery_id=row.pk, now=db.now()) is False
        page = self.detail(row)
        sent = server.received[0].headers
        self.assertContains(page, f"X-Webhook-Signature: {sent['x-webhook-signature']}")
        self.assertContains(page, f"X-Webhook-Timestamp: {sent['x-webhook-timestamp']}")
        self.assertContains(page, "&lt;b&gt;busy&lt;/b&gt;")
        self.assertContains(page, "503")
        self.assertNotContains(page, "<b>busy</b>")
        self.assertNotContains(page, SECRET)

    def test_without_a_body_it_says_why_and_cannot_be_sent_again(self) -> None:
        question = self.make(key="question:1", event="tool-calls", body="", erased_at=factories.NOW)
        private = self.make(wipes_body=True, body="", erased_at=factories.NOW)
        erased = self.make(call_id="call-1")
        with self.acting_for(self.agency), transaction.atomic():
            erase(["call-1"], factories.NOW)
        said = ("This was a question of a running call", "The call ran in GDPR mode", "It was erased after the time")
        for row, words in zip((question, private, erased), said, strict=True):
            page = self.detail(row)
            self.assertContains(page, words)
            self.assertContains(page, "X-Webhook-Signature: sha256=…")
            self.assertNotContains(page, "Request body")
            self.assertNotContains(page, 'name="ids"')
            self.as_(self.ada).post(self.url("delivery_replay"), {"ids": str(row.pk)})
            assert self.fresh(row).status == "dead"

    def test_another_tenants_is_not_found(self) -> None:
        theirs = self.make(org=self.stranger)
        assert self.detail(theirs).status_code == 404
        assert self.as_(self.dov).get(self.url("delivery", theirs.pk)).status_code == 404

    def test_the_call_page_lists_its_events(self) -> None:
        call = factories.make_call(self.agency)
        row = self.make(call_id=call.public_id)
        page = self.as_(self.ada).get(self.url("call", call.public_id))
        self.assertContains(page, self.url("delivery", row.pk))

    @pytest.mark.skipif(not (shutil.which("curl") and shutil.which("openssl")), reason="needs curl and openssl")
    def test_the_command_sends_a_request_that_verifies(self) -> None:
        with Receiver() as server:
            row = self.make(server.url + "/it's?a=1", body='{"say":"it\'s $HOME \\\\ `x`"}')
            command = self.detail(row).context["curl"].replace("your-webhook-secret", SECRET)
            environment = {"PATH": os.environ["PATH"], "NO_PROXY": "127.0.0.1"}
            subprocess.run(["bash", "-c", command], check=True, capture_output=True, env=environment, timeout=30)
        got = server.received[0]
        assert got.body.decode() == self.fresh(row).body
        assert got.headers["x-webhook-id"] == str(row.pk)
        now = dt.datetime.fromtimestamp(int(got.headers["x-webhook-timestamp"]), dt.UTC)
        assert verify([SECRET], got.headers["x-webhook-signature"], got.headers["x-webhook-timestamp"], got.body, now)


class ReplayTest(Pages):
    def setUp(self) -> None:
        self.enterContext(mock.patch.object(tasks.deliver, "delay_on_commit"))

    def send(self, row: Delivery) -> bool | None:
        with self.acting_for(self.agency):
            return deliver(delivery_id=row.pk, now=db.now())

    def test_it_is_signed_anew_with_the_same_id_and_the_whole_schedule(self) -> None:
        with Receiver(Reply(500)) as server:
            row = self.make(server.url, attempt_count=8)
            with self.acting_for(self.agency):
                row.tries.update(number=8)
            answer = self.as_(self.ben).post(self.url("delivery_replay"), {"ids": str(row.pk), "back": "//evil.example"})
            assert answer["Location"] == self.url("deliveries")
            assert (self.fresh(row).status, self.fresh(row).attempts_now) == ("waiting", 0)
            assert self.send(row) is False
            again = self.fresh(row)
            assert (again.status, again.attempt_count, again.attempts_now) == ("waiting", 9, 1)
            assert 4 < (again.next_attempt_at - again.replayed_at).total_seconds() < 30
        headers = server.received[0].headers
        assert (headers["x-webhook-id"], headers["x-webhook-attempt"]) == (str(row.pk), "9")
        now = dt.datetime.fromtimestamp(int(headers["x-webhook-timestamp"]), dt.UTC)
        assert abs((now - db.now()).total_seconds()) < 30
        assert verify([SECRET], headers["x-webhook-signature"], headers["x-webhook-timestamp"], server.received[0].body, now)

    def test_many_at_once_and_what_cannot_is_left_out(self) -> None:
        first, second = self.make("https://a.example"), self.make("https://b.example", status="delivered")
        off, waiting = self.make("https://off.example"), self.make(status="waiting")
        theirs = self.make(org=self.stranger)
        self.switch_off(off)
        rows = (first, second, off, waiting, theirs)
        answer = self.as_(self.ben).post(
            self.url("delivery_replay"), {"ids": [*(str(row.pk) for row in rows), "x"]}, follow=True
        )
        assert [self.fresh(row).status for row in rows[:3]] == ["waiting", "waiting", "dead"]
        with self.acting_for(self.stranger):
            assert Delivery.objects.get(pk=theirs.pk).status == "dead"
        self.assertContains(answer, "2 deliveries are sent again.")
        self.assertContains(answer, "3 were left out")

    def test_all_failed_since_after_a_count(self) -> None:
        hour, page = dt.timedelta(hours=1), self.url("replay_failed")
        now = db.now()
        old, new = self.make(created_at=now - 5 * hour), self.make(created_at=now - hour)
        delivered = self.make(created_at=now - hour, status="delivered")
        wiped = self.make(created_at=now - hour, body="", erased_at=now)
        tried = self.make(created_at=now - hour, is_test=True)
        theirs = self.make(org=self.stranger, created_at=now - hour)
        browser = self.as_(self.ben)
        self.ben.timezone = "UTC"
        self.ben.save()
        since = {"since": (now - 2 * hour).strftime("%Y-%m-%dT%H:%M")}
        shown = browser.get(page, since)
        assert (shown.context["count"], shown.context["left"]) == (1, 1)
        assert self.fresh(new).status == "dead", "looking changes nothing"
        assert browser.post(page, since).status_code == 302
        assert [self.fresh(row).status for row in (old, new, delivered, wiped, tried)] == [
            "dead", "waiting", "delivered", "dead", "dead",
        ]  # fmt: skip
        with self.acting_for(self.stranger):
            assert Delivery.objects.get(pk=theirs.pk).status == "dead"
        assert browser.post(page, {"since": "soon"}).status_code == 422

    def test_viewers_only_look(self) -> None:
        row, viewer = self.make(), self.as_(self.viewer())
        assert viewer.post(self.url("delivery_replay"), {"ids": str(row.pk)}).status_code == 403
        assert viewer.get(self.url("replay_failed")).status_code == 403
        assert viewer.get(self.url("webhook_test")).status_code == 403
        assert viewer.get(self.url("delivery", row.pk)).status_code == 200
        self.assertNotContains(viewer.get(self.url("deliveries")), "Send failed again")
        assert self.fresh(row).status == "dead"

    def test_it_is_audited(self) -> None:
        row = self.make()
        self.as_(self.ada).post(self.url("delivery_replay"), {"ids": str(row.pk)})
        self.assertContains(self.as_(self.ada).get(f"/o/{self.agency.slug}/settings/audit"), "Webhook: sent again")


class TestEventTest(Pages):
    def setUp(self) -> None:
        cache.clear()
        self.browser = self.as_(self.ben)

    def account(self, url: str) -> None:
        with self.acting_for(self.agency):
            self.agency.webhook_url, self.agency.webhook_secret = url, SECRET
            self.agency.save()

    def try_it(self, **values: str) -> Any:
        return self.browser.post(self.url("webhook_test"), {"to": "account", "event": "status-update"} | values)

    def test_each_type_is_a_real_signed_request_marked_as_a_test(self) -> None:
        factories.make_number(self.agency, phone_number="+31850009999")
        with Receiver(Reply(200, {"thanks": True})) as server:
            self.account(server.url + "/hook")
            for event in ("assistant-request", "tool-calls", "status-update", "end-of-call-report"):
                answer = self.try_it(event=event)
                assert answer.status_code == 302
                page = self.browser.get(answer["Location"])
                self.assertContains(page, "Your server took the test event.")
                self.assertContains(page, "&quot;thanks&quot;")
                got = server.received[-1]
                now = dt.datetime.fromtimestamp(int(got.headers["x-webhook-timestamp"]), dt.UTC)
                signature = got.headers["x-webhook-signature"]
                assert verify([SECRET], signature, got.headers["x-webhook-timestamp"], got.body, now)
                message = got.json["message"]
                assert (message["type"], got.headers["x-webhook-event"], message["test"]) == (event, event, True)
                assert message["phone_number"]["number"] == "+31850009999"
                assert ("assistant" in message) is (event != "assistant-request")
                assert message.get("assistant", {"metadata": {"test": True}})["metadata"] == {"test": True}
        report = server.received[-1].json["message"]
        assert (report["duration_seconds"], report["analysis"], len(report["messages"])) == (84, {"resolved": True}, 4)
        with self.acting_for(self.agency):
            rows = Delivery.objects.for_organization(self.agency)
            assert set(rows.values_list("status", "is_test", "attempt_count")) == {("delivered", True, 1)}
            assert rows.count() == 4

    def test_an_assistants_own_address_tool_and_secret(self) -> None:
        tool = {"type": "function", "name": "book", "parameters": {"type": "object", "properties": {"day": {"type": "string"}, "people": {"type": "integer"}}}}  # fmt: skip
        with Receiver() as server:
            assistant = factories.make_assistant(self.agency, webhook_url=server.url, webhook_secret="own-secret")
            with self.acting_for(self.agency):
                assistant.llm_config = {**assistant.llm_config, "tools": [tool]}
                assistant.save()
            self.try_it(to=str(assistant.pk), event="tool-calls")
        got = server.received[0]
        now = dt.datetime.fromtimestamp(int(got.headers["x-webhook-timestamp"]), dt.UTC)
        assert verify(["own-secret"], got.headers["x-webhook-signature"], got.headers["x-webhook-timestamp"], got.body, now)
        message = got.json["message"]
        assert message["tool_call_list"][0]["function"] == {"name": "book", "arguments": {"day": "test", "people": 1}}
        assert message["assistant"]["metadata"] == {"test": True}
        assert b"own-secret" not in got.body

    def test_a_failure_shows_both_sides_is_not_tried_again_and_counts_for_nothing(self) -> None:
        with Receiver(Reply(410, b"gone away")) as server:
            self.account(server.url)
            page = self.browser.get(self.try_it()["Location"])
        self.assertContains(page, "Your server did not take the test event.")
        self.assertContains(page, "gone away")
        with self.acting_for(self.agency):
            assert Delivery.objects.for_organization(self.agency).get().status == "dead"
            assert Endpoint.objects.for_organization(self.agency).count() == 0

    def test_it_goes_past_a_resting_breaker_and_an_answer_closes_it(self) -> None:
        with Receiver() as server:
            self.account(server.url)
            with self.acting_for(self.agency):
                state = Endpoint.objects.create(
                    organization=self.agency, level="account", owner_id=str(self.agency.pk), url=server.url,
                    url_digest=url_digest(server.url), failures=12, failing_since=db.now(),
                    open_until=db.now() + dt.timedelta(hours=1),
                )  # fmt: skip
            held = self.make(server.url, status="waiting", next_attempt_at=state.open_until, attempt_count=0)
            self.try_it()
        with self.acting_for(self.agency):
            state.refresh_from_db()
        assert (state.failures, state.open_until) == (0, None)
        assert self.fresh(held).next_attempt_at <= db.now()

    def test_ten_a_minute(self) -> None:
        with Receiver() as server:
            self.account(server.url)
            with mock.patch("apps.core.rate.time.time", return_value=1_800_000_000.0 + self.agency.pk.int % 10_000 * 60):
                answers = [self.try_it().status_code for _count in range(11)]
        assert answers == [302] * 10 + [429]
        assert len(server.received) == 10

    def test_nobody_elses_assistant_and_no_address(self) -> None:
        theirs = factories.make_assistant(self.stranger, webhook_url="https://theirs.example")
        assert self.try_it(to=str(theirs.pk)).status_code == 422
        self.assertContains(self.as_(self.ada).get(self.url("webhook_test")), "No address is set")


class AddressTest(Pages):
    def test_account_assistants_and_others_with_their_state(self) -> None:
        with self.acting_for(self.agency):
            self.agency.webhook_url = "https://account.example/"
            self.agency.save()
        factories.make_assistant(self.agency, name="Robin", webhook_url="https://robin.example/")
        factories.make_assistant(self.stranger, name="Dovs", webhook_url="https://dov.example/")
        with self.acting_for(self.agency):
            for url, fields in (("https://tool.example/", {"failures": 11}), ("https://old.example/", {})):
                Endpoint.objects.create(
                    organization=self.agency, level="tool", owner_id="x", url=url, url_digest=url_digest(url), **fields
                )
        found = self.as_(self.ada).get(self.url("webhook_addresses")).context["addresses"]
        assert [(each.name, each.url) for each in found] == [
            ("Account", "https://account.example/"), ("Robin", "https://robin.example/"), ("Tool", "https://tool.example/"),
        ]  # fmt: skip

    def test_a_new_secret_of_an_assistant_overlaps_and_is_shown_once(self) -> None:
        with Receiver() as server:
            robin = factories.make_assistant(self.agency, name="Robin", webhook_url=server.url, webhook_secret="first")
            page = self.url("webhook_address_secret", robin.pk)
            assert self.as_(self.viewer()).post(page).status_code == 403
            answer = self.as_(self.ben).post(page)
            with self.acting_for(self.agency):
                robin.refresh_from_db()
            self.assertContains(answer, robin.webhook_secret)
            addresses = self.as_(self.ben).get(self.url("webhook_addresses"))
            self.assertContains(addresses, "A new secret takes over")
            self.assertNotContains(addresses, robin.webhook_secret)
            test = {"to": str(robin.pk), "event": "status-update"}
            self.as_(self.ben).post(self.url("webhook_test"), test)
            self.as_(self.ben).post(page, {"switch": "1"})
            self.as_(self.ben).post(self.url("webhook_test"), test)
        first, second = server.received
        assert robin.webhook_secret.startswith("whsec_")
        for got, header, secret in (
            (first, "x-webhook-signature", "first"), (first, "x-webhook-signature-next", robin.webhook_secret),
            (second, "x-webhook-signature", robin.webhook_secret),
        ):  # fmt: skip
            stamp = got.headers["x-webhook-timestamp"]
            now = dt.datetime.fromtimestamp(int(stamp), dt.UTC)
            assert verify([secret], got.headers[header], stamp, got.body, now), header
        assert "x-webhook-signature-next" not in second.headers

    def test_of_somebody_elses_assistant_is_not_found(self) -> None:
        theirs = factories.make_assistant(self.stranger, webhook_url="https://dov.example/", webhook_secret="theirs")
        assert self.as_(self.ada).post(self.url("webhook_address_secret", theirs.pk)).status_code == 404
