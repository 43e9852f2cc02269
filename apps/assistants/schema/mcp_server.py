"""Rules for an MCP server (api 8.16)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx
from django.utils.translation import gettext as _

from apps.assistants.schema import values
from apps.assistants.schema.fields import Field, read_fields, text, whole_number
from apps.assistants.schema.report import Cleaned, Context, Report

TRANSPORTS = ("streamable_http", "sse")
HEADERS_LIMIT, HEADER_NAME_LIMIT, HEADER_VALUE_LIMIT = 10, 100, 4096
TIMEOUT = (5, 60)

_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*")
# What belongs to the connection or to the protocol, not to the customer.
_TAKEN = frozenset(
    {
        "accept", "accept-encoding", "connection", "content-encoding", "content-length", "content-type", "expect", "host",
        "keep-alive", "last-event-id", "mcp-protocol-version", "mcp-session-id", "te", "trailer", "transfer-encoding",
        "upgrade",
    }
)  # fmt: skip


def clean_mcp_server(
    data: Any, *, context: Context, partial: bool = False, stored: Mapping[str, Any] | None = None
) -> Cleaned:
    """Judges the body of POST (`partial=False`) or PATCH (`partial=True`) /mcp-servers.

    Args:
        context: judges where the address leads.
        stored: the present `url`, for PATCH: with another host new headers must come along.

    Returns:
        Cleaned: for POST every field; `url` is normalised.
    """
    report = Report(context, stored)
    data = data if isinstance(data, dict) else {}
    gaps = [] if partial else [name for name in ("name", "url") if data.get(name) in (None, "")]
    for name in gaps:
        report.missing(name)
    found = read_fields(report, {key: value for key, value in data.items() if key not in gaps}, FIELDS)
    if not partial:
        found = {field.name: found.get(field.name, field.default) for field in FIELDS}
    if partial and "url" in found and "headers" not in data and not same_host(found["url"], report.stored["url"]):
        report.refuse(
            "headers", _("another host needs its headers in the same call; send {} for none"), "missing_field"
        )
    return report.cleaned(found)


def clean_headers(data: Any, *, context: Context) -> Cleaned:
    """Judges headers that are sent for one test only."""
    report = Report(context)
    read_headers(report, "headers", data)
    return report.cleaned({"headers": data})


def merged(headers: Mapping[str, str], more: Mapping[str, str]) -> dict[str, str]:
    """`more` wins, whatever the case of a name."""
    taken = {name.lower() for name in more}
    return {name: value for name, value in headers.items() if name.lower() not in taken} | dict(more)


def same_host(one: str, other: str) -> bool:
    """Whether two addresses lead to one host; one that cannot be read leads nowhere."""
    try:
        return httpx.URL(one).host.rstrip(".") == httpx.URL(other).host.rstrip(".")
    except (httpx.InvalidURL, ValueError):
        return False


def read_server_url(report: Report, path: str, value: Any) -> Any:
    """An https address on the internet, normalised: scheme and host small, no default port, no fragment."""
    before = len(report.problems)
    values.read_url(report, path, value)
    if len(report.problems) > before:
        return value
    url = httpx.URL(value)
    if url.scheme != "https":
        report.refuse(path, _("must start with https://"))
        return value
    return str(url.copy_with(fragment=None))


def read_headers(report: Report, path: str, value: Any) -> Any:
    if not values.is_object(report, path, value):
        return value
    if len(value) > HEADERS_LIMIT:
        report.refuse(path, _("must have at most %(limit)s entries") % {"limit": HEADERS_LIMIT})
    if len({name.lower() for name in value}) < len(value):
        report.refuse(path, _("names a header more than once"))
    for name, content in value.items():
        where = f"{path}.{values.short(name)}"
        if len(name) > HEADER_NAME_LIMIT or not _HEADER_NAME.fullmatch(name):
            report.refuse(where, _("is not the name of a header"))
        elif name.lower() in _TAKEN:
            report.refuse(where, _("is set by the connection itself"))
        elif not isinstance(content, str):
            report.refuse(where, _("must be text"))
        elif len(content) > HEADER_VALUE_LIMIT:
            report.refuse(where, _("must have at most %(limit)s characters") % {"limit": HEADER_VALUE_LIMIT})
        elif not _HEADER_VALUE.fullmatch(content) or content != content.strip():
            report.refuse(where, _("must be plain ASCII on one line, without spaces around it"))
    return value


def _read_transport(report: Report, path: str, value: Any) -> Any:
    return values.read_choice(report, path, value, TRANSPORTS)


FIELDS = (
    Field("name", text(values.NAME_LIMIT, 1), nullable=False, required=True),
    Field("url", read_server_url, nullable=False, required=True),
    Field("transport", _read_transport, nullable=False, default=TRANSPORTS[0]),
    Field("headers", read_headers, nullable=False, default={}),
    Field("timeout_seconds", whole_number(*TIMEOUT), nullable=False, default=20),
)
