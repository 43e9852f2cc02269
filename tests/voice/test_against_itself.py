"""The product against itself: another installation is the voice engine, reached over HTTP as a hosted account is."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.local.ports import free_port
from tests.voice.pair import Installation, seconds_until

# Minutes, on two whole installations: for `make proof-engines`.
pytestmark = [pytest.mark.proof, pytest.mark.stack, pytest.mark.timeout(400)]
LEADS = [f"+4479460{number:05d}" for number in range(6)] + ["+447700900001", "+447700900002", "+447700900003", "+447700900004"]
SYNC_SECONDS = 30


@pytest.fixture(scope="module")
def pair() -> Iterator[tuple[Installation, Installation]]:
    """Here and there: two installations, this one's organization connected to that one's."""
    with tempfile.TemporaryDirectory(prefix="sb-pair-") as name:
        Path(name).chmod(0o711)
        first = 28500 + os.getpid() % 1000
        there = Installation(Path(name) / "there", free_port(first))
        here = Installation(Path(name) / "here", free_port(first + 1500))
        try:
            there.begin("Upstream")
            here.begin("Northwind Voice")
            here.connect(there)
            yield here, there
        finally:
            for each in (here, there):
                each.close()
                print("\n".join(each.running.lines[-40:]))


def test_two_installations(pair: tuple[Installation, Installation]) -> None:
    here, there = pair
    figures = _mirror(here, there) | _campaign(here, there)
    for name, value in figures.items():
        print(f"{name}: {value}")


def _mirror(here: Installation, there: Installation) -> dict[str, Any]:
    assistant = here.call("POST", "/assistants", {"name": "Front desk", "first_message": "Good morning."})["assistant"]
    # The connection was made a moment ago: the engine is asked first what it can do.
    made = seconds_until(lambda: _names(there) == ["Front desk"], 2 * SYNC_SECONDS)
    here.call("PATCH", f"/assistants/{assistant['id']}", {"name": "Night desk", "voicemail_detection": True})
    edited = seconds_until(lambda: _names(there) == ["Night desk"], SYNC_SECONDS)
    trunk = here.call("POST", "/sip-trunks", {"name": "Trunk", "address": "sip.example.com", "auth_password": "p"})["trunk"]
    number = {"phone_number": "+31850000001", "assistant_id": assistant["id"], "transfer_trunk_id": trunk["id"]}
    here.call("POST", "/numbers", number)
    numbered = seconds_until(lambda: there.call("GET", "/numbers")["numbers"], SYNC_SECONDS)
    (copy,) = there.call("GET", "/numbers")["numbers"]
    assert (copy["phone_number"], copy["assistant_name"]) == ("+31850000001", "Night desk")
    assert copy["transfer_trunk_name"].startswith("Trunk (sb-")
    here.assistant = assistant["id"]  # type: ignore[attr-defined]
    return {"assistant there after": f"{made:.1f} s", "edit there after": f"{edited:.1f} s", "number there after": f"{numbered:.1f} s"}


def _campaign(here: Installation, there: Installation) -> dict[str, Any]:
    campaign = here.call("POST", "/campaigns", {
        "name": "Recall", "assistant_id": here.assistant, "system_message_template": "You call {{name}}.",  # type: ignore[attr-defined]
        "schedule_start_time": "00:00:00", "schedule_end_time": "23:59:59", "timezone": "UTC", "max_attempts": 1,
        "max_concurrent_calls": 5, "leads": [{"phone_number": each, "variables": {"name": "Sam"}} for each in LEADS],
    })["campaign"]  # fmt: skip
    here.call("PATCH", f"/campaigns/{campaign['id']}", {"status": "scheduled"})

    def leads() -> list[dict[str, Any]]:
        return list(here.call("GET", f"/campaigns/{campaign['id']}/leads")["leads"])

    over = seconds_until(lambda: all(each["status"] in ("completed", "failed") for each in leads()), 150)
    rings = there.rings()
    ours = here.call("GET", "/calls?limit=100")["calls"]
    talked = [each for each in ours if each["duration_seconds"]]
    seconds_until(lambda: all(here.call("GET", f"/calls/{each['id']}")["messages"] for each in talked), 30)
    theirs = there.call("GET", "/calls?limit=100")["calls"]
    assert sorted(ring["to"] for ring in rings) == sorted(LEADS), "each lead rang once"
    assert Counter(each["caller_phone"] for each in ours) == Counter(LEADS)
    assert Counter(each["caller_phone"] for each in theirs) == Counter(LEADS)
    assert {each["reference"] for each in theirs} == {each["id"] for each in ours}
    assert not here.rings(), "nothing rings here"
    by_reference = {each["reference"]: each for each in theirs}
    for each in ours:
        twin = by_reference[each["id"]]
        assert (each["status"], each["duration_seconds"]) == (twin["status"], twin["duration_seconds"]), (each, twin)
    usage = here.call("GET", "/usage?limit=100")
    charged = [log for log in usage["logs"] if log["duration_sec"]]
    assert len(charged) == len(talked) > 0
    return {
        "campaign over after": f"{over:.0f} s", "leads": len(LEADS), "rings there": len(rings), "calls here": len(ours),
        "with transcript": len(talked), "charged": len(charged),
    }  # fmt: skip


def _names(there: Installation) -> list[str]:
    return [each["name"] for each in there.call("GET", "/assistants")["assistants"]]
