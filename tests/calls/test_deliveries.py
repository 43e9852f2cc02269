"""The delivery log's pages: what is listed, what is shown of a delivery, sending again."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from typing import Any
from unittest import mock

import pytest
from django.db import connection as database
from django.db import transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.calls.selectors import PAGE
from apps.core import db
from apps.webhooks import tasks
from apps.webhooks.models import Delivery
from apps.webhooks.services import deliver, erase
from apps.webhooks.signing import verify
from tests import factories
from tests.calls.delivery_case import SECRET, Pages
from tests.receivers import Receiver, Reply


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
