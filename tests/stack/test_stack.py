"""`make run` on this machine: what it starts, what it prints once, and that nothing stays behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.urls import reverse

from config.local.ports import free_port
from config.local.processes import wait_until
from tests.stack.running import Running, command, gone

pytestmark = [pytest.mark.stack, pytest.mark.timeout(180)]
PROCESSES = {"postgres", "valkey", "sandbox", "web", "worker", "beat"}


@pytest.fixture(scope="module")
def port() -> int:
    return free_port(21000 + os.getpid() % 5000)


@pytest.fixture(scope="module")
def data() -> Iterator[Path]:
    # Open to the account that PostgreSQL runs as: pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="sb-stack-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "var"


@pytest.fixture
def start(data: Path, port: int) -> Iterator[list[Running]]:
    started: list[Running] = []
    yield started
    for one in started:
        one.close()


def begin(started: list[Running], data: Path, port: int, **changes: str) -> Running:
    one = Running(data, port, **changes)
    started.append(one)
    return one


def test_ctrl_c_before_the_login_was_printed(start: list[Running], data: Path, port: int) -> None:
    one = begin(start, data, port)
    assert wait_until(lambda: "preparing the database" in one.said, seconds=15), one.said
    assert wait_until(lambda: "web" in one.children(), seconds=60), one.said  # the tables stand, the owner is made
    family = one.family()
    os.kill(one.process.pid, signal.SIGINT)
    assert one.process.wait(20) == 0
    assert gone(family)
    assert "Password" not in one.said


def test_first_start_prints_the_login_and_ctrl_c_leaves_nothing(start: list[Running], data: Path, port: int) -> None:
    one = begin(start, data, port)
    one.wait_ready()
    assert "the first start was cut short before it printed a login: beginning anew" in one.said

    assert one.status(reverse("account_login")) == 200
    assert set(one.children()) == PROCESSES
    printed = dict(re.findall(r"^  (Switchboard|E-mail|Password|API key|Demo portal|Data) +(\S+)$", one.said, re.M))
    assert set(printed) == {"Switchboard", "E-mail", "Password", "API key", "Demo portal", "Data"}
    assert printed["Switchboard"] == f"http://localhost:{port}"
    assert re.fullmatch(rf"http://[a-z0-9-]+\.localhost:{port}", printed["Demo portal"])
    assert printed["Data"] == str(data)
    assert (data / "secrets.json").stat().st_mode & 0o077 == 0

    again = command(DATA_DIR=str(data), PORT=str(port))
    assert again.returncode == 1
    assert again.stderr == f"Switchboard already runs in {data} at http://localhost:{port}: run make stop first.\n"

    family = one.family()
    assert len(family) > len(PROCESSES)
    os.kill(one.process.pid, signal.SIGINT)
    assert one.process.wait(40) == 0
    assert gone(family)


def test_after_kill_9_the_next_start_works_and_make_stop_ends_it(start: list[Running], data: Path, port: int) -> None:
    one = begin(start, data, port)
    one.wait_ready()
    assert "Password" not in one.said

    family = one.family()
    one.process.kill()
    two = begin(start, data, port)
    two.wait_ready()
    assert gone(family - {one.process.pid})
    assert two.status(reverse("account_login")) == 200

    worker = two.children()["worker"]
    os.kill(worker, signal.SIGKILL)
    assert wait_until(lambda: two.children()["worker"] != worker, seconds=15), two.said

    family = two.family()
    stopped = command("stop", DATA_DIR=str(data))
    assert (stopped.returncode, stopped.stdout) == (0, "Stopped.\n")
    assert two.process.wait(10) == 0
    assert gone(family)
    assert command("stop", DATA_DIR=str(data)).stdout == f"Nothing runs in {data}.\n"


def test_secrets_that_went_missing_are_asked_for(data: Path, port: int) -> None:
    secrets, aside = data / "secrets.json", data / "aside.json"
    secrets.rename(aside)
    try:
        refused(command(DATA_DIR=str(data), PORT=str(port)), "put it back from your backup")
    finally:
        aside.rename(secrets)


def test_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused(command(DATA_DIR=str(tmp_path), PORT=str(port)), f"Port {port} is in use: stop what uses it, or choose")


def test_folder_that_takes_no_files() -> None:
    # Root may write anywhere but here.
    refused(command(DATA_DIR="/proc/switchboard"), "set DATA_DIR to a folder that is yours")


@pytest.mark.parametrize("name", ["pg14", "pg18"])
def test_data_of_another_postgresql(tmp_path: Path, port: int, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "PG_VERSION").write_text("14\n")
    answer = command(DATA_DIR=str(tmp_path), PORT=str(port))
    refused(answer, "was written by PostgreSQL 14, this installation runs PostgreSQL")
    assert "dump it with version 14 and restore" in answer.stderr


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"PORT": "eighty"}, "PORT=eighty is no port: choose a number"),
        ({"DATABASE_URL": "postgres://db/x"}, "set DATABASE_OWNER_URL too"),
        ({"BROKER_URL": "redis://cache/0"}, "set CACHE_URL too"),
    ],
)
def test_settings_that_cannot_work(tmp_path: Path, port: int, changes: dict[str, str], sentence: str) -> None:
    refused(command(**{"DATA_DIR": str(tmp_path), "PORT": str(port)} | changes), sentence)


def refused(answer: subprocess.CompletedProcess[str], sentence: str) -> None:
    """One line, that says what to do, and exit 1."""
    assert answer.returncode == 1
    assert answer.stdout == ""
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert answer.stderr.endswith(".\n")
