"""What `make run` imports is in requirements/run.lock: the tools of the tests stand beside it here, and would hide a gap."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

from django.conf import settings

ROOT = Path(settings.BASE_DIR)
OURS = ("apps", "config", "engines")
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==", re.MULTILINE)
# Imports all that a process of ours does, in an interpreter where the named modules cannot be found.
_PROCESS = """
import sys
from importlib import import_module


class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in MISSING:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


MISSING = frozenset(sys.argv[1].split())
sys.meta_path.insert(0, Absent())

import django

django.setup()

from django.conf import settings
from django.template import engines
from django.urls import get_resolver
from django.utils.module_loading import import_string

list(get_resolver().url_patterns)
for name in (*settings.MIDDLEWARE, *settings.PASSWORD_HASHERS, *settings.AUTHENTICATION_BACKENDS):
    import_string(name)
engines.all()
for name in sys.argv[2].split():
    import_module(name)
print("imported", len(sys.modules))
"""


def lowered(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


@cache
def pinned(lock: str) -> frozenset[str]:
    return frozenset(map(lowered, _PINNED.findall((ROOT / "requirements" / lock).read_text())))


@cache
def modules() -> dict[str, frozenset[str]]:
    """Every module at the top that is installed, with the distributions it may come from."""
    return {module: frozenset(map(lowered, owners)) for module, owners in packages_distributions().items()}


def absent() -> set[str]:
    """Modules that are here only because the tests' tools are."""
    return {module for module, owners in modules().items() if not owners & pinned("run.lock")}


def imported() -> dict[str, set[str]]:
    """Every foreign module that our code names in an import, with the files that do."""
    found: dict[str, set[str]] = {}
    for path in (path for folder in OURS for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(str(path.relative_to(ROOT)))
    return {name: files for name, files in found.items() if name not in sys.stdlib_module_names and name not in OURS}


def ours() -> list[str]:
    """Our modules that a process imports: without those that are programs, and without migrations."""
    paths = (path for folder in ("apps", "config") for path in (ROOT / folder).rglob("*.py"))
    parts = (path.relative_to(ROOT).with_suffix("").parts for path in paths if path.name not in ("__main__.py", "__init__.py"))
    return sorted(".".join(each) for each in parts if "migrations" not in each)


def test_the_lock_of_the_tests_holds_the_one_of_make_run() -> None:
    assert pinned("run.lock") < pinned("dev.lock")


def test_every_module_we_import_belongs_to_the_run_lock() -> None:
    named = imported()
    assert {"django", "psycopg", "phonenumbers"} <= named.keys()
    missing = {
        name: sorted(files) for name, files in named.items() if not modules().get(name, frozenset()) & pinned("run.lock")
    }
    assert missing == {}


def run(missing: set[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", _PROCESS, " ".join(sorted(missing)), " ".join(ours())],
        cwd=ROOT, capture_output=True, text=True, timeout=110,
    )  # fmt: skip


def test_a_process_imports_all_it_needs_without_the_tools_of_the_tests() -> None:
    tools = absent()
    assert {"pytest", "mypy"} <= tools
    done = run(tools)
    assert done.returncode == 0, done.stderr[-3000:]


def test_that_a_missing_one_is_found() -> None:
    """The sign-in server imports `requests`, which once came with a tool of the tests only."""
    done = run(absent() | {"requests"})
    assert done.returncode != 0
    assert "No module named 'requests" in done.stderr
