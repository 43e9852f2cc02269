"""The pages of addresses that events go to: test events, their state, new secrets."""

from __future__ import annotations

import datetime as dt
from typing import Any
from unittest import mock

from django.core.cache import cache

from apps.core import db
from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.signing import verify
from apps.webhooks.targets import url_digest
from tests import factories
from tests.calls.delivery_case import SECRET, Pages
from tests.receivers import Receiver, Reply


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
