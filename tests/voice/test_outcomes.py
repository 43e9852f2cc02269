"""The certainty table of engine 6, line by line."""

from __future__ import annotations

import json

import httpx
import pytest

from apps.core.http import Answer, NoAnswer, NotSent
from apps.voice.capabilities import Capabilities
from apps.voice.outcomes import of_answer, of_failure, retry_after

BASE = Capabilities()
FULL = Capabilities(kind="sandbox", features=frozenset({"certainty", "idempotency", "reference", "deadline"}))
LISTED = Capabilities(kind="worker", features=frozenset({"reference"}))


def answer(status: int, body: object, **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status, httpx.Headers(headers), content, False, 0.1)


@pytest.mark.parametrize(
    ("status", "body", "capabilities", "outcome"),
    [
        (200, {"call_id": "eng-1"}, BASE, "accepted"),
        (202, b"<html>", BASE, "accepted"),
        (400, {"error": "x"}, BASE, "refused"),
        (402, {"error": "x"}, BASE, "refused"),
        (429, {"type": "capacity", "rang": False}, FULL, "refused"),
        (409, {"type": "duplicate_reference", "call_id": "eng-1", "rang": True}, FULL, "duplicate"),
        (409, {"type": "in_progress", "rang": "unknown"}, FULL, "unknown"),
        (409, {"type": "in_progress"}, BASE, "unknown"),
        (409, {"type": "invalid_state"}, BASE, "refused"),
        (409, {"type": "invalid_state"}, FULL, "unknown"),  # the key was used before with another body
        (409, {"type": "invalid_state", "rang": True}, FULL, "accepted"),
        (500, {"error": "x"}, FULL, "unknown"),
        (503, {"error": "x", "rang": False}, FULL, "refused"),
        (503, {"error": "x", "rang": False}, LISTED, "unknown"),  # not announced, so not believed
        (503, {"error": "x", "rang": True}, FULL, "accepted"),
        (503, {"error": "x", "rang": "unknown"}, FULL, "unknown"),
        (400, {"error": "x", "rang": "maybe"}, FULL, "unknown"),
        (502, b"bad gateway", BASE, "unknown"),
        (302, b"", BASE, "unknown"),
    ],
)
def test_answers(status: int, body: object, capabilities: Capabilities, outcome: str) -> None:
    assert of_answer(answer(status, body), capabilities).outcome == outcome


def test_what_an_accepted_dial_tells() -> None:
    found = of_answer(answer(200, {"call_id": "eng-1", "control_url": "http://10.0.0.1:7001/c"}), FULL)
    assert (found.ref, found.control_url, found.error) == ("eng-1", "http://10.0.0.1:7001/c", "")


def test_what_a_refused_dial_tells() -> None:
    found = of_answer(
        answer(429, {"error": "No free line", "type": "capacity", "rang": False}, **{"retry-after": "3"}), FULL
    )
    assert (found.error, found.retry_after, found.details) == ("capacity", 3.0, ["No free line"])
    assert not found.engine_is_down


@pytest.mark.parametrize("ref", [None, 7, "", "x" * 256, {"a": 1}])
def test_an_unusable_id_is_no_id(ref: object) -> None:
    assert of_answer(answer(200, {"call_id": ref}), FULL).ref is None


def test_failures_are_certain_only_when_nothing_was_sent() -> None:
    assert of_failure(NotSent("refused")).outcome == "refused"
    assert of_failure(NotSent("refused")).engine_is_down
    assert of_failure(NoAnswer("timeout")).outcome == "unknown"
    assert of_failure(NoAnswer("broken", "", 400)).outcome == "unknown"
    assert of_failure(NoAnswer("broken", "", 200)).outcome == "unknown"
    assert not of_failure(NoAnswer("timeout")).engine_is_down


@pytest.mark.parametrize(
    ("header", "date", "seconds"),
    [
        ("7", "", 7), ("0", "", 0), ("99999", "", 3600), ("999999999999999999999", "", 3600), ("", "", None), ("-5", "", None),
        ("1.5", "", None), ("soon", "", None), ("\u0663", "", None),
        ("Mon, 05 Jan 2026 09:30:20 GMT", "Mon, 05 Jan 2026 09:30:00 GMT", 20),
        ("Mon, 05 Jan 2026 09:29:00 GMT", "Mon, 05 Jan 2026 09:30:00 GMT", 0),
        ("Mon, 05 Jan 2026 09:30:20 GMT", "nonsense", 0),
    ],
)  # fmt: skip
def test_retry_after_in_both_forms(header: str, date: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": header, "date": date}) == seconds
