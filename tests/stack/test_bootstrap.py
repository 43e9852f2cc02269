"""The first seconds of `make run`, before anything is installed."""

from __future__ import annotations

import ast
import hashlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stack.running import ROOT, environment

SCRIPT = ROOT / "config" / "bootstrap.py"
LINE = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.M)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    shutil.copy(SCRIPT, tmp_path / "config")
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    return tmp_path


def bootstrap(clone: Path, before: str = "", **changes: str) -> subprocess.CompletedProcess[str]:
    """Run the script after `before`, which makes this Python look like a poorer one."""
    code = f"""
import errno, os, runpy, sys
{before}
sys.argv = ["bootstrap.py", "run.lock", "python", "-c", "print('here')"]
runpy.run_path({str(clone / "config" / "bootstrap.py")!r}, run_name="__main__")
"""
    return subprocess.run(
        [sys.executable, "-c", code],
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refused(answer: subprocess.CompletedProcess[str], sentence: str) -> None:
    assert answer.returncode == 1
    assert sentence in answer.stderr
    assert answer.stderr.count("\n") == 1, answer.stderr
    assert answer.stderr.endswith(".\n")


def test_old_pythons_can_read_it() -> None:
    ast.parse(SCRIPT.read_text(), feature_version=(3, 4))


def test_python_too_old(clone: Path) -> None:
    answer = bootstrap(clone, "sys.version_info = (3, 9, 2, 'final', 0)")
    refused(answer, "needs Python 3.11 or newer and found 3.9.2: install it and run make PYTHON=python3.11 run")


@pytest.mark.parametrize("module", ["ensurepip", "venv"])
def test_debian_without_venv(clone: Path, module: str) -> None:
    refused(bootstrap(clone, f"sys.modules[{module!r}] = None"), "run apt-get install python3-venv")
    assert not (clone / ".venv").exists()


def test_read_only_folder(clone: Path) -> None:
    # A read-only file system stops root too; permissions do not.
    before = "def mkdir(*a): raise OSError(errno.EROFS, 'Read-only file system')\nos.mkdir = mkdir"
    refused(bootstrap(clone, before), "is read-only for you: clone Switchboard into a folder that is yours")


def test_no_connection_then_no_half_environment(clone: Path) -> None:
    answer = bootstrap(clone, PIP_NO_INDEX="1", PIP_FIND_LINKS="")
    refused(answer, "could not be installed: check the connection and try again (details: ")
    assert not (clone / ".venv" / "installed").exists()


def test_installs_nothing_when_the_lock_is_unchanged(clone: Path) -> None:
    (clone / ".venv" / "bin").mkdir(parents=True)
    (clone / ".venv" / "bin" / "python").symlink_to(sys.executable)
    digest = hashlib.sha256((clone / "requirements" / "run.lock").read_bytes()).hexdigest()
    (clone / ".venv" / "installed").write_text(f"run.lock {digest}\n")
    assert bootstrap(clone, PIP_NO_INDEX="1").stdout == "here\n"


def test_dev_lock_is_a_superset_of_run_lock() -> None:
    run, dev = (dict(LINE.findall((ROOT / "requirements" / f"{name}.lock").read_text())) for name in ("run", "dev"))
    assert len(run) > 50
    assert run.items() <= dev.items()


@pytest.mark.parametrize("lock", ["run", "dev", "uv"])
def test_locks_hold_hashes_and_no_address(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text()
    assert len(re.findall(r"^[a-z0-9]\S*==\S+.*\\\n    --hash=sha256:", text, re.M)) == len(LINE.findall(text))
    assert "://" not in text
