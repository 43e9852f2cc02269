"""Speaking MCP to a real server, and to ones that misbehave."""

import dataclasses
import time

import pytest
from django.db import transaction

from apps.assistants.mcp_client import LONGEST_TEST, Target, list_tools
from apps.core.http import OutsideInTransaction
from tests.core.canary import answer, listening
from tests.mcp_server import KEY, serving, trusting

TOOLS = [("find_slot", "Finds a free slot.", ["day"]), ("book", "", ["day"])]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("mcp")) as running, trusting(running):
        yield running


def target(server, path="/mcp", **fields):
    return dataclasses.replace(Target(server.url(path), "streamable_http", {}, 5), **fields)


def listed(outcome):
    assert outcome.error is None
    return [(t["name"], t["description"] or "", t["input_schema"].get("required", [])) for t in outcome.tools]


def test_tools_are_listed_over_streamable_http(server):
    outcome = list_tools(target(server))
    assert listed(outcome) == TOOLS
    assert outcome.tools[0]["input_schema"]["properties"]["day"]["type"] == "string"
    assert 0 < outcome.duration_ms < 5000


def test_tools_are_listed_over_server_sent_events(server):
    assert listed(list_tools(target(server, "/sse", transport="sse"))) == TOOLS


@pytest.mark.parametrize(("path", "transport"), [("/mcp", "streamable_http"), ("/sse", "sse")])
def test_headers_go_with_every_request(server, path, transport):
    server.seen.clear()
    list_tools(target(server, path, transport=transport, headers={"X-Api-Key": KEY, "Accept-Encoding": "gzip"}))
    assert len(server.seen) >= 2
    assert {headers.get("x-api-key") for _method, _path, headers in server.seen} == {KEY}
    assert {headers.get("accept-encoding") for _method, _path, headers in server.seen} == {"identity"}


def test_a_refused_sign_in_says_so(server):
    assert "refused the sign-in (HTTP 401)" in list_tools(target(server, "/secret")).error
    assert listed(list_tools(target(server, "/secret", headers={"x-api-key": KEY}))) == TOOLS


WRONG = [
    ("/missing", "streamable_http", "HTTP 404"),
    ("/failing", "streamable_http", "HTTP 500"),
    ("/html", "streamable_http", "The server"),
    ("/bomb", "streamable_http", "The server"),
    ("/flood", "streamable_http", "sends more than is read"),
    ("/missing", "sse", "HTTP 404"),
    ("/html", "sse", "The server"),
    ("/mcp", "sse", "The server"),
]


@pytest.mark.parametrize(("path", "transport", "text"), WRONG)
def test_what_the_server_does_wrong_is_told(server, path, transport, text):
    outcome = list_tools(target(server, path, transport=transport))
    assert (outcome.ok, outcome.tools) == (False, None)
    assert text in outcome.error
    assert len(outcome.error) < 400


@pytest.mark.parametrize(("path", "transport"), [("/silent", "streamable_http"), ("/drip", "streamable_http"), ("/silent", "sse"), ("/drip", "sse")])  # fmt: skip
def test_time_is_bounded_whatever_the_server_does(server, path, transport):
    began = time.monotonic()
    outcome = list_tools(target(server, path, transport=transport, timeout_seconds=1))
    assert time.monotonic() - began < 4
    assert outcome.error == "The server did not answer within 1 seconds."


def test_a_patient_server_gets_no_more_than_the_longest_test():
    assert LONGEST_TEST < 30


@pytest.mark.parametrize("transport", ["streamable_http", "sse"])
def test_redirects_to_elsewhere_are_not_followed(server, transport):
    with listening(answer(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")) as canary:
        server.elsewhere = canary.url("/inside")
        outcome = list_tools(target(server, "/redirect", transport=transport))
    assert "redirects elsewhere (HTTP 307)" in outcome.error
    assert canary.received == []


def test_a_redirect_within_the_origin_is_followed(server):
    assert listed(list_tools(target(server, "/within"))) == TOOLS


@pytest.mark.parametrize("transport", ["streamable_http", "sse"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "[::ffff:127.0.0.1]"])
def test_a_private_address_gets_not_one_byte(server, settings, host, transport):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    server.seen.clear()
    url = f"https://{host}:{server.port}/mcp"
    outcome = list_tools(target(server, url=url, transport=transport))
    assert "private network" in outcome.error
    assert server.seen == []


def test_a_name_that_turned_private_is_refused_at_connect_time(server, settings, monkeypatch):
    settings.WEBHOOK_ALLOWED_NETWORKS = []
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: [(2, 1, 6, "", ("127.0.0.1", 0))])
    server.seen.clear()
    outcome = list_tools(target(server, url=f"https://rebind.example.com:{server.port}/mcp"))
    assert "private network" in outcome.error
    assert server.seen == []


def test_a_certificate_for_another_name_is_refused(server, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *a, **k: [(2, 1, 6, "", ("127.0.0.1", 0))])
    server.seen.clear()
    outcome = list_tools(target(server, url=f"https://wrong.example.com:{server.port}/mcp"))
    assert "could not be reached" in outcome.error
    assert "certificate" in outcome.error
    assert server.seen == []


def test_nobody_there_is_told(server):
    assert "could not be reached" in list_tools(target(server, url="https://127.0.0.1:1999/mcp")).error


def test_secrets_stay_out_of_texts(server):
    with_key = target(server, "/failing", headers={"Authorization": "Bearer s3cret"})
    assert "s3cret" not in repr(with_key)
    assert "s3cret" not in list_tools(with_key).error


@pytest.mark.django_db(transaction=True, databases=["default", "owner"])
def test_nothing_is_sent_inside_a_transaction(server):
    server.seen.clear()
    with transaction.atomic(), pytest.raises(OutsideInTransaction):
        list_tools(target(server))
    assert server.seen == []
