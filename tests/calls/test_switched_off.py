"""A URL that is switched off: the call goes on without it, the tool says so, events wait in the log (webhooks 6, 7, 10.3)."""

from __future__ import annotations

from apps.webhooks.models import Delivery, Endpoint
from apps.webhooks.targets import url_digest
from tests import factories
from tests.calls.support import apply, event, make_connection, post, running_call, scope_of, talk
from tests.cases import TenantCase
from tests.receivers import Receiver


class SwitchedOffTest(TenantCase):
    def test_nothing_reaches_it_and_nothing_is_lost(self) -> None:
        connection = make_connection()
        with Receiver() as server:
            assistant = factories.make_assistant(self.client_org, webhook_url=server.url)
            with self.acting_for(self.client_org):
                assistant.llm_config = {**assistant.llm_config, "tools": [{"type": "function", "name": "look_up"}]}
                assistant.save()
                Endpoint.objects.create(
                    organization=self.client_org, level="assistant", owner_id=str(assistant.pk), url=server.url,
                    url_digest=url_digest(server.url), off_at=factories.NOW, off_reason="gone",
                )  # fmt: skip
            with scope_of(self.client_org):
                call = running_call(self.client_org, connection, assistant=assistant)
            asked = {"id": "t1", "type": "function", "function": {"name": "look_up", "arguments": {}}}
            answer = post(connection, event("tool-calls", call, seq=99, tool_call_list=[asked])).json()
            assert answer["results"][0]["result"] == {"error": "The tool's server does not answer at the moment"}
            for message in talk(call):
                post(connection, message)
            with scope_of(self.client_org):
                apply(call)
                rows = Delivery.objects.for_organization(self.client_org).filter(call_id=call.public_id)
                found = sorted(rows.values_list("event", "status", "attempt_count"))
                kept = rows.exclude(event="tool-calls").filter(erased_at=None).count()
            assert found == [
                ("end-of-call-report", "dead", 0), ("status-update", "dead", 0), ("status-update", "dead", 0),
                ("tool-calls", "dead", 1),
            ]  # fmt: skip
            assert (kept, server.received) == (3, [])
