"""Every list of the API costs the same number of SQL queries for one row and for three, with all that rows refer to."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests import factories
from tests.cases import TenantCase
from tests.routes import routes

SAM = "+31600000001"
# The path and what it costs, most of it the frame of every request: `/voices` reads nothing of its own.
LISTS = (
    ("/assistants", 8),
    ("/agents", 8),
    ("/tool-templates", 8),
    ("/numbers", 8),
    ("/calls", 9),
    ("/usage", 9),
    ("/sip-trunks", 8),
    ("/voices", 7),
    ("/byok", 8),
    ("/byok/config", 8),
    ("/domains", 8),
    ("/analysis-templates", 8),
    ("/analysis-templates?limit=100", 9),
    ("/organizations?include_children=true", 15),
    ("/account?include_children=true", 15),
    ("/campaigns", 9),
    ("/campaigns/{campaign}/leads", 9),
    ("/campaigns/{campaign}/leads?limit=100", 10),
    (f"/chats?contact_id={SAM.replace('+', '%2B')}", 9),
    (f"/chats/context?contact_id={SAM.replace('+', '%2B')}", 8),
    ("/workflows", 8),
    ("/mcp-servers", 8),
)
# No list of ours: single objects, what asks Resend, and what is asked of the whole installation.
OTHERS = {"/domains/sync", "/health", "/engine"}


class QueriesTest(TenantCase):
    def make_rows(self, slot: str) -> None:
        """One more of everything, each with all it can refer to."""
        owner = self.agency
        assistant = factories.make_assistant(owner, business_name="Bakker Dental")
        links = {"assistant": assistant, "transfer_trunk": factories.make_trunk(owner), "workflow": factories.make_workflow(owner)}
        number = factories.make_number(owner, **links)
        factories.make_tool_template(owner, server_secret="s")
        factories.make_analysis_template(owner)
        factories.make_mcp_server(owner, sealed_headers='{"A": "1"}')
        factories.make_provider_key(owner, slot)
        factories.make_organization(f"Client {slot}", parent=owner)
        call = factories.make_call(
            owner, assistant=assistant, number=number, assistant_name=assistant.name, metadata={"crm_id": "77"}, reference=slot,
            recording_url="https://engine.example.org/r.wav", usage=[{"part": "stt", "key": "own"}], analysis_result={"day": "Monday"},
        )  # fmt: skip
        factories.make_lead(factories.make_campaign(owner, assistant=assistant, number=number))
        factories.make_lead(self.campaign, last_call_id=call.public_id, attempts=1, last_attempt_at=factories.NOW)
        factories.make_chat_message(owner, contact_id=SAM, assistant=assistant, metadata={"ticket": 77})

    def setUp(self) -> None:
        self.campaign = factories.make_campaign(self.agency)
        self.api_ = self.api(self.agency)

    def cost(self, path: str) -> int:
        path = path.replace("{campaign}", str(self.campaign.pk))
        with CaptureQueriesContext(connection) as found:
            answer = self.api_.get(path)
            answer.getvalue()  # some are streamed
        self.assertEqual(answer.status_code, 200)
        return len(found)

    def test_one_and_three_rows_cost_the_same_queries(self) -> None:
        self.make_rows("openai")
        factories.make_sender_domain(self.agency)
        for path, _count in LISTS:
            self.cost(path)  # what is read once per process
        one = {path: self.cost(path) for path, _count in LISTS}
        for slot in ("xai", "gladia"):
            self.make_rows(slot)
        for path, count in LISTS:
            with self.subTest(path):
                found = self.cost(path)
                self.assertEqual((one[path], found), (count, count))
        print(f"\nqueries: {len(LISTS)} lists")

    def test_every_list_is_in_the_table(self) -> None:
        served = set()
        for route in routes():
            if route.is_api and hasattr(route.view.cls, "get") and not route.pattern.endswith(">"):
                served.add("/" + route.pattern.removeprefix("api/v1/").replace("<uuid:pk>", "{campaign}"))
        self.assertEqual({path.partition("?")[0] for path, _count in LISTS} | OTHERS, served)
