"""Trying a tool out: a real signed request to a stand-in server, and both sides on the page."""

from __future__ import annotations

from typing import Any

from django.core.cache import cache
from django.test import override_settings

from apps.assistants.models import Assistant
from apps.core import db
from apps.webhooks.models import Attempt, Delivery
from apps.webhooks.signing import verify
from tests import factories
from tests.cases import TenantCase
from tests.receivers import Receiver, Reply

HX = {"HX-Request": "true"}
SECRET = "whsec_canary_secret"
PARAMETERS = {
    "type": "object", "required": ["day"],
    "properties": {
        "day": {"type": "string", "enum": ["monday", "friday"]}, "people": {"type": "integer"}, "vip": {"type": "boolean"},
        "tags": {"type": "array", "items": {"type": "string"}}, "note": {"type": "string", "description": "Anything else"},
    },
}  # fmt: skip


class TryItTest(TenantCase):
    def setUp(self) -> None:
        cache.clear()
        self.browser = self.as_(self.cleo)

    def assistant(self, *tools: dict[str, Any], **fields: Any) -> Assistant:
        found = factories.make_assistant(self.client_org, **fields)
        with self.acting_for(self.client_org):
            found.change(db.now(), llm_config={**found.llm_config, "tools": list(tools)})
        return found

    def tool(self, url: str = "", **fields: Any) -> dict[str, Any]:
        return {"type": "function", "name": "book", "description": "Books.", "parameters": PARAMETERS} | ({"url": url} if url else {}) | fields

    def path(self, assistant: Assistant, index: int = 0) -> str:
        return f"/o/bakker-dental/assistants/{assistant.pk}/try-tool?tool={index}"

    def send(self, assistant: Assistant, index: int = 0, **fields: Any) -> Any:
        """Inputs stand in the order the database keeps: day, vip, note, tags, people."""
        values = {"try-send": "1", "try-mode": "form", "try-arg-0": "monday"} | fields
        return self.browser.post(self.path(assistant, index), values, headers=HX)

    def test_both_sides_of_a_signed_request_and_what_the_model_reads(self) -> None:
        with Receiver(Reply(201, {"results": [{"tool_call_id": "x", "result": {"free": True}}]}, {"X-Kind": "n8n"})) as server:
            assistant = self.assistant(self.tool(server.url, server={"secret": SECRET}))
            page = self.send(assistant, **{"try-arg-0": "friday", "try-arg-4": "2", "try-arg-1": "true", "try-arg-3": '["a"]'})
        self.assertEqual(page.status_code, 200, page.content.decode()[:3000])
        (got,) = server.received
        entry = got.json["message"]["tool_call_list"][0]
        self.assertEqual(entry["function"], {"name": "book", "arguments": {"day": "friday", "people": 2, "vip": True, "tags": ["a"]}})
        self.assertEqual((got.headers["x-webhook-event"], got.json["message"]["assistant"]["id"]), ("tool-calls", str(assistant.pk)))
        self.assertTrue(verify([SECRET], got.headers["x-webhook-signature"], got.headers["x-webhook-timestamp"], got.body, db.now()))
        for shown in ("HTTP 201", "x-kind", "n8n", "Signed", got.headers["x-webhook-signature"], got.headers["x-webhook-id"], entry["id"]):
            self.assertContains(page, shown)
        self.assertContains(page, "&quot;free&quot;: true")
        self.assertNotContains(page, SECRET)

    def test_it_stands_in_the_log_once_as_a_test(self) -> None:
        with Receiver(Reply(500)) as server:
            self.send(self.assistant(self.tool(server.url)))
        with self.acting_for(self.client_org):
            row, attempt = Delivery.objects.get(), Attempt.objects.get()
        self.assertEqual((row.event, row.is_test, row.status, row.level, attempt.status_code), ("tool-calls", True, "dead", "tool", 500))
        self.assertEqual(len(server.received), 1)

    def test_how_an_answer_is_read(self) -> None:
        cases: list[tuple[Reply, str, str]] = [
            (Reply(body={"result": "Friday at nine"}), "Result", "Friday at nine"),
            (Reply(body=b"Friday at ten"), "Plain text", "Friday at ten"),
            (Reply(body={"error": "No such day"}), "Error", "No such day"),
            (Reply(404, {"detail": "webhook not registered"}), "Error", "reported an error"),
            (Reply(cut=True), "Error", "cannot be reached"),
        ]  # fmt: skip
        for reply, badge, text in cases:
            with self.subTest(text), Receiver(reply) as server:
                page = self.send(self.assistant(self.tool(server.url)))
                body = page.content.decode().split("What the model reads", 1)[1].split("</pre>", 1)[0]
                self.assertIn(badge, body)
                self.assertIn(text, body)

    def test_the_assistants_address_then_the_accounts_with_their_own_secrets(self) -> None:
        with Receiver() as own, Receiver() as account:
            with self.acting_for(self.client_org):
                self.client_org.change(db.now(), webhook_url=account.url, webhook_secret="account-secret")
            self.send(self.assistant(self.tool(), webhook_url=own.url, webhook_secret="assistant-secret"))
            self.send(self.assistant(self.tool()))
        for server, secret in ((own, "assistant-secret"), (account, "account-secret")):
            (got,) = server.received
            self.assertTrue(verify([secret], got.headers["x-webhook-signature"], got.headers["x-webhook-timestamp"], got.body, db.now()))

    def test_without_an_address_nothing_is_sent(self) -> None:
        page = self.send(self.assistant(self.tool(), webhook_events=[]))
        self.assertContains(page, "This tool has no address", status_code=422)

    def test_a_private_address_is_refused_in_words(self) -> None:
        with Receiver() as server, override_settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            page = self.send(self.assistant(self.tool(server.url)))
        self.assertContains(page, "private network", status_code=422)
        self.assertEqual(server.received, [])
        with self.acting_for(self.client_org):
            self.assertFalse(Delivery.objects.exists())

    def test_arguments_as_json(self) -> None:
        with Receiver() as server:
            assistant = self.assistant(self.tool(server.url))
            self.assertContains(self.browser.post(self.path(assistant), {"try-switch": "json"}, headers=HX), "Arguments (JSON)")
            self.assertEqual(self.send(assistant, **{"try-mode": "json", "try-json": '{"any": [1]}'}).status_code, 200)
            for wrong in ("[1]", "{", "true"):
                page = self.send(assistant, **{"try-mode": "json", "try-json": wrong})
                self.assertContains(page, "Write one JSON object", status_code=422)
            page = self.send(assistant, **{"try-arg-3": "[", "try-arg-2": "Typed note", "try-arg-0": ""})
        self.assertContains(page, "This is not valid JSON.", status_code=422)
        self.assertContains(page, "Typed note", status_code=422)
        self.assertContains(page, "This field is required", status_code=422)
        self.assertEqual([each.json["message"]["tool_call_list"][0]["function"]["arguments"] for each in server.received], [{"any": [1]}])

    def test_a_tool_is_tried_as_it_is_typed(self) -> None:
        """The card comes along: its address and its secret count, saved or not."""
        with Receiver() as stored, Receiver() as typed:
            assistant = self.assistant(self.tool(stored.url))
            card = {
                "tools": "0", "tools-0-kind": "function", "tools-0-name": "book_now", "tools-0-url": typed.url,
                "tools-0-secret": SECRET, "tools-0-description": "Books.",
            }  # fmt: skip
            page = self.send(assistant, **card, **{"try-mode": "json", "try-json": "{}"})
        self.assertEqual((len(stored.received), len(typed.received)), (0, 1))
        self.assertEqual(typed.received[0].json["message"]["tool_call_list"][0]["function"]["name"], "book_now")
        self.assertIn("x-webhook-signature", typed.received[0].headers)
        self.assertNotContains(page, SECRET)

    def test_at_most_ten_a_minute(self) -> None:
        with Receiver() as server:
            assistant = self.assistant(self.tool(server.url))
            codes = [self.send(assistant).status_code for _number in range(25)]
        self.assertIn(422, codes)
        self.assertEqual(codes.count(200), len(server.received))
        self.assertLessEqual(len(server.received), 20)  # a clock minute may end in between

    def test_a_template_is_tried_with_its_secret(self) -> None:
        with Receiver() as server:
            template = factories.make_tool_template(
                self.client_org, name="check_slot", server_secret=SECRET,
                tool_config={"description": "Checks.", "url": server.url, "parameters": PARAMETERS},
            )  # fmt: skip
            path = f"/o/bakker-dental/tool-templates/{template.pk}/try"
            self.assertContains(self.browser.get(path), "monday")
            self.assertContains(self.browser.get(path.removesuffix("/try")), path)
            page = self.browser.post(path, {"try-send": "1", "try-arg-0": "monday"})
        (got,) = server.received
        self.assertTrue(verify([SECRET], got.headers["x-webhook-signature"], got.headers["x-webhook-timestamp"], got.body, db.now()))
        self.assertNotContains(page, SECRET)

    def test_only_members_and_only_webhook_tools(self) -> None:
        assistant = self.assistant({"type": "end_call"}, self.tool("https://example.com/"))
        self.assertRedirects(self.browser.get(self.path(assistant)), f"/o/bakker-dental/assistants/{assistant.pk}")
        self.assertRedirects(self.browser.get(self.path(assistant, 7)), f"/o/bakker-dental/assistants/{assistant.pk}")
        self.assertContains(self.browser.get(self.path(assistant, 1)), "https://example.com/")
        self.assertEqual(self.as_(self.dov).post(self.path(assistant, 1)).status_code, 404)
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        self.assertEqual(self.as_(viewer).post(self.path(assistant, 1), {"try-send": "1"}).status_code, 403)
