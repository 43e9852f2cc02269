"""The official MCP client over real HTTP: with a key, and with OAuth from the first 401 to the refresh."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx2
import pytest
from django.core.cache import cache
from django.db import connections
from django.test import Client as Browser
from django.test import LiveServerTestCase, override_settings
from mcp import Client
from mcp.client.auth import OAuthClientProvider, OAuthFlowError
from mcp.client.auth.oauth2 import AuthorizationCodeResult
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientInformationFull, OAuthClientMetadata, OAuthToken
from mcp.shared.exceptions import MCPError

from apps.assistants.models import Assistant
from apps.organizations.models import Membership
from tests import factories
from tests.cases import Cast, Emptied
from tests.dashboard.test_mcp import operations

CALLBACK = "http://127.0.0.1:43117/callback"


class Store:
    """What a program keeps between two runs."""

    def __init__(self) -> None:
        self.tokens: OAuthToken | None = None
        self.program: OAuthClientInformationFull | None = None

    async def get_tokens(self) -> OAuthToken | None:
        return self.tokens

    async def set_tokens(self, tokens: OAuthToken) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> OAuthClientInformationFull | None:
        return self.program

    async def set_client_info(self, client_info: OAuthClientInformationFull) -> None:
        self.program = client_info


class ClientCase(Cast, Emptied, LiveServerTestCase):
    host = "localhost"

    def setUp(self) -> None:
        cache.clear()
        self.make_cast(self)
        self.enterContext(override_settings(BASE_URL=self.live_server_url))
        self.url = f"{self.live_server_url}/mcp"

    def run_client(self, work: Callable[[Client], Awaitable[Any]], *, mode: str = "auto", **http: Any) -> Any:
        """Run `work` with a connected client, in a thread of its own: the test's thread may not hold an event loop."""

        async def connected() -> Any:
            async with self.connected(mode, **http) as client:
                return await work(client)

        return in_thread(connected)

    @contextlib.asynccontextmanager
    async def connected(self, mode: str, **http: Any) -> AsyncIterator[Client]:
        async with (
            httpx2.AsyncClient(timeout=60, **http) as web,
            Client(streamable_http_client(self.url, http_client=web), mode=mode) as client,
        ):
            yield client


def in_thread(work: Callable[[], Awaitable[Any]]) -> Any:
    found: dict[str, Any] = {}

    def run() -> None:
        try:
            found["answer"] = asyncio.run(work())  # type: ignore[arg-type]
        except BaseException as error:
            found["error"] = error

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(60)
    error = found.get("error")
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    if error:
        raise error
    return found["answer"]


def closing(work: Callable[..., Any]) -> Callable[..., Any]:
    """For a thread that will not be used again: its connections would hold up the end of the test database."""

    def run(*args: Any) -> Any:
        try:
            return work(*args)
        finally:
            connections.close_all()

    return run


class KeyTest(ClientCase):
    def with_key(self, work: Callable[[Client], Awaitable[Any]], *, read_only: bool = False, mode: str = "auto") -> Any:
        key = factories.make_key(self.client_org, read_only=read_only)
        return self.run_client(work, mode=mode, headers={"Authorization": f"Bearer {key}"})

    def test_both_eras_list_every_tool(self) -> None:
        for mode in ("auto", "legacy"):
            found = self.with_key(lambda client: client.list_tools(), mode=mode)
            self.assertEqual(len(found.tools), len(operations()))
            deletes = {tool.name for tool in found.tools if tool.annotations and tool.annotations.destructive_hint}
            self.assertEqual(
                deletes, {tool.name for tool in found.tools if tool.name.startswith(("delete_", "remove_"))}
            )
            self.assertIn("delete_assistant", deletes)

    def test_which_version_was_agreed(self) -> None:
        async def version(client: Client) -> str:
            return client.session.protocol_version

        self.assertEqual(self.with_key(version), "2026-07-28")
        self.assertEqual(self.with_key(version, mode="legacy"), "2025-11-25")

    def test_an_assistant_is_made_and_deleted(self) -> None:
        async def work(client: Client) -> Any:
            made = await client.call_tool("create_assistant", {"name": "Robin", "first_message": "Good morning."})
            pk = made.structured_content["assistant"]["id"]
            listed = await client.call_tool("list_assistants", {})
            gone = await client.call_tool("delete_assistant", {"id": pk})
            return made, listed, gone, await client.call_tool("get_assistant", {"id": pk})

        for mode in ("auto", "legacy"):
            made, listed, gone, missing = self.with_key(work, mode=mode)
            self.assertFalse(made.is_error)
            self.assertEqual([each["name"] for each in listed.structured_content["assistants"]], ["Robin"])
            self.assertEqual(gone.structured_content, {"success": True})
            self.assertTrue(missing.is_error)
            self.assertEqual(missing.structured_content["type"], "not_found")

    def test_a_mistake_says_what_is_wrong(self) -> None:
        result = self.with_key(lambda client: client.call_tool("create_number", {"phone_number": "nonsense"}))
        self.assertTrue(result.is_error)
        self.assertEqual(result.structured_content["param"], "phone_number")
        with pytest.raises(MCPError, match="Unknown tool"):
            self.with_key(lambda client: client.call_tool("no_such_tool", {}))

    def test_a_read_only_key(self) -> None:
        found = self.with_key(lambda client: client.list_tools(), read_only=True)
        self.assertEqual(len(found.tools), sum(method == "get" for method, _path, _operation in operations()))
        self.assertTrue(all(tool.annotations and tool.annotations.read_only_hint for tool in found.tools))

    def test_the_limit(self) -> None:
        async def hurry(client: Client) -> int:
            for count in range(20):
                with contextlib.suppress(MCPError):
                    await client.call_tool("list_voices", {})
                    continue
                return count
            return 20

        with override_settings(API_REQUESTS_PER_MINUTE=6):
            self.assertLess(self.with_key(hurry), 6)

    def test_without_a_key(self) -> None:
        with pytest.raises(MCPError):
            self.run_client(lambda client: client.list_tools(), mode="legacy")


