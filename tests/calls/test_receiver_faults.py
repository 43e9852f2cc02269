"""Every fault of an engine, or of somebody who poses as one, at the receiver of real web processes (webhooks 12)."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from apps.calls.services.incoming import MARK
from apps.core import db
from tests import factories
from tests.calls.receiver_line import Effect, Line, body_of
from tests.calls.support import SECRET, event, make_connection, running_call, scope_of, talk
from tests.cases import CommittedCase
from tests.web import Web

NOTHING, ANSWERED = Effect(), Effect("in-progress", 0, 1, 1)
LIMIT = 4 * 2**20
URL = "http://127.0.0.1:9/hook"


@dataclass(frozen=True)
class Row:
    """What is sent, which codes come back, and what it may do. `base`: the engine speaks the base wire only."""

    fault: str
    codes: int | list[int]
    effect: Effect
    play: Callable[[Any], int | list[int]]
    base: bool = False


def off_by_one(signature: str) -> str:
    return signature[:-1] + ("0" if signature[-1] != "0" else "1")


def bare(signature: str) -> str:
    return signature.removeprefix("sha256=")


SIGNATURES = [
    Row("none: everything as it should be", 200, ANSWERED, lambda line: line.send()),
    Row("signature missing", 401, NOTHING, lambda line: line.send(signature=lambda _right: None)),
    Row("signature empty", 401, NOTHING, lambda line: line.send(signature=lambda _right: "")),
    Row("signature off by one digit", 401, NOTHING, lambda line: line.send(signature=off_by_one)),
    Row("signature cut by one digit", 401, NOTHING, lambda line: line.send(signature=lambda right: right[:-1])),
    Row("signature in upper-case hex", 401, NOTHING, lambda line: line.send(signature=lambda right: "sha256=" + bare(right).upper())),
    Row("signature without its prefix", 200, ANSWERED, lambda line: line.send(signature=bare)),
    Row("signature not ASCII", 401, NOTHING, lambda line: line.send(signature=lambda _right: "sha256=é")),
    Row("signature of another body", 401, NOTHING, lambda line: line.send(body_of(line.status_update()) + b" ", signature=lambda _right: line.headers(body_of(line.status_update()))["X-Webhook-Signature"])),
    Row("signature of another timestamp", 401, NOTHING, lambda line: line.send(extra={"X-Webhook-Timestamp": "1767225600"})),
    Row("signature with another connection's secret", 401, NOTHING, lambda line: line.send(secret=line.stranger.hook_secret)),
    Row("signature with an empty secret", 401, NOTHING, lambda line: line.send(secret="")),
    Row("old secret while it is replaced", 200, ANSWERED, lambda line: line.send(secret=line.rotated(1))),
    Row("new secret while it is replaced", 200, ANSWERED, lambda line: line.rotated(1) and line.send(secret=line.connection.hook_secret)),
    Row("old secret after it was replaced", 401, NOTHING, lambda line: line.send(secret=line.rotated(2))),
]  # fmt: skip
TIMES = [
    Row("timestamp 301 s old", 401, NOTHING, lambda line: line.off(-301)),
    Row("timestamp 299 s old", 200, ANSWERED, lambda line: line.off(-299)),
    Row("timestamp 299 s ahead", 200, ANSWERED, lambda line: line.off(299)),
    Row("timestamp 301 s ahead", 401, NOTHING, lambda line: line.off(301)),
    Row("timestamp missing", 401, NOTHING, lambda line: line.send(stamp=None)),
    Row("timestamp not a number", 401, NOTHING, lambda line: line.send(stamp="today")),
    Row("timestamp with a fraction", 401, NOTHING, lambda line: line.send(stamp=f"{db.now().timestamp():.1f}")),
    Row("timestamp negative", 401, NOTHING, lambda line: line.send(stamp="-1767225600")),
    Row("timestamp of thirty digits", 401, NOTHING, lambda line: line.send(stamp="1" * 30)),
    Row("timestamp in digits that are no ASCII", 401, NOTHING, lambda line: line.send(stamp="²³")),
]
WHOM = [
    Row("unknown hook id", 404, NOTHING, lambda line: setattr(line, "hook", "unknown") or line.send()),
    Row("hook id with a NUL", 404, NOTHING, lambda line: setattr(line, "hook", "a%00b") or line.send()),
    Row("call of an engine that was replaced", 200, ANSWERED, lambda line: line.switched_off() or line.send()),
    Row("incoming call of an engine that was replaced", 200, Effect(stored=1), lambda line: line.switched_off() or line.send(line.rings_in())),
    Row("GET instead of POST", 405, NOTHING, lambda line: line.web.send("GET", f"/hooks/engine/{line.connection.hook_id}").status),
    Row("unknown event type", 200, NOTHING, lambda line: line.send({**line.status_update(), "type": "weather-report"})),
    Row("unknown call id", 200, Effect(stored=1), lambda line: line.send(event("status-update", call={"id": "eng-unknown", "type": "outbound_phone_call", "status": "ended"}))),
    Row("no call at all", 200, Effect(stored=1), lambda line: line.send({"type": "status-update"})),
    Row("call of another tenant, by our id", 200, Effect(stored=1), lambda line: line.send(connection=line.stranger)),
    Row("call of another tenant, by metadata", 200, Effect(stored=1), lambda line: line.send(event("status-update", assistant={"metadata": {MARK: line.call.public_id}}), connection=line.stranger)),
    Row("number of another tenant", 200, Effect(stored=1), lambda line: line.send(line.rings_in(), connection=line.stranger)),
    Row("call of the installation's engine, told by the agency's", 200, Effect(stored=1), lambda line: line.send(line.status_update("ended"), connection=line.agencys)),
    Row("call of one engine, told by the other of the same client", 200, Effect(stored=1), lambda line: line.send(line.status_update("ended"), connection=line.own)),
    Row("number of a client, told by its agency's engine", 200, Effect(stored=1, calls=1), lambda line: line.send(line.rings_in(), connection=line.agencys)),
]  # fmt: skip
BODIES = [
    Row("no body", 400, NOTHING, lambda line: line.send(b"")),
    Row("no JSON", 400, NOTHING, lambda line: line.send(b"{broken")),
    Row("a JSON list", 400, NOTHING, lambda line: line.send(b"[]")),
    Row("a JSON number", 400, NOTHING, lambda line: line.send(b"7")),
    Row("an object without a message", 400, NOTHING, lambda line: line.send(b"{}")),
    Row("a message that is null", 400, NOTHING, lambda line: line.send(body_of(None))),
    Row("a message whose type is a number", 400, NOTHING, lambda line: line.send(body_of({"type": 7}))),
    Row("a NUL byte", 400, NOTHING, lambda line: line.with_text(b"\x00")),
    Row("an escaped NUL", 200, ANSWERED, lambda line: line.with_text(b"\\u0000")),
    Row("half of a surrogate pair, escaped", 200, ANSWERED, lambda line: line.with_text(b"\\ud83d")),
    Row("half of a surrogate pair, in bytes", 400, NOTHING, lambda line: line.with_text(b"\xed\xa0\xbd")),
    Row("Latin-1", 400, NOTHING, lambda line: line.with_text(b"caf\xe9")),
    Row("UTF-16", 400, NOTHING, lambda line: line.send(json.dumps({"message": line.status_update()}).encode("utf-16"))),
    Row("a byte order mark before UTF-8", 200, ANSWERED, lambda line: line.send(b"\xef\xbb\xbf" + body_of(line.status_update()))),
    Row("NaN", 400, NOTHING, lambda line: line.with_value(b"NaN")),
    Row("Infinity", 400, NOTHING, lambda line: line.with_value(b"-Infinity")),
    Row("1e400", 200, ANSWERED, lambda line: line.with_value(b"1e400")),
    Row("a whole number of 5000 digits", 400, NOTHING, lambda line: line.with_value(b"9" * 5000)),
    Row("nested 100,000 deep", 400, NOTHING, lambda line: line.with_value(b"[" * 100_000 + b"]" * 100_000)),
    Row("compressed", 400, NOTHING, lambda line: line.send(gzip.compress(body_of(line.status_update())), extra={"Content-Encoding": "gzip"})),
    Row("another content type", 200, ANSWERED, lambda line: line.send(extra={"Content-Type": "text/plain"})),
    Row("4 MiB", 200, ANSWERED, lambda line: line.filled(LIMIT)),
    Row("one byte more than 4 MiB", 413, NOTHING, lambda line: line.filled(LIMIT + 1)),
    Row("10 MB", 413, NOTHING, lambda line: line.filled(10_000_000)),
    Row("10 MB, chunked", 413, NOTHING, lambda line: line.filled(10_000_000, chunked=True)),
    Row("chunked", 200, ANSWERED, lambda line: line.send(chunked=True)),
    Row("a body longer than it was announced", 401, NOTHING, lambda line: line.announced(100, body_of(line.status_update()))),
    Row("10 GB announced, a small body, then nobody there", 0, NOTHING, lambda line: line.announced(10**10, body_of(line.status_update()), leaves=True)),
]  # fmt: skip
FIELDS = [
    Row("call is a list", 200, Effect(stored=1), lambda line: line.send({"type": "status-update", "call": [line.call.ref]})),
    Row("status is a list", 200, Effect(stored=1), lambda line: line.send(line.status_update(call={"id": line.call.ref, "status": ["ended"]}))),
    Row("status nobody knows", 200, Effect(stored=1), lambda line: line.send(line.status_update("paused"))),
    Row("engine is text", 200, ANSWERED, lambda line: line.send({**line.status_update(), "engine": "sandbox"})),
    Row("engine is text, incoming call", 200, Effect(stored=1, calls=1), lambda line: line.send({**line.rings_in(), "engine": "sandbox"})),
    Row("timestamp of the event missing", 200, ANSWERED, lambda line: line.send({**line.status_update(), "timestamp": None})),
    Row("timestamp of the event in the year 0001", 200, ANSWERED, lambda line: line.send(line.status_update(at="0001-01-01T00:00:00+14:00"))),
    Row("number of the event is 10^30", 200, ANSWERED, lambda line: line.send(line.status_update(seq=10**30))),
    Row("reason and error are objects", 200, Effect("ended", 0, 1, 1), lambda line: line.send(line.status_update("ended", end_reason={}, error=[1]))),
    Row("report whose duration is text", 200, Effect("ended", 1, 3, 1), lambda line: line.send(line.report(duration_seconds="84"))),
    Row("report whose duration is negative", 200, Effect("ended", 1, 3, 1), lambda line: line.send(line.report(duration_seconds=-84))),
    Row("report that ends before it starts, without duration", 200, Effect("ended", 0, 3, 1), lambda line: line.send(line.report(duration_seconds=None, ended_at="2026-01-05T09:00:00.000Z"))),
    Row("report whose summary, messages and analysis are of the wrong type", 200, Effect("ended", 1, 3, 1), lambda line: line.send(line.report(summary=7, messages={"role": "user"}, analysis=[1]))),
    Row("report whose recording is a file of ours", 200, Effect("ended", 1, 3, 1), lambda line: line.send(line.report(recording_url="file:///etc/passwd"))),
]  # fmt: skip
REPEATS = [
    Row("twice under one X-Webhook-Id", [200, 200], ANSWERED, lambda line: [line.send(webhook_id="e-1"), line.send(webhook_id="e-1")]),
    Row("one X-Webhook-Id for two events: the first counts", [200, 200], ANSWERED, lambda line: [line.send(webhook_id="e-2"), line.send(line.status_update("ended"), webhook_id="e-2")]),
    Row("twice without an id", [200, 200], ANSWERED, lambda line: [line.send(), line.send()]),
    Row("twice under two ids of an engine that promises one", [200, 200], Effect("in-progress", 0, 1, 2), lambda line: [line.send(webhook_id="e-3"), line.send(webhook_id="e-4")]),
    Row("twice under two ids of an engine that promises nothing", [200, 200], ANSWERED, lambda line: [line.send(webhook_id="e-5"), line.send(webhook_id="e-6")], base=True),
    Row("twice, the second without its time", [200, 200], Effect("in-progress", 0, 1, 2), lambda line: [line.send(), line.send({**line.status_update(), "timestamp": None})]),
    Row("report three times, with three ids", [200] * 3, Effect("ended", 1, 3, 3), lambda line: [line.send(line.report(), webhook_id=f"r-{each}") for each in range(3)]),
    Row("status-update eight times at once, two processes", [200] * 8, ANSWERED, lambda line: line.at_once(None, webhook_id="e-7")),
    Row("report eight times at once, without an id", [200] * 8, Effect("ended", 1, 3, 1), lambda line: line.at_once(line.report())),
    Row("incoming call told eight times at once", [200] * 8, Effect(stored=1, calls=1), lambda line: line.at_once(line.rings_in())),
]  # fmt: skip
ORDER = [
    Row("report before the status-updates", [200] * 3, Effect("ended", 1, 3, 3), lambda line: line.play("report", "in-progress", "ended")),
    Row("end before the answer", [200] * 3, Effect("ended", 1, 3, 3), lambda line: line.play("ended", "in-progress", "report")),
    Row("status-update ended after the report", [200] * 3, Effect("ended", 1, 3, 3), lambda line: line.play("in-progress", "report", "ended")),
    Row("in-progress never comes", [200] * 2, Effect("ended", 1, 3, 2), lambda line: line.play("ended", "report")),
    Row("only the report comes", [200], Effect("ended", 1, 3, 1), lambda line: line.play("report")),
    Row("in-progress after the end", [200] * 4, Effect("ended", 1, 3, 4), lambda line: line.play("in-progress", "ended", "report", "late in-progress")),
    Row("ringing after the end", [200] * 4, Effect("ended", 1, 3, 4), lambda line: line.play("in-progress", "ended", "report", "ringing")),
    Row("another end after the end", [200] * 4, Effect("ended", 1, 3, 4), lambda line: line.play("in-progress", "ended", "report", "ended-with-error")),
    Row("a turn of the talk after the report", [200] * 4, Effect("ended", 1, 3, 4), lambda line: line.play("in-progress", "ended", "report", "transcript")),
]  # fmt: skip
TABLE = [*SIGNATURES, *TIMES, *WHOM, *BODIES, *FIELDS, *REPEATS, *ORDER]


class Fault(Line):
    """A line with the neighbours of its call: a stranger's engine, the agency's, and another of the client's own."""

    stranger: Any
    agencys: Any
    own: Any

    def rings_in(self) -> dict[str, Any]:
        """An incoming call of the same number, of which nobody asked us."""
        call = {"id": f"in-{self.call.public_id}", "type": "inbound_phone_call", "status": "in-progress"}
        number = {"number": self.call.own_number}
        return event("status-update", call=call, phone_number=number, customer={"number": "+31600000001"})

    def report(self, **fields: Any) -> dict[str, Any]:
        return {**talk(self.call, numbered=False)[-1], **fields}

    def rotated(self, times: int) -> str:
        for number in range(times):
            with scope_of(self.organization):
                self.connection.change(db.now(), hook_secret_before=self.connection.hook_secret, hook_secret=f"new-{number}")
        return SECRET

    def switched_off(self) -> None:
        with scope_of(self.organization):
            self.connection.change(db.now(), is_active=False)

    def with_text(self, text: bytes) -> int:
        return self.send(body_of(self.status_update(note="HERE")).replace(b"HERE", text))

    def with_value(self, value: bytes) -> int:
        return self.send(body_of(self.status_update(note="HERE")).replace(b'"HERE"', value))

    def filled(self, size: int, **options: Any) -> int:
        body = body_of(self.status_update())
        return self.send(body + b" " * (size - len(body)), **options)

    def play(self, *names: str) -> list[int]:
        return [self.send(self._named(name)) for name in names]

    def _named(self, name: str) -> dict[str, Any]:
        if name == "report":
            return self.report()
        if name == "transcript":
            return event("transcript", self.call, at="2026-01-05T09:40:00.000Z", status="ended", turn=9, role="user", text="Late.", final=True)
        late = {"ended": "09:31:29", "late in-progress": "09:40:00", "ringing": "09:40:01", "ended-with-error": "09:40:02"}
        fields = {"end_reason": "user_hangup"} if name == "ended" else {}
        return self.status_update(name.removeprefix("late "), at=f"2026-01-05T{late.get(name, '09:30:05')}.000Z", **fields)


