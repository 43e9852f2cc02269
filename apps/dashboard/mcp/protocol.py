"""The words of the Model Context Protocol that a server needs which keeps no session (modelcontextprotocol.io).

Two eras: up to 2025-11-25 a client begins with `initialize`; from 2026-07-28 on each request says for itself which
version it speaks, in `_meta` and in headers that must agree.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpRequest

HANDSHAKE_VERSIONS = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
MODERN_VERSIONS = ("2026-07-28",)
PARSE_ERROR, INVALID_REQUEST, METHOD_NOT_FOUND, INVALID_PARAMS, INTERNAL_ERROR = -32700, -32600, -32601, -32602, -32603
HEADER_MISMATCH, UNSUPPORTED_VERSION = -32020, -32022
MODERN_STATUS = {METHOD_NOT_FOUND: 404, INTERNAL_ERROR: 200}
META = "io.modelcontextprotocol/"
VERSION_KEY, CAPABILITIES_KEY, SERVER_KEY = META + "protocolVersion", META + "clientCapabilities", META + "serverInfo"
ENCODED = re.compile(r"=\?base64\?(.*)\?=")


class Refused(Exception):
    """A JSON-RPC error; `status` is that of the HTTP answer."""

    def __init__(self, code: int, text: str, *, status: int = 400, data: Any = None) -> None:
        super().__init__(text)
        self.code, self.text, self.status, self.data = code, text, status, data


@dataclass(frozen=True)
class Message:
    """What was posted: a request, or with `id` None a notification, which nobody waits for."""

    id: str | int | None
    method: str
    params: dict[str, Any] = field(default_factory=dict)
    is_modern: bool = False


def read(request: HttpRequest) -> Message:
    """The one message of this request's body. Raises Refused."""
    try:
        data = json.loads(request.body)
    except (ValueError, RecursionError):
        raise Refused(PARSE_ERROR, "The body is not valid JSON.") from None
    if not isinstance(data, dict) or data.get("jsonrpc") != "2.0":
        raise Refused(INVALID_REQUEST, "The body must be one JSON-RPC 2.0 message.")
    method, params = data.get("method"), data.get("params", {})
    if "id" in data and (not isinstance(data["id"], str | int) or isinstance(data["id"], bool)):
        raise Refused(INVALID_REQUEST, "id: a text or a whole number is expected.")
    if not isinstance(method, str) or not isinstance(params, dict):
        raise Refused(INVALID_REQUEST, "The body must be one JSON-RPC 2.0 request or notification.")
    version = request.headers.get("MCP-Protocol-Version")
    meta = params.get("_meta")
    is_modern = version in MODERN_VERSIONS or (isinstance(meta, dict) and VERSION_KEY in meta)
    if version is not None and not is_modern and version not in HANDSHAKE_VERSIONS:
        raise _unsupported(version)
    return Message(data.get("id"), method, params, is_modern)


def check_envelope(request: HttpRequest, message: Message) -> None:
    """A modern request tells the same in its headers and in its body. Raises Refused."""
    meta = message.params.get("_meta")
    missing = [key for key in (VERSION_KEY, CAPABILITIES_KEY) if not isinstance(meta, dict) or key not in meta]
    if missing or not isinstance(meta, dict):
        raise Refused(INVALID_PARAMS, f"_meta needs {' and '.join(missing)}.")
    said = {"MCP-Protocol-Version": meta[VERSION_KEY], "Mcp-Method": message.method}
    if message.method == "tools/call":
        said["Mcp-Name"] = message.params.get("name")
    for name, value in said.items():
        if value is not None and _plain(request.headers.get(name)) != value:
            raise Refused(HEADER_MISMATCH, f"The header {name} does not say what the body says.")
    if meta[VERSION_KEY] not in MODERN_VERSIONS:
        raise _unsupported(str(meta[VERSION_KEY]))


def negotiated(params: dict[str, Any]) -> str:
    """The version both speak after `initialize`: the client's, or the newest of the handshake. Raises Refused."""
    wanted = params.get("protocolVersion")
    if not isinstance(wanted, str):
        raise Refused(INVALID_PARAMS, "protocolVersion: a text is expected.")
    return wanted if wanted in HANDSHAKE_VERSIONS else HANDSHAKE_VERSIONS[-1]


def answer(message: Message, result: dict[str, Any], server: dict[str, str]) -> dict[str, Any]:
    """A successful answer, complete in the words of the message's era."""
    if message.is_modern:
        result = result | {"resultType": "complete", "_meta": {SERVER_KEY: server}}
    return {"jsonrpc": "2.0", "id": message.id, "result": result}


def failure(message: Message | None, refused: Refused) -> dict[str, Any]:
    error = {"code": refused.code, "message": refused.text}
    if refused.data is not None:
        error["data"] = refused.data
    return {"jsonrpc": "2.0", "id": message.id if message else None, "error": error}


def _unsupported(version: str) -> Refused:
    data = {"supported": [*HANDSHAKE_VERSIONS, *MODERN_VERSIONS], "requested": version[:100]}
    return Refused(UNSUPPORTED_VERSION, "Unsupported protocol version", data=data)


def _plain(value: str | None) -> str | None:
    """A header's value; what does not fit into a header comes as `=?base64?…?=`."""
    found = ENCODED.fullmatch(value or "")
    if not found:
        return value
    try:
        return base64.b64decode(found[1], validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