class SignInTest(ClientCase):
    def setUp(self) -> None:
        super().setUp()
        self.store, self.asked = Store(), 0

    def provider(
        self, browser: Browser, *, action: str = "grant", scopes: tuple[str, ...] = ("read", "write")
    ) -> OAuthClientProvider:
        answer: dict[str, str] = {}

        async def redirect(url: str) -> None:
            self.asked += 1
            answer["location"] = await asyncio.to_thread(closing(self.decide), browser, url, action, scopes)

        async def callback() -> AuthorizationCodeResult:
            said = {name: values[0] for name, values in parse_qs(urlsplit(answer["location"]).query).items()}
            if "error" in said:
                raise OAuthFlowError(said["error"])
            return AuthorizationCodeResult(code=said["code"], state=said.get("state"), iss=said.get("iss"))

        return OAuthClientProvider(
            self.url,
            OAuthClientMetadata(redirect_uris=[CALLBACK], client_name="Desk helper", token_endpoint_auth_method="none"),
            self.store, redirect, callback,
        )  # fmt: skip

    def decide(self, browser: Browser, url: str, action: str, scopes: tuple[str, ...]) -> str:
        """What the person does in her browser with the page that the program opened."""
        self.assertTrue(url.startswith(f"{self.live_server_url}/identity/o/authorize?"), url)
        host = {"host": urlsplit(url).netloc}
        page = browser.get(url.removeprefix(self.live_server_url), headers=host).content.decode()
        signed = re.search(r'name="request" value="([^"]+)"', page)
        assert signed, page
        sent = {"request": signed[1], "organization": str(self.client_org.pk), "scopes": scopes, "action": action}
        return browser.post("/identity/o/authorize", sent, headers=host)["Location"]

    def signed_in(self, work: Callable[[Client], Awaitable[Any]], user: Any, **options: Any) -> Any:
        return self.run_client(work, auth=self.provider(self.as_(user), **options))

    def test_from_the_first_401_to_a_row(self) -> None:
        made = self.signed_in(lambda client: client.call_tool("create_assistant", {"name": "Robin"}), self.cleo)
        self.assertFalse(made.is_error)
        with self.acting_for(self.client_org):
            self.assertEqual([row.name for row in Assistant.objects.all()], ["Robin"])
        self.assertEqual(self.asked, 1)
        again = self.signed_in(lambda client: client.list_tools(), self.cleo)
        self.assertEqual((len(again.tools), self.asked), (len(operations()), 1))

    def test_a_token_that_ran_out_is_renewed_without_asking(self) -> None:
        """Also by a program that was started anew and has forgotten where the token endpoint is."""
        self.signed_in(lambda client: client.list_tools(), self.cleo)
        before = self.store.tokens
        assert before
        provider = self.provider(self.as_(self.cleo))
        provider.context.token_expiry_time = 1.0
        self.run_client(lambda client: client.list_tools(), auth=provider)
        assert self.store.tokens
        self.assertNotEqual(self.store.tokens.refresh_token, before.refresh_token)
        self.assertEqual(self.asked, 1)

    def test_a_viewer_may_look(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        found = self.signed_in(lambda client: client.list_tools(), viewer)
        self.assertEqual(len(found.tools), sum(method == "get" for method, _path, _operation in operations()))

    def test_no(self) -> None:
        with pytest.raises(OAuthFlowError, match="access_denied"):
            self.signed_in(lambda client: client.list_tools(), self.cleo, action="cancel")
        self.assertIsNone(self.store.tokens)

    def test_whoever_left_must_sign_in_anew(self) -> None:
        self.signed_in(lambda client: client.list_tools(), self.cleo)
        with self.acting_for(self.client_org):
            Membership.objects.filter(user=self.cleo).delete()
        with pytest.raises(AssertionError, match="You work in no organization here"):
            self.signed_in(lambda client: client.list_tools(), self.cleo)
        self.assertEqual(self.asked, 2)
