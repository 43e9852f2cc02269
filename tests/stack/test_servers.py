"""The servers that come with `make run`: who may do what, and what happens to a killed one."""

from __future__ import annotations

import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.local.places import ONLY_SYSTEM, Places, arrange
from config.local.postgres import APP, OWNER, Postgres, find_postgres, postgres_url, start_postgres
from config.local.processes import StartError, end, server_account
from config.local.valkey import find_valkey, start_valkey, valkey_answers

pytestmark = pytest.mark.stack
PASSWORDS = {"postgres": "first", OWNER: "second", APP: "third"}


@pytest.fixture
def folder() -> Iterator[Path]:
    # Short, and open to the account that PostgreSQL runs as: pytest's own folders are neither.
    with tempfile.TemporaryDirectory(prefix="sb-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def start(program: Postgres, places: Places, *, throwaway: bool = True) -> subprocess.Popen[bytes]:
    return start_postgres(program, places, account=server_account(), passwords=PASSWORDS, throwaway=throwaway)


def test_roles_passwords_and_a_killed_server(folder: Path) -> None:
    program = find_postgres(server_account())
    places = arrange(folder, major=program.major, account=server_account())
    first = start(program, places, throwaway=False)
    with psycopg.connect(postgres_url(places, OWNER, "second")) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    server = start(program, places)
    try:
        query = "SELECT rolsuper, rolbypassrls, rolcreatedb FROM pg_roles WHERE rolname = current_user"
        with psycopg.connect(postgres_url(places, APP, "third")) as connection:
            assert connection.execute(query).fetchone() == (False, False, False)
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute("SELECT * FROM kept")
        with psycopg.connect(postgres_url(places, OWNER, "second")) as connection:
            assert connection.execute(query).fetchone() == (False, True, True)
            assert connection.execute("SELECT one FROM kept").fetchone() == (1,)
            assert connection.execute("SELECT lower('ÄÖ')").fetchone() == ("äö",)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            psycopg.connect(postgres_url(places, "postgres", "guess", "postgres"))
        assert places.postgres_socket.stat().st_mode & 0o077 == 0
    finally:
        end(server, sig=signal.SIGINT)


def test_a_number_that_belongs_to_another_process_by_now(folder: Path) -> None:
    program = find_postgres(server_account())
    places = arrange(folder, major=program.major, account=server_account())
    end(start(program, places), sig=signal.SIGINT)
    (places.postgres / "postmaster.pid").write_text(f"{os.getppid()}\n{places.postgres}\n")
    end(start(program, places), sig=signal.SIGINT)


def test_the_system_s_postgresql_where_the_wheel_does_not_fit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ONLY_SYSTEM, "system")
    try:
        program = find_postgres(server_account())
    except StartError:
        pytest.skip("no PostgreSQL of the system here")
    assert "site-packages" not in str(program.bin)
    places = arrange(folder, major=program.major, account=server_account())
    server = start(program, places)
    try:
        with psycopg.connect(postgres_url(places, APP, "third")) as connection:
            assert connection.execute("SELECT lower('ÄÖ')").fetchone() == ("äö",)
    finally:
        end(server, sig=signal.SIGINT)


def test_the_system_s_valkey_where_the_wheel_does_not_fit(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ONLY_SYSTEM, "system")
    try:
        program = find_valkey()
    except StartError:
        pytest.skip("no Valkey or Redis of the system here")
    places = arrange(folder, major=0, account=None)
    server = start_valkey(program, places)
    assert valkey_answers(places)
    end(server)


def test_no_server_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ONLY_SYSTEM, "system")
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    with pytest.raises(StartError, match="apt-get install postgresql"):
        find_postgres(None)
    with pytest.raises(StartError, match="apt-get install redis-server"):
        find_valkey()


def test_a_path_too_long_for_a_socket_gets_a_short_one(folder: Path) -> None:
    deep = folder / ("x" * 60) / ("y" * 60)
    places = arrange(deep, major=18, account=server_account())
    assert len(str(places.valkey_socket)) < 100
    assert len(str(places.postgres_socket)) < 90
    places.postgres_socket.rmdir()
    places.valkey_socket.parent.rmdir()
