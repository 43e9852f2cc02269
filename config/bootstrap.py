"""Make .venv from the locked, hashed dependencies, then become the command that was asked for.

Runs with whatever Python is there, before anything is installed: standard library and old syntax only.

    python3 config/bootstrap.py run.lock  COMMAND ...
    python3 config/bootstrap.py dev.lock  COMMAND ...
"""

import hashlib
import os
import shutil
import subprocess
import sys

BASE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(BASE, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed")
LOG = os.path.join(VENV, "install.log")
OLDEST = (3, 11)


class Problem(Exception):
    """One sentence that says what to do."""


def main(arguments):
    """Install what the lock names, when that changed, and run the rest of the arguments in the environment."""
    lock, command = arguments[0], arguments[1:]
    check_python()
    # Written byte code halves every later start.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    try:
        if not installed(lock):
            make_environment()
            install(lock)
    except OSError as error:
        if not os.access(BASE, os.W_OK) or error.errno in (13, 30):
            raise Problem("%s is read-only for you: clone Switchboard into a folder that is yours." % BASE)
        raise Problem("The environment in %s could not be made (%s): free space and try again." % (VENV, error))
    program = os.path.join(VENV, "bin", command[0])
    os.chdir(BASE)
    os.execv(program, [program, *command[1:]])


def check_python():
    """Refuse a Python that is too old, by name."""
    if sys.version_info[:2] < OLDEST:
        found = ".".join(str(part) for part in sys.version_info[:3])
        wanted = ".".join(str(part) for part in OLDEST)
        raise Problem(
            "Switchboard needs Python %s or newer and found %s: install it and run make PYTHON=python%s run."
            % (wanted, found, wanted)
        )


def installed(lock):
    """Whether the environment holds what the lock names now. dev.lock is a superset of run.lock."""
    if not os.path.exists(PYTHON) or not os.path.exists(STAMP):
        return False
    with open(STAMP) as stamp:
        return "%s %s" % (lock, digest(lock)) in stamp.read().splitlines()


def make_environment():
    """Create .venv when it is missing or its Python went away."""
    if os.path.exists(PYTHON):
        return
    try:
        __import__("venv")
        __import__("ensurepip")
    except ImportError:
        raise Problem("This Python cannot make environments: run apt-get install python3-venv and try again.")
    say("making .venv with Python %d.%d" % sys.version_info[:2])
    if os.path.isdir(VENV):
        shutil.rmtree(VENV)
    os.mkdir(VENV)
    step([sys.executable, "-m", "venv", VENV], "This Python cannot make environments: run apt-get install python3-venv")


def install(lock):
    """Fetch the installer, then everything the lock names; both by hash, nothing else."""
    say("installing the packages of requirements/%s" % lock)
    began = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    failed = "The packages could not be installed: check the connection and try again"
    if not holds_uv():
        step([*began, "-r", path("uv.lock")], failed)
    uv = [os.path.join(VENV, "bin", "uv"), "pip", "install", "--quiet", "--compile-bytecode", "--require-hashes"]
    step([*uv, "--python", PYTHON, "-r", path(lock)], failed)
    locks = ["run.lock", "dev.lock"] if lock == "dev.lock" else [lock]
    with open(STAMP, "w") as stamp:
        stamp.write("".join("%s %s\n" % (name, digest(name)) for name in locks))


def holds_uv():
    """Whether the installer of the lock is there already."""
    with open(path("uv.lock")) as lines:
        wanted = lines.readline().split()[0].partition("==")[2]
    try:
        said = subprocess.check_output([os.path.join(VENV, "bin", "uv"), "--version"]).decode()
    except (OSError, subprocess.CalledProcessError):
        return False
    return wanted in said.split()


def step(command, sentence):
    """Run one command; what it says goes into a file, that a failure names."""
    with open(LOG, "ab") as log:
        code = subprocess.call(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    if code:
        raise Problem("%s (details: %s)." % (sentence, os.path.relpath(LOG, os.getcwd())))


def digest(lock):
    with open(path(lock), "rb") as content:
        return hashlib.sha256(content.read()).hexdigest()


def path(lock):
    return os.path.join(BASE, "requirements", lock)


def say(text):
    print("stack    | " + text)
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Problem as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
