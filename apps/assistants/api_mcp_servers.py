"""MCP servers on the wire (api 8.16)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.assistants.mcp_services import create_server, delete_server, judge_server, probe_server, update_server
from apps.assistants.models import McpServer
from apps.core import db
from apps.core.api import instant
from apps.core.errors import NotFound
from apps.core.openapi import many, one, operation, ref
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import create_once
from apps.organizations.services import Actor

ONE = one("mcp_server", "McpServer")


def server_body(server: McpServer) -> dict[str, Any]:
    """Never the values of headers."""
    return {
        "id": str(server.pk),
        "name": server.name,
        "url": server.url,
        "transport": server.transport,
        "header_names": server.header_names,
        "timeout_seconds": server.timeout_seconds,
        "created_at": instant(server.created_at),
        "updated_at": instant(server.updated_at),
    }


def _server(request: Request, pk: UUID) -> McpServer:
    found = McpServer.objects.for_organization(organization_of(request)).select_related("organization").filter(pk=pk)
    if (server := found.first()) is None:
        raise NotFound("There is no MCP server with this id.")
    return server


class McpServerListView(APIView):
    @operation("listMcpServers", "List MCP servers", "All of them, newest first.", answer=many("mcp_servers", "McpServer"))
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = McpServer.objects.for_organization(organization_of(request)).order_by("-created_at", "-id")
        return Response({"mcp_servers": [server_body(each) for each in found]})

    @operation(
        "createMcpServer", "Add an MCP server", "409 when the name is taken.",
        body=ref("McpServerCreate"), answer=ONE, status=201, further=[409],
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        values = judge_server(request.data).require()
        organization, by = organization_of(request), Actor.of(request)
        server = create_once(
            request, McpServer.objects.for_organization(organization),
            lambda pk: create_server(organization=organization, values=values | {"id": pk}, by=by),
        )  # fmt: skip
        return Response({"mcp_server": server_body(server)}, status=201)


class McpServerView(APIView):
    @operation("getMcpServer", "Get an MCP server", answer=ONE)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return Response({"mcp_server": server_body(_server(request, pk))})

    @operation(
        "updateMcpServer", "Change an MCP server", "`headers` replaces all of them; 409 when the name is taken.",
        body=ref("McpServerUpdate"), answer=ONE, further=[409],
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        server = _server(request, pk)
        values = judge_server(request.data, stored=server).require()
        server = update_server(server=server, values=values, by=Actor.of(request), now=db.now())
        return Response({"mcp_server": server_body(server)})

    @operation("deleteMcpServer", "Delete an MCP server", "409 while an assistant uses it.", further=[409])
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        delete_server(server=_server(request, pk), by=Actor.of(request))
        return Response({"success": True})


class McpServerTestView(APIView):
    @operation(
        "testMcpServer", "Test an MCP server",
        "Connects now and lists the server's tools. Always 200 when the request itself is valid; takes at most 20 s.",
        body=ref("McpServerTest"), answer=ref("McpServerTestResult"),
    )  # fmt: skip
    def post(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        server = _server(request, pk)
        return Response(probe_server(server=server, headers=dict(request.data).get("headers")).body())
