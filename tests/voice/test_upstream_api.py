"""What our API answers when the engine behind it fails (platform 12, api 8.4)."""

from __future__ import annotations

from typing import Any

from django.test import override_settings

from apps.calls.models import Call
from apps.core import db
from apps.voice.models import Connection, new_secret
from tests import factories
from tests.cases import TenantCase
from tests.engine import free_port
from tests.receivers import Receiver, Reply
from tests.voice.test_connections import connect

KNOWN = {"kind": "switchboard", "features": ["one_time_full"], "needs_keys": False}
TO = "+447700900001"
DETAILS = {"error": "Validation failed", "details": ["assistant.llm_config: not here"], "type": "invalid_value"}


@override_settings(DIAL_ANSWER_SECONDS=0.6)
class UpstreamTest(TenantCase):
    def setUp(self) -> None:
        factories.add_credits(self.agency, 100)
        self.assistant = factories.make_assistant(self.agency)
        factories.make_number(self.agency, transfer_trunk=factories.make_trunk(self.agency), assistant=self.assistant)

    def engine(self, url: str) -> Connection:
        # A key of its own: the budget of a key outlives a test.
        return connect(self.agency, base_url=url, api_key=new_secret(), engine=KNOWN, engine_read_at=db.now())  # type: ignore[return-value]

    def dial(self) -> Any:
        body = {"destination": TO, "assistant_id": str(self.assistant.pk)}
        return self.api(self.agency).post("/calls/outbound", body)

    def is_failing(self, row: Connection) -> bool:
        with self.acting_for(self.agency):
            return Connection.objects.get(pk=row.pk).failing_since is not None

    def test_outbound(self) -> None:
        table: list[tuple[str, Reply | None, int, str | None, bool]] = [
            ("nobody there", None, 503, "backend_unavailable", True),
            ("401", Reply(401, {"error": "No", "type": "unauthorized"}), 503, "backend_unavailable", True),
            ("402", Reply(402, {"error": "No", "type": "insufficient_credits"}), 503, "backend_unavailable", True),
            ("403", Reply(403, {"error": "No"}), 503, "backend_unavailable", True),
            ("404", Reply(404, {"error": "No such assistant"}), 503, "backend_unavailable", False),
            ("400", Reply(400, DETAILS), 400, "invalid_value", False),
            ("429", Reply(429, {"error": "Slow"}, {"Retry-After": "40"}), 503, "backend_unavailable", False),
            ("503", Reply(503), 200, None, False),
            ("time-out", Reply(wait=1.5), 200, None, False),
            ("cut", Reply(cut=True), 200, None, False),
            ("redirect", Reply(307, {}, {"Location": "http://169.254.169.254/"}), 200, None, False),
        ]
        for name, reply, status, kind, fails in table:
            with Receiver(reply) as server:
                row = self.engine(server.url if reply else f"http://127.0.0.1:{free_port()}")
                answer = self.dial()
                body = answer.json()
                assert (answer.status_code, body.get("type")) == (status, kind), (name, body)
                assert self.is_failing(row) is fails, name
                if status == 200:
                    assert body["status"] == "dialing", name
                if name == "400":
                    assert body["details"] == ["assistant.llm_config: not here"]
                if name == "429":
                    assert (body["retry_after"], answer.headers["Retry-After"]) == (40, "40")
                assert len(server.received) == (1 if reply else 0), name
            with self.acting_for(self.agency):
                Call.objects.for_organization(self.agency).update(connection=None)
                row.delete()

    def test_a_web_call_without_an_answer_is_no_call(self) -> None:
        for reply in (Reply(503), Reply(wait=1.5), Reply(cut=True), Reply(body=b"<html>"), Reply(401)):
            with Receiver(reply) as server:
                row = self.engine(server.url)
                answer = self.api(self.agency).post("/calls/web", {"assistant_id": str(self.assistant.pk)})
                assert (answer.status_code, answer.json()["type"]) == (503, "backend_unavailable")
            with self.acting_for(self.agency):
                Call.objects.for_organization(self.agency).update(connection=None)
                row.delete()

    @override_settings(UPSTREAM_REQUESTS_PER_MINUTE=9)
    def test_a_full_budget_says_when_to_come_again_and_commands_still_go(self) -> None:
        with Receiver(lambda got: Reply(body={"call_id": f"eng-{len(got.body)}-{id(got)}"})) as server:
            self.engine(server.url)
            found = [self.dial_to(number) for number in range(9)]
            assert [each.status_code for each in found] == [200] * 8 + [503]
            assert 30 <= found[-1].json()["retry_after"] <= 60
            call_id = found[0].json()["call_id"]
            with self.acting_for(self.agency):
                Call.objects.for_organization(self.agency).filter(public_id=call_id).update(status="in-progress")
            command = self.api(self.agency).post(f"/calls/{call_id}/control", {"type": "end-call"})
            assert command.status_code == 200
            second = self.api(self.agency).post(f"/calls/{call_id}/control", {"type": "say", "content": "Hi"})
            assert second.status_code == 503
            assert 30 <= second.json()["retry_after"] <= 60
            assert len(server.received) == 9

    def dial_to(self, number: int) -> Any:
        body = {"destination": f"+44770090{number:04}", "assistant_id": str(self.assistant.pk)}
        return self.api(self.agency).post("/calls/outbound", body)
