"""What every test run needs before Django reads its settings: PostgreSQL, Valkey, and an answer about the browser and Node.

Bare `pytest` is the whole command. TEST_SERVICES=DIR keeps the servers of tests.services running between runs.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connections
from django.utils import translation

from config import celery_app
from config.local.postgres import DATABASE
from config.local.processes import StartError
from tests.services import kept, services

# What tests with a marker need, and the package that brings it.
NEEDS = {"browser": ("/usr/bin/chromium", "chromium"), "node": ("node", "nodejs")}
SKIPPED = pytest.StashKey[list[str]]()


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config, args: list[str]) -> None:
    # Byte code is written again for what the tests start: without it every child compiles Django anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    # Playwright's event loop runs in the thread of the tests.
    os.environ.setdefault("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
    # Beside each other each worker has servers of its own; who only hands out tests needs none.
    is_worker = "PYTEST_XDIST_WORKER" in os.environ
    if not is_worker and getattr(early_config.known_args_namespace, "numprocesses", None):
        return
    try:
        os.environ.update(_services(early_config, reuse="--reuse-db" in args))
        # The queue's address was read when `config` was imported, above.
        celery_app.conf.broker_url = os.environ["BROKER_URL"]
    except StartError as error:
        raise pytest.UsageError(str(error)) from error


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    # The browser's last: once Playwright's event loop runs in this thread, no other test can start one.
    # Of either kind those that take minutes first, so that at the end no process waits long for another.
    items.sort(key=lambda item: (item.get_closest_marker("browser") is not None, -_longest(item) if _is_long(item) else 0.0))
    for marker, (program, package) in NEEDS.items():
        marked = [item for item in items if item.get_closest_marker(marker)]
        if not marked or shutil.which(program):
            continue
        if os.environ.get("CI") == "true":
            raise pytest.UsageError(f"Tests marked {marker} need {program}: apt-get install {package}.")
        line = f"{len(marked)} {marker} tests skipped: no {program} (apt-get install {package})."
        config.stash.setdefault(SKIPPED, []).append(line)
        config.hook.pytest_deselected(items=marked)
        items[:] = [item for item in items if item not in marked]


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    # The language of a request stays with its thread: the test before this one may have read German pages.
    translation.activate(settings.LANGUAGE_CODE)


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
    result = yield
    if fixturedef.argname == "django_db_setup":
        # The owner drops the test database; the application's own connection to it, a mirror, must be gone by then.
        fixturedef.addfinalizer(connections.close_all)
    return result


def _is_long(item: pytest.Item) -> bool:
    return _longest(item) > 120 or any(item.get_closest_marker(name) for name in ("browser", "stack"))


def _longest(item: pytest.Item) -> float:
    marker = item.get_closest_marker("timeout")
    return float(marker.args[0]) if marker else 120.0


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    for line in config.stash.get(SKIPPED, []):
        terminalreporter.write_line(line)


def _services(config: pytest.Config, *, reuse: bool) -> dict[str, str]:
    if "DATABASE_URL" in os.environ and "BROKER_URL" in os.environ:
        return {}
    if folder := os.environ.get("TEST_SERVICES"):
        # Two runs on one server must not share the test database, unless --reuse-db asks for the last one.
        found, name = kept(Path(folder).resolve()), DATABASE if reuse else f"{DATABASE}_{os.getpid()}"
        return {key: value.replace(f"@/{DATABASE}?", f"@/{name}?") for key, value in found.items()}
    stack = ExitStack()
    config.add_cleanup(stack.close)
    return stack.enter_context(services(planted=True))
