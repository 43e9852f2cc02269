"""Connecting a program as a person does it: the official client opens a page, a person decides, and ends it again."""

from __future__ import annotations

import asyncio
import re
import threading
from queue import Queue
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
from mcp import Client
from mcp.client.auth import OAuthClientProvider
from mcp.client.auth.oauth2 import AuthorizationCodeResult
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from mcp.shared.exceptions import MCPError
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import Site, Watched
from tests.dashboard.test_mcp_client import Store

CALLBACK = "http://127.0.0.1:43117/callback"


class Program(threading.Thread):
    """An AI client in a thread of its own: it asks for a page to be opened, and waits to be called back."""

    def __init__(self, url: str, *, key: str = "") -> None:
        super().__init__(daemon=True)
        self.url, self.key = url, key
        self.pages: Queue[str] = Queue()
        self.answers: Queue[str] = Queue()
        self.work: Queue[tuple[str, dict[str, Any]] | None] = Queue()
        self.results: Queue[Any] = Queue()

    def run(self) -> None:
        asyncio.run(self._run())

    async def _run(self) -> None:
        provider = OAuthClientProvider(
            self.url,
            OAuthClientMetadata(redirect_uris=[CALLBACK], client_name="Desk helper", token_endpoint_auth_method="none"),
            Store(), self._open, self._called,
        )  # fmt: skip
        options: dict[str, Any] = (
            {"headers": {"Authorization": f"Bearer {self.key}"}} if self.key else {"auth": provider}
        )
        async with (
            httpx2.AsyncClient(timeout=60, **options) as web,
            Client(streamable_http_client(self.url, http_client=web)) as client,
        ):
            self.results.put([tool.name for tool in (await client.list_tools()).tools])
            while asked := await _next(self.work):
                try:
                    self.results.put(await client.call_tool(*asked))
                except MCPError as error:
                    self.results.put(error)

    async def _open(self, url: str) -> None:
        self.pages.put(url)

    async def _called(self) -> AuthorizationCodeResult:
        said = {name: values[0] for name, values in parse_qs(urlsplit(await _next(self.answers)).query).items()}
        return AuthorizationCodeResult(code=said["code"], state=said["state"], iss=said["iss"])

    def tool(self, name: str, /, **arguments: Any) -> Any:
        self.work.put((name, arguments))
        return self.results.get(timeout=60)


async def _next(queue: Queue[Any]) -> Any:
    """Without a waiting thread: one that nobody ends would hold up the end of the whole run."""
    while queue.empty():
        await asyncio.sleep(0.05)
    return queue.get()


def test_a_key_works_on_the_running_stack(site: Site) -> None:
    program = Program(f"{site.url}/mcp", key=site.api_key)
    program.start()
    names = program.results.get(timeout=60)
    assert "create_assistant" in names
    made = program.tool("create_assistant", name="By a program")
    assert not made.is_error, made
    gone = program.tool("delete_assistant", id=made.structured_content["assistant"]["id"])
    assert gone.structured_content == {"success": True}
    program.work.put(None)
    program.join(20)


def test_a_person_connects_a_program_and_ends_it(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    organization = re.search(r"/o/([^/]+)/", page.url)
    assert organization
    called: list[str] = []
    page.route(f"{CALLBACK}**", lambda route: _catch(route, called))
    program = Program(f"{site.url}/mcp")
    program.start()
    page.goto(program.pages.get(timeout=60))
    expect(page.get_by_role("heading", name="Connect Desk helper?")).to_be_visible()
    page.get_by_label("Organization").select_option(index=0)
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_text("You may close this window.")).to_be_visible()
    program.answers.put(called[0])
    assert "create_assistant" in program.results.get(timeout=60)
    assert not program.tool("list_assistants").is_error

    page.goto(f"{site.url}/profile/apps")
    expect(page.get_by_text("Desk helper", exact=True)).to_be_visible()
    page.get_by_role("button", name="Disconnect").click()
    page.get_by_role("dialog").get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("is disconnected")).to_be_visible()
    program.work.put(("list_assistants", {}))
    # Without its pass the program asks again.
    assert "/identity/o/authorize" in program.pages.get(timeout=60)
    assert [each for each in signed_in.errors if "favicon" not in each] == []
    assert page.evaluate("window.__csp") == []


def test_the_page_fits_and_takes_the_keyboard(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    program = Program(f"{site.url}/mcp")
    program.start()
    page.goto(program.pages.get(timeout=60))
    for size in ({"width": 390, "height": 844}, {"width": 1440, "height": 900}):
        page.set_viewport_size(size)  # type: ignore[arg-type]
        assert _fits(page)
    page.get_by_role("button", name="Cancel").focus()
    called: list[str] = []
    page.route(f"{CALLBACK}**", lambda route: _catch(route, called))
    page.keyboard.press("Enter")
    expect(page.get_by_text("You may close this window.")).to_be_visible()
    assert "error=access_denied" in called[0]


def _fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def _catch(route: Route, called: list[str]) -> None:
    """In place of the program's own small server."""
    called.append(route.request.url)
    route.fulfill(body="<p>You may close this window.</p>", content_type="text/html")