class ReceiverFaultsTest(CommittedCase):
    @pytest.mark.timeout(400)
    def test_each_fault_has_its_code_and_its_effect(self) -> None:
        factories.add_credits(self.agency, 1000)
        assistant = factories.make_assistant(self.client_org, webhook_url=URL, webhook_secret="s3cret")
        number = factories.make_number(self.client_org, transfer_trunk=factories.make_trunk(self.client_org))
        neighbours = {"stranger": make_connection(self.stranger, hook_secret="whsec_stranger"), "agencys": make_connection(self.agency), "own": make_connection(self.client_org)}
        with Web(HOOK_DOOR_SECONDS="0") as web:
            for row in TABLE:
                connection = make_connection()
                with scope_of(self.client_org):
                    call = running_call(self.client_org, connection, assistant=assistant, number=number, simulated=False)
                    if row.base:
                        connection.change(db.now(), engine={})
                line = Fault(web, connection, call, self.client_org)
                line.__dict__.update(neighbours)
                with self.subTest(row.fault):
                    codes, effect = row.play(line), line.effect()
                    print(f"\nfault: {row.fault} | {row.codes}; {row.effect} | {codes}; {effect}", end="")
                    self.assertEqual((codes, str(effect)), (row.codes, str(row.effect)))
                with scope_of(self.client_org):
                    connection.change(db.now(), is_active=False)
        print(f"\nreceiver: {len(TABLE) - 1} faults, each with its code and its effect", flush=True)
