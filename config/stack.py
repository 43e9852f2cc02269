"""`make run`: PostgreSQL, Valkey, web, worker, beat and the sandbox engine under one supervisor; `make stop` ends it.

Where DATABASE_URL or BROKER_URL is set, that server is yours and is not started. Everything else is under DATA_DIR.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import sys
import time
from pathlib import Path

from config.local import data_dir
from config.local.logs import say
from config.local.places import Places, arrange
from config.local.ports import check_port, free_port, port_from_environment
from config.local.postgres import APP, OWNER, discard_postgres, find_postgres, postgres_url, start_postgres
from config.local.processes import StartError, born, end, server_account, spawn, wait_until
from config.local.supervisor import BASE, PATIENCE, Stack
from config.local.valkey import find_valkey, start_valkey
from config.prepare import MIGRATED


def start(stack: Stack) -> None:
    """Bring everything up and print where it is. Raises StartError."""
    began = time.monotonic()
    _start_servers(stack)
    say("stack", "preparing the database")
    made = _prepare(stack)
    if stack.stopping:
        return
    if stack.env["SANDBOX"] == "1":
        _start_sandbox(stack)
    # Tasks wait for the network and the database, not for the processor: threads start at once and share one memory.
    _celery(stack, "worker", "--pool", "threads", "--concurrency", "16", "--without-mingle", "--without-gossip")
    _celery(stack, "beat", "--schedule", str(stack.root / "run" / "beat"), "--pidfile=")
    web = stack.child("web")
    assert web.process
    process = web.process
    arrived = wait_until(lambda: stack.stopping or process.poll() is not None or _answers(stack), seconds=120)
    if stack.stopping:
        return
    if process.poll() is not None or not arrived:
        raise StartError("The web server did not answer: the lines above marked web say why.")
    _announce(stack, made, time.monotonic() - began)


def main(arguments: list[str]) -> int:
    """`run` (the default) stays in the foreground; `stop` ends the stack of this DATA_DIR. Returns the exit code."""
    # Written byte code halves every later start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        root = Path(os.environ.get("DATA_DIR") or BASE / "var").expanduser().absolute()
        return stop_running(root) if arguments[:1] == ["stop"] else run(root)
    except StartError as error:
        print(error, file=sys.stderr)
        return 1


def run(root: Path) -> int:
    host, port = os.environ.get("HOST") or "127.0.0.1", port_from_environment()
    data_dir.open_data_dir(root)
    with data_dir.take(root):
        data_dir.end_orphans(root)
        check_port(host, port)
        stack = Stack(root, host, port, {"BASE_URL": os.environ.get("BASE_URL") or f"http://localhost:{port}"})
        data_dir.write_state(root, address=stack.address, children={})
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stack.ask_to_stop)
        try:
            start(stack)
            stack.watch()
        finally:
            if stack.stopping:
                say("stack", "stopping")
            stack.stop()
            data_dir.write_state(root, address=stack.address, children={})
    return 0


def stop_running(root: Path) -> int:
    state = data_dir.read_state(root)
    if data_dir.held(root) and state.get("born") == born(state["pid"]):
        os.kill(state["pid"], signal.SIGTERM)
        if not wait_until(lambda: born(state["pid"]) != state["born"], seconds=3 * PATIENCE):
            raise StartError(f"It does not end: run kill -9 {state['pid']}.")
        print("Stopped.")
    else:
        data_dir.end_orphans(root)
        print(f"Nothing runs in {root}.")
    return 0


def _start_servers(stack: Stack) -> None:
    own_database, own_broker = os.environ.get("DATABASE_URL"), os.environ.get("BROKER_URL")
    if own_database and not os.environ.get("DATABASE_OWNER_URL"):
        raise StartError("DATABASE_URL is set: set DATABASE_OWNER_URL too, the role that owns the database (README).")
    if own_broker and not os.environ.get("CACHE_URL"):
        raise StartError("BROKER_URL is set: set CACHE_URL too, for example redis://127.0.0.1:6379/1.")
    account = server_account()
    program = None if own_database else find_postgres(account)
    if program:
        data_dir.check_major(stack.root, program.major)
    known = data_dir.load_secrets(stack.root)
    stack.env = _environment(stack, known)
    places = arrange(stack.root, major=program.major if program else 0, account=None if own_database else account)
    if places.moved:
        say("stack", f"the database lies in {places.postgres}: PostgreSQL's account cannot enter {stack.root}")
    if not own_broker:
        valkey = find_valkey()
        stack.add("valkey", lambda: start_valkey(valkey, places))
        stack.env |= {
            "BROKER_URL": f"redis+socket://{places.valkey_socket}?virtual_host=0",
            "CACHE_URL": f"unix://{places.valkey_socket}?db=1",
        }
    if program:
        found = program
        passwords = {role: known[role] for role in ("postgres", OWNER, APP)}
        _begin_anew_if_nobody_was_told(stack.root, places)
        stack.add(
            "postgres", lambda: start_postgres(found, places, account=account, passwords=passwords), signal.SIGINT
        )
        stack.env |= {
            "DATABASE_URL": postgres_url(places, APP, known[APP]),
            "DATABASE_OWNER_URL": postgres_url(places, OWNER, known[OWNER]),
        }


def _begin_anew_if_nobody_was_told(root: Path, places: Places) -> None:
    """A first start that was cut short leaves an owner whose password nobody ever saw: that database is of no use."""
    marker, database = root / data_dir.UNANNOUNCED, places.postgres / "PG_VERSION"
    if marker.exists() and database.exists():
        say("stack", "the first start was cut short before it printed a login: beginning anew")
        discard_postgres(places)
    if not database.exists():
        marker.touch()


def _environment(stack: Stack, known: dict[str, str]) -> dict[str, str]:
    """What settings read: our defaults under what you set, over both what only the supervisor can know."""
    defaults = {
        "SECURE_COOKIES": "0", "DEVELOPMENT": "1", "SANDBOX": "1", "PORTAL_BASE_DOMAIN": "localhost",
        **{name: known[name] for name in ("SECRET_KEY", "MASTER_KEYS", "OAUTH_SIGNING_KEY", "SANDBOX_KEY")},
    }  # fmt: skip
    chosen = {name: value for name, value in os.environ.items() if value}
    fixed = {
        "DATA_DIR": str(stack.root), "PORT": str(stack.port), "BASE_URL": stack.address,
        "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONUNBUFFERED": "1",
    }  # fmt: skip
    if chosen.get("SANDBOX", "1") == "1":
        fixed["SANDBOX_URL"] = f"http://127.0.0.1:{free_port(18000 + stack.port % 1000)}"
    return defaults | chosen | fixed


def _celery(stack: Stack, role: str, *options: str) -> None:
    # Root in a container is usual; Celery's warning about it is five lines long.
    quiet = "ignore:You're running the worker with superuser privileges"
    command = ("-W", quiet, "-m", "celery", "-q", "-A", "config", role, *options, "--loglevel", "WARNING")
    # Celery closes a pool after every task; its threads keep a connection each.
    stack.run(role, *command, DATABASE_POOL="0")


def _start_sandbox(stack: Stack) -> None:
    folder = stack.root / "sandbox"
    folder.mkdir(exist_ok=True)
    port = stack.env["SANDBOX_URL"].rpartition(":")[2]
    # Its key comes by SANDBOX_KEY: a command line is open to every account of the machine.
    stack.run("sandbox", "-m", "engines.sandbox", "--port", port, "--data", str(folder))


def _prepare(stack: Stack) -> dict[str, object]:
    """Migrate and make the first account; pages are served as soon as the tables stand, while the demo is still made."""
    child = stack.preparing = spawn([sys.executable, "-m", "config.prepare"], env=stack.env, cwd=BASE)
    said: list[str] = []
    try:
        for line in child.stdout or ():
            if stack.stopping:
                break
            said.append(line.decode(errors="replace").rstrip())
            if said[-1] == MIGRATED:
                said.pop()
                _start_web(stack)
        if not stack.stopping:
            child.wait()
    finally:
        end(child, patience=PATIENCE)
    if stack.stopping:
        return {}
    for words in said[-15:] if child.returncode else said[:-1]:
        say("prepare", words)
    if child.returncode:
        raise StartError("The database could not be prepared: the lines above say why.")
    return dict(json.loads(said[-1]))


def _start_web(stack: Stack) -> None:
    stack.run(
        "web", "-m", "granian", "--interface", "asginl", "--host", stack.host, "--port", str(stack.port),
        "--workers", "1", "--no-ws", "--log-level", "warning", "--workers-kill-timeout", "5",
        "config.asgi:application",
    )  # fmt: skip


def _announce(stack: Stack, made: dict[str, object], seconds: float) -> None:
    say("stack", f"ready after {seconds:.0f} s: {stack.address} (Ctrl-C or make stop ends it)")
    if made.get("created"):
        print(f"\n{_login(stack, made)}\n", flush=True)
    (stack.root / data_dir.UNANNOUNCED).unlink(missing_ok=True)


def _login(stack: Stack, made: dict[str, object]) -> str:
    slug = made.get("demo_brand_slug")
    rows = {
        "Switchboard": stack.address,
        "E-mail": made["email"],
        "Password": made["password"],
        "API key": made.get("api_key"),
        "Demo portal": slug and f"http://{slug}.{stack.env['PORTAL_BASE_DOMAIN']}:{stack.port}",
        "Data": stack.root,
    }
    block = "\n".join(f"  {name:<13} {value}" for name, value in rows.items() if value)
    return f"{block}\n\n  What is secret here is shown this once. Cookies work without HTTPS (SECURE_COOKIES=0)."


def _answers(stack: Stack) -> bool:
    host = "127.0.0.1" if stack.host == "0.0.0.0" else stack.host  # noqa: S104
    connection = http.client.HTTPConnection(host, stack.port, timeout=5)
    try:
        connection.request("GET", "/api/v1/health", headers={"Host": f"localhost:{stack.port}"})
        return connection.getresponse().status < 500
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
