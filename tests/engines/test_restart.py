"""What outlives the process: ring log, keys, references, receiver and undelivered final events."""

import subprocess
import sys
import time
from pathlib import Path

from tests.engines.stage import FINAL, KEY, ROOT, Sandbox, playing


def test_killed_in_the_middle_of_calls(tmp_path: Path) -> None:
    with playing(tmp_path, clock=1) as (sandbox, receiver):
        first = sandbox.dial(key="k-1", reference="r-1").json()
        sandbox.dial("+447700900002", reference="r-2")
        before = sandbox.client.get("/engine").json()["instance"]
        receiver.wait(first["call_id"], "call-progress")
        sandbox.kill()
        with (sandbox.data / "rings.jsonl").open("ab") as file:
            file.write(b'{"ring": {"call')
        sandbox.start()
        assert sandbox.client.get("/engine").json()["instance"] != before
        rings = sandbox.rings()
        assert [(ring["reference"], ring["seconds"]) for ring in rings] == [("r-1", 0), ("r-2", 0)]
        assert sandbox.client.get("/calls").json()["calls"] == []
        assert sandbox.client.get(f"/calls/{first['call_id']}").status_code == 404
        # The same dial again: replayed by its key, refused by its reference, never rung twice.
        again = sandbox.dial(key="k-1", reference="r-1")
        assert (again.json(), again.headers["idempotent-replayed"]) == (first, "true")
        assert sandbox.dial(reference="r-1").json()["call_id"] == first["call_id"]
        (found,) = sandbox.client.get("/calls", params={"reference": "r-1"}).json()["calls"]
        assert (found["id"], found["status"], found["error"]) == (
            first["call_id"],
            "ended-with-error",
            "Lost by the engine",
        )
        assert len(sandbox.rings()) == 2
        # The receiver is known without being told again.
        call_id = sandbox.called("+447700900003", ring_seconds=1)
        assert receiver.ended(call_id)["end_reason"] == "no_answer"


def test_killed_process_leaves_no_other_behind(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "data")
    children = subprocess.run(["pgrep", "-P", str(sandbox.process.pid)], capture_output=True, check=False).stdout
    assert children == b""
    sandbox.kill()
    sandbox.stop()


def test_undelivered_report_is_sent_after_a_restart(tmp_path: Path) -> None:
    with playing(tmp_path) as (sandbox, receiver):
        receiver.answers[FINAL] = lambda message: (503, {})
        call_id = sandbox.called()
        receiver.ended(call_id)
        receiver.wait_for(lambda: list((sandbox.data / "undelivered").glob("*.json")), "a kept report")
        sandbox.kill()
        receiver.answers.clear()
        sandbox.start()
        report = receiver.wait(call_id, FINAL)
        assert report["duration_seconds"] > 0
        receiver.wait_for(lambda: not list((sandbox.data / "undelivered").glob("*.json")), "an empty folder")


def test_term_ends_running_calls_and_tells_so(tmp_path: Path) -> None:
    with playing(tmp_path, clock=1) as (sandbox, receiver):
        call_id = sandbox.called()
        receiver.wait(call_id, "call-progress")
        began = time.monotonic()
        sandbox.process.terminate()
        assert sandbox.process.wait(5) == 0
        assert time.monotonic() - began < 3
        final = receiver.ended(call_id)
        assert (final["end_reason"], final["error"]) == ("error", "The engine was stopped")


def test_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "data")
    command = [
        sys.executable,
        "-m",
        "engines.sandbox",
        "--port",
        str(sandbox.port),
        "--key",
        KEY,
        "--data",
        str(tmp_path),
    ]
    second = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
    assert second.returncode == 1
    assert second.stderr == f"The sandbox cannot use 127.0.0.1:{sandbox.port}: Address already in use.\n"
    sandbox.stop()


def test_without_key_or_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "engines.sandbox", "--port", "20001", "--data"]
    (tmp_path / "file").write_text("")
    for rest, text in (([str(tmp_path)], "needs a key"), ([str(tmp_path / "file"), "--key", "x"], "cannot work in")):
        done = subprocess.run(command + rest, cwd=ROOT, capture_output=True, text=True, timeout=10, check=False)
        assert done.returncode == 1
        assert text in done.stderr
        assert done.stderr.count("\n") == 1
