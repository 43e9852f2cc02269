"""Pages of MCP servers: list, create, change, test, delete."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from apps.assistants.models import McpServer
from tests import factories
from tests.cases import TenantCase
from tests.mcp_server import KEY, serving, trusting

HX = {"HX-Request": "true", "HX-Request-Type": "partial"}
URL = "https://mcp.example.invalid/mcp"
FIELDS = {"name": "Booking", "url": URL, "transport": "streamable_http", "timeout_seconds": "20"}


class McpPagesTest(TenantCase):
    def setUp(self) -> None:
        self.cleo_browser = self.as_(self.cleo)
        self.base = f"/o/{self.client_org.slug}/mcp-servers"

    def send(self, path: str = "/new", headers: tuple[tuple[str, str], ...] = (), **fields: Any) -> Any:
        body: dict[str, Any] = FIELDS | {"headers": [str(number) for number in range(len(headers))]} | fields
        for number, (name, value) in enumerate(headers):
            body |= {f"headers-{number}-name": name, f"headers-{number}-value": value}
        return self.cleo_browser.post(f"{self.base}{path}", body)

    def rows(self) -> list[McpServer]:
        with self.acting_for(self.client_org):
            found = list(McpServer.objects.for_organization(self.client_org))
            for row in found:
                self.assertIsInstance(row.headers, dict)
            return found

    def test_a_server_is_added_with_its_headers(self) -> None:
        answer = self.send(headers=(("Authorization", "Bearer s3cret-canary"), ("", "")))
        (made,) = self.rows()
        self.assertRedirects(answer, f"{self.base}/{made.pk}")
        self.assertEqual(made.headers, {"Authorization": "Bearer s3cret-canary"})
        for path in (f"{self.base}/{made.pk}", self.base):
            page = self.cleo_browser.get(path)
            self.assertContains(page, "Authorization")
            self.assertNotContains(page, "s3cret-canary")

    def test_what_is_wrong_is_told_beside_it_and_nothing_secret_comes_back(self) -> None:
        for fields, name in (
            ({"name": ""}, "name"), ({"url": "http://mcp.example.invalid/"}, "url"), ({"url": "https://10.0.0.1/"}, "url"),
            ({"timeout_seconds": "4"}, "timeout_seconds"), ({"transport": "stdio"}, "transport"),
        ):  # fmt: skip
            answer = self.send(headers=(("X-Key", "s3cret-canary"),), **fields)
            self.assertEqual(answer.status_code, 422)
            self.assertIn(name, answer.context["form"].errors)
            self.assertContains(answer, "X-Key", status_code=422)
            self.assertNotContains(answer, "s3cret-canary", status_code=422)
        for headers in ((("Host", "x"),), (("a b", "x"),), (("X-Empty", ""),)):
            answer = self.send(headers=headers)
            self.assertEqual((answer.status_code, len(answer.context["form"].non_field_errors())), (422, 1))
        self.assertEqual(self.rows(), [])

    def test_a_taken_name_is_told_beside_it(self) -> None:
        factories.make_mcp_server(self.client_org, name="Booking")
        other = factories.make_mcp_server(self.client_org, name="Other", url=URL)
        for path, fields in (("/new", {}), (f"/{other.pk}", {"version": 1})):
            answer = self.send(path, **fields)
            self.assertEqual(answer.status_code, 422)
            self.assertIn("already", str(answer.context["form"].errors["name"]))

    def test_an_empty_value_keeps_what_is_stored(self) -> None:
        row = factories.make_mcp_server(self.client_org, url=URL, sealed_headers='{"A": "1", "B": "2"}')
        answer = self.send(f"/{row.pk}", headers=(("A", ""), ("B", "new")), version=1)
        self.assertEqual(answer.status_code, 302)
        self.assertEqual(self.rows()[0].headers, {"A": "1", "B": "new"})
        self.send(f"/{row.pk}", version=2)
        self.assertEqual(self.rows()[0].headers, {})

    def test_stored_values_never_go_to_another_host(self) -> None:
        row = factories.make_mcp_server(self.client_org, url=URL, sealed_headers='{"A": "1"}')
        answer = self.send(f"/{row.pk}", headers=(("A", ""),), version=1, url="https://other.example.invalid/")
        self.assertContains(answer, "type them again", status_code=422)
        self.assertEqual(self.rows()[0].url, URL)
        answer = self.send(f"/{row.pk}", headers=(("A", "2"),), version=1, url="https://other.example.invalid/")
        self.assertEqual(answer.status_code, 302)

    def test_a_stale_form_shows_both_versions(self) -> None:
        row = factories.make_mcp_server(self.client_org, url=URL, version=2)
        answer = self.send(f"/{row.pk}", version=1, name="Mine", headers=(("A", "s3cret-canary"),))
        self.assertContains(answer, "Somebody else changed this", status_code=409)
        self.assertNotContains(answer, "s3cret-canary", status_code=409)
        self.assertNotEqual(self.rows()[0].name, "Mine")

    def test_the_button_shows_the_tools(self) -> None:
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, trusting(server):
            row = factories.make_mcp_server(
                self.client_org, url=server.url("/secret"), sealed_headers=f'{{"X-Api-Key": "{KEY}"}}'
            )
            answer = self.cleo_browser.post(f"{self.base}/{row.pk}/test", headers=HX)
            self.assertContains(answer, "find_slot")
            self.assertContains(answer, "Finds a free slot.")
            self.assertNotContains(answer, "<html")
            whole = self.cleo_browser.post(f"{self.base}/{row.pk}/test")
            self.assertContains(whole, "find_slot")
            self.assertContains(whole, "<html")
        answer = self.cleo_browser.post(f"{self.base}/{row.pk}/test", headers=HX)
        self.assertContains(answer, "could not be reached")

    def test_the_list_counts_assistants_and_costs_the_same_for_one_and_three_rows(self) -> None:
        factories.make_mcp_server(self.stranger, name="Foreign")
        self.cleo_browser.get(self.base)  # the first page of a session costs more
        for count in (1, 2):
            for _each in range(count):
                row = factories.make_mcp_server(self.client_org)
                tool = {"type": "mcp", "mcp_server_id": str(row.pk), "allowed_tools": ["a"]}
                factories.make_assistant(self.client_org, llm_config={"provider": "openai", "model": "m", "tools": [tool]})
            with self.assertNumQueries(13):
                page = self.cleo_browser.get(self.base)
            self.assertEqual([each.assistant_count for each in page.context["servers"]], [1] * (2 * count - 1))
            self.assertNotContains(page, "Foreign")

    def test_deletion_names_the_assistants_that_use_it(self) -> None:
        row = factories.make_mcp_server(self.client_org)
        tool = {"type": "mcp", "mcp_server_id": str(row.pk), "allowed_tools": ["a"]}
        config = {"provider": "openai", "model": "m", "tools": [tool]}
        factories.make_assistant(self.client_org, name="Desk", llm_config=config)
        path = f"{self.base}/{row.pk}/delete"
        self.assertContains(self.cleo_browser.get(path), "Desk")
        self.assertEqual(self.cleo_browser.post(path, headers=HX).status_code, 409)
        free = factories.make_mcp_server(self.client_org)
        self.assertRedirects(self.cleo_browser.post(f"{self.base}/{free.pk}/delete"), self.base)
        self.assertEqual([each.pk for each in self.rows()], [row.pk])

    def test_a_viewer_reads(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        row = factories.make_mcp_server(self.client_org)
        page = self.as_(viewer).get(f"{self.base}/{row.pk}")
        self.assertContains(page, "your role does not allow changes")
        self.assertNotContains(page, "Test now")
        for path in ("/new", f"/{row.pk}", f"/{row.pk}/test", f"/{row.pk}/delete"):
            self.assertEqual(self.as_(viewer).post(f"{self.base}{path}", {}, headers=HX).status_code, 403)


class McpCardTest(TenantCase):
    """The card of an MCP server's tools in the editor of an assistant."""

    def setUp(self) -> None:
        self.cleo_browser = self.as_(self.cleo)
        self.server_row = factories.make_mcp_server(self.client_org, name="Booking")
        self.tool = {
            "type": "mcp", "mcp_server_id": str(self.server_row.pk).upper(), "allowed_tools": ["a", "b c"], "more": 1,
        }  # fmt: skip
        config = {"provider": "openai", "model": "gpt-5.4", "tools": [self.tool]}
        self.assistant = factories.make_assistant(self.client_org, llm_config=config)
        self.path = f"/o/{self.client_org.slug}/assistants/{self.assistant.pk}"

    def sent(self, **changes: Any) -> dict[str, Any]:
        """The form as the page shows it, with changes."""
        page = self.cleo_browser.get(self.path)
        card = page.context["editor"].tools.cards[0]
        return {
            "version": page.context["version"], "tools-shown": "1", "tools": "0", "tools-0-kind": "mcp",
            "tools-0-was": card.was, "tools-0-server": str(self.server_row.pk), "tools-0-allowed": "a\r\nb c",
            "tools-0-required": "on", "name": self.assistant.name, "is_active": "on",
        } | changes  # fmt: skip

    def stored(self) -> dict[str, Any]:
        with self.acting_for(self.client_org):
            self.assistant.refresh_from_db()
        return self.assistant.llm_config["tools"][0]

    def test_a_stored_tool_is_shown_and_stays_as_it_was_sent(self) -> None:
        page = self.cleo_browser.get(self.path)
        self.assertContains(page, "Booking")
        self.assertEqual(self.cleo_browser.post(self.path, self.sent()).status_code, 302)
        self.assertEqual(self.stored(), self.tool)

    def test_what_was_changed_is_changed_and_the_rest_stays(self) -> None:
        sent = self.sent(**{"tools-0-allowed": "b c\n\nd"})
        del sent["tools-0-required"]
        self.assertEqual(self.cleo_browser.post(self.path, sent).status_code, 302)
        self.assertEqual(self.stored(), self.tool | {"allowed_tools": ["b c", "d"], "required": False})

    def test_ticked_tools_win_over_typed_ones(self) -> None:
        sent = self.sent(**{"tools-0-picked": "1", "tools-0-pick": ["find_slot", "book"]})
        self.assertEqual(self.cleo_browser.post(self.path, sent).status_code, 302)
        self.assertEqual(self.stored()["allowed_tools"], ["find_slot", "book"])

    def test_what_is_wrong_is_told_at_its_input(self) -> None:
        theirs = factories.make_mcp_server(self.stranger)
        for changes, name in (
            ({"tools-0-server": ""}, "tools-0-server"), ({"tools-0-server": str(theirs.pk)}, "tools-0-server"),
            ({"tools-0-allowed": ""}, "tools-0-allowed"),
        ):  # fmt: skip
            answer = self.cleo_browser.post(self.path, self.sent(**changes))
            self.assertEqual(answer.status_code, 422)
            self.assertIn(name, answer.context["form"].errors)
        self.assertEqual(self.stored(), self.tool)

    def test_a_new_card_offers_the_organizations_servers(self) -> None:
        factories.make_mcp_server(self.stranger, name="Foreign")
        answer = self.cleo_browser.get(f"{self.path}/part?part=tool&kind=mcp", headers=HX)
        self.assertContains(answer, "Booking")
        self.assertNotContains(answer, "Foreign")

    def test_a_tool_the_card_cannot_show_stays_json(self) -> None:
        config = {"provider": "openai", "model": "m", "tools": [{"type": "mcp", "mcp_server_id": "x", "allowed_tools": "a"}]}
        row = factories.make_assistant(self.client_org, llm_config=config)
        page = self.cleo_browser.get(f"/o/{self.client_org.slug}/assistants/{row.pk}")
        self.assertEqual(page.context["editor"].tools.cards[0].kind, "raw")

    def test_the_servers_tools_can_be_ticked(self) -> None:
        with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as server, trusting(server):
            row = factories.make_mcp_server(self.client_org, url=server.url())
            body = {"tools-0-server": str(row.pk), "tools-0-allowed": "find_slot\ngone"}
            answer = self.cleo_browser.post(f"{self.path}/mcp-tools?prefix=tools-0", body, headers=HX)
        self.assertContains(answer, 'value="find_slot" checked')
        self.assertContains(answer, 'value="book">')
        self.assertContains(answer, "does not offer this tool now")
        answer = self.cleo_browser.post(f"{self.path}/mcp-tools?prefix=tools-0", body, headers=HX)
        self.assertContains(answer, "could not be reached")
        self.assertContains(answer, "find_slot")
        answer = self.cleo_browser.post(f"{self.path}/mcp-tools?prefix=tools-0", {}, headers=HX)
        self.assertContains(answer, "Choose a server first.")

    def test_nobody_elses_server_is_asked(self) -> None:
        theirs = factories.make_mcp_server(self.stranger)
        for ident in (theirs.pk, "nonsense"):
            answer = self.cleo_browser.post(f"{self.path}/mcp-tools?prefix=tools-0", {"tools-0-server": str(ident)}, headers=HX)
            self.assertEqual(answer.status_code, 404)
        self.assertEqual(self.cleo_browser.post(f"{self.path}/mcp-tools?prefix=<x>", {}, headers=HX).status_code, 404)
