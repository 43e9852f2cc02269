"""What a mirror reads and writes at an engine of the base wire."""

from __future__ import annotations

import pytest

from apps.core.errors import Invalid
from apps.voice.client import EngineTrouble
from tests.cases import TenantCase
from tests.receivers import Receiver, Reply
from tests.voice.test_client import engine_at


class ObjectsTest(TenantCase):
    def test_a_list_by_its_name(self) -> None:
        with Receiver(Reply(body={"trunks": [{"id": "t-1"}, 7, {"id": "t-2"}], "sip_trunks": []})) as server:
            assert engine_at(server.url).objects("/sip-trunks", "trunks") == [{"id": "t-1"}, {"id": "t-2"}]
        assert [(each.method, each.path) for each in server.received] == [("GET", "/sip-trunks")]

    def test_what_is_no_list_is_trouble(self) -> None:
        for body in (b"<html>", b"{}", b'{"trunks":null}', b"[" * 5000):
            with Receiver(Reply(body=body)) as server, pytest.raises(EngineTrouble) as caught:
                engine_at(server.url).objects("/sip-trunks", "trunks")
            assert caught.value.reason == "unreadable"

    def test_create_change_and_remove(self) -> None:
        with Receiver(Reply(201, {"assistant": {"id": "a-1", "name": "Robin"}})) as server:
            engine = engine_at(server.url + "/api/v1/")
            assert engine.create("/assistants", {"name": "Robin"}, key="k-1") == {"id": "a-1", "name": "Robin"}
            assert engine.change("/assistants/a-1", {"name": "Ron"}) == {"id": "a-1", "name": "Robin"}
            assert engine.remove("/assistants/a-1") is True
            assert engine.remove("/byok", {"provider": "openai"}) is True
        sent = [(each.method, each.path, each.body) for each in server.received]
        assert sent == [
            ("POST", "/api/v1/assistants", b'{"name":"Robin"}'),
            ("PATCH", "/api/v1/assistants/a-1", b'{"name":"Ron"}'),
            ("DELETE", "/api/v1/assistants/a-1", b""),
            ("DELETE", "/api/v1/byok", b'{"provider":"openai"}'),
        ]
        assert server.received[0].headers["idempotency-key"] == "k-1"

    def test_what_is_not_wrapped(self) -> None:
        made = {"id": "o-1", "name": "Bakker", "settings": {"id": "s-1"}}
        with Receiver(Reply(201, made)) as server:
            assert engine_at(server.url).create("/organizations", {"name": "Bakker"}, key="k") == made

    def test_what_is_not_there(self) -> None:
        with Receiver(Reply(404, {"error": "Not found"})) as server:
            engine = engine_at(server.url)
            assert engine.change("/assistants/a-1", {}) is None
            assert engine.remove("/assistants/a-1") is False
            with pytest.raises(EngineTrouble) as caught:
                engine.create("/numbers", {}, key="k")
        assert (caught.value.reason, caught.value.said) == ("http_404", ["Not found"])

    def test_a_refusal_keeps_the_engines_words(self) -> None:
        said = {
            "error": "Validation failed",
            "details": ["name: too long", "x: y"],
            "type": "invalid_value",
            "param": "name",
        }
        for status in (400, 409, 413, 422):
            with Receiver(Reply(status, said)) as server:
                engine = engine_at(server.url)
                for write in (
                    lambda e=engine: e.create("/assistants", {}, key="k"),
                    lambda e=engine: e.change("/assistants/a", {}),
                    lambda e=engine: e.remove("/assistants/a"),
                ):
                    with pytest.raises(Invalid) as caught:
                        write()
                    found = caught.value
                    assert (found.text, found.details, found.type, found.param) == (
                        "name: too long", ["name: too long", "x: y"], "invalid_value", "name",
                    )  # fmt: skip

    def test_a_key_or_a_server_that_fails_is_trouble(self) -> None:
        for status in (302, 401, 402, 403, 500, 503):
            with Receiver(Reply(status, {"error": "No"})) as server, pytest.raises(EngineTrouble) as caught:
                engine_at(server.url).create("/assistants", {}, key="k")
            assert (caught.value.reason, caught.value.status) == (f"http_{status}", 503)

    def test_whose_key_it_is(self) -> None:
        account = {"id": "o-1", "name": "Bakker"}
        with Receiver(lambda got: Reply(404) if got.path == "/organizations" else Reply(body=account)) as server:
            assert engine_at(server.url).organization() == account
        assert [each.path for each in server.received] == ["/organizations", "/account"]
        with Receiver(Reply(404)) as server, pytest.raises(EngineTrouble) as caught:
            engine_at(server.url).organization()
        assert caught.value.reason == "http_404"

    def test_an_answer_without_end_is_not_read(self) -> None:
        with (
            Receiver(Reply(body=b'{"assistants":[' + b" " * (10 * 2**20))) as server,
            pytest.raises(EngineTrouble) as caught,
        ):
            engine_at(server.url).objects("/assistants", "assistants")
        assert caught.value.reason == "too_long"
