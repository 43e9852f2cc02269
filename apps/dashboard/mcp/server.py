"""One posted message, one answer."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse

from apps.accounts.oauth import origin
from apps.core.api import Encoder, retry_header
from apps.core.api_request import read_body
from apps.core.errors import DomainError
from apps.dashboard.mcp import protocol
from apps.dashboard.mcp.admission import admit, bearer, refuse_foreign_page
from apps.dashboard.mcp.protocol import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    INVALID_REQUEST,
    METHOD_NOT_FOUND,
    Message,
    Refused,
)
from apps.dashboard.mcp.running import run
from apps.dashboard.mcp.tools import Tool, tools
from apps.organizations.api_middleware import Admitted
from apps.organizations.models import Organization

log = logging.getLogger(__name__)
LIST_SECONDS = 300  # how long a client may keep the list of tools
METADATA = "/.well-known/oauth-protected-resource/mcp"


class Exchange:
    """The answer to one POST at /mcp."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.message: Message | None = None
        self.headers: dict[str, str] = {}
        self.admitted: Admitted
        self.organization: Organization

    def respond(self) -> HttpResponse:
        """Whatever happens: JSON, with the limit's headers."""
        try:
            answer = self._answer()
        except Refused as refused:
            answer = self._refusal(refused)
        except DomainError as error:
            code = INVALID_REQUEST if error.status < 500 else INTERNAL_ERROR
            answer = self._refusal(Refused(code, error.text, status=error.status, data=error.body()))
            self.headers |= retry_header(error)
        except Exception:
            log.exception("an MCP request failed")
            answer = self._refusal(Refused(INTERNAL_ERROR, "Something went wrong here.", status=500))
        return self._dressed(answer)

    def _answer(self) -> HttpResponse:
        refuse_foreign_page(self.request)
        self.admitted, self.organization = admit(self.request)
        read_body(self.request)
        message = self.message = protocol.read(self.request)
        if message.id is None:
            return HttpResponse(status=202)
        if message.is_modern:
            protocol.check_envelope(self.request, message)
        method = METHODS.get((message.method, message.is_modern))
        if method is None:
            raise Refused(METHOD_NOT_FOUND, f"There is no method {message.method[:100]!r}.")
        return _json(protocol.answer(message, method(self), self._server()))

    def _server(self) -> dict[str, str]:
        name = self.request.brand.name  # type: ignore[attr-defined]
        return {"name": name, "title": name, "version": settings.VERSION}

    def initialize(self) -> dict[str, Any]:
        version = protocol.negotiated(self._params)
        return {"protocolVersion": version, "serverInfo": self._server(), **self._offer()}

    def discover(self) -> dict[str, Any]:
        versions = [*protocol.HANDSHAKE_VERSIONS, *protocol.MODERN_VERSIONS]
        return {"supportedVersions": versions, **self._offer(), **self._kept()}

    def ping(self) -> dict[str, Any]:
        return {}

    def list_tools(self) -> dict[str, Any]:
        if self._params.get("cursor") is not None:
            raise Refused(INVALID_PARAMS, "cursor: the list has one page.")
        shown = [tool.as_json() for tool in self._tools().values()]
        return {"tools": shown, **(self._kept() if self._is_modern else {})}

    def call_tool(self) -> dict[str, Any]:
        name, arguments = self._params.get("name"), self._params.get("arguments")
        tool = self._tools().get(name) if isinstance(name, str) else None
        if tool is None:
            raise Refused(INVALID_PARAMS, f"Unknown tool: {str(name)[:100]}")
        if arguments is not None and not isinstance(arguments, dict):
            raise Refused(INVALID_PARAMS, "arguments: an object is expected.")
        result, self.headers = run(self.request, self.admitted, tool, arguments or {})
        return result

    def _tools(self) -> dict[str, Tool]:
        """All, or only those that read."""
        brand = self.request.brand  # type: ignore[attr-defined]
        found = tools(brand=brand.name, server=origin(self.request), user_agent=settings.WEBHOOK_USER_AGENT)
        if not self.admitted.entry.read_only:
            return found
        return {name: tool for name, tool in found.items() if tool.reads}

    def _offer(self) -> dict[str, Any]:
        rights = "You may only read. " if self.admitted.entry.read_only else ""
        words = (
            f"The API of {self.request.brand.name}: voice assistants that answer and place phone calls. "  # type: ignore[attr-defined]
            f"You act for the organization “{self.organization.name}”. {rights}"
            "Calls reach real people and cost money: ask before you place one, start a campaign or delete something."
        )
        return {"capabilities": {"tools": {}}, "instructions": words}

    def _kept(self) -> dict[str, Any]:
        return {"ttlMs": LIST_SECONDS * 1000, "cacheScope": "private"}

    @property
    def _params(self) -> dict[str, Any]:
        return self.message.params if self.message else {}

    @property
    def _is_modern(self) -> bool:
        return bool(self.message and self.message.is_modern)

    def _refusal(self, refused: Refused) -> HttpResponse:
        status = refused.status
        if self.message and status == 400:
            # The older era carries errors of a well-formed request in an answer that arrived (200).
            status = protocol.MODERN_STATUS.get(refused.code, 400) if self._is_modern else 200
        return _json(protocol.failure(self.message, refused), status=status)

    def _dressed(self, answer: HttpResponse) -> HttpResponse:
        window = getattr(self.request, "window", None)
        for name, value in ((window.headers() if window else {}) | self.headers).items():
            answer[name] = value
        if answer.status_code == 401:
            wrong = ', error="invalid_token"' if bearer(self.request) else ""
            answer["WWW-Authenticate"] = f'Bearer resource_metadata="{origin(self.request)}{METADATA}"{wrong}'
        answer["Cache-Control"] = "no-store"
        return answer


METHODS: dict[tuple[str, bool], Callable[[Exchange], dict[str, Any]]] = {
    ("initialize", False): Exchange.initialize,
    ("ping", False): Exchange.ping,
    ("server/discover", True): Exchange.discover,
    **{("tools/list", modern): Exchange.list_tools for modern in (False, True)},
    **{("tools/call", modern): Exchange.call_tool for modern in (False, True)},
}


def _json(body: dict[str, Any], status: int = 200) -> JsonResponse:
    return JsonResponse(body, status=status, encoder=Encoder)
