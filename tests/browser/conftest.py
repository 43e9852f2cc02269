"""A real Chromium, and for some tests the whole stack as `make run` starts it."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from config.local.ports import free_port
from tests.seed import plant_for_stack
from tests.stack.running import Running

CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip
# Counts layout shifts and violations of the content security policy from the first byte on.
WATCH = """
window.__shift = 0; window.__csp = [];
new PerformanceObserver((list) => { for (const e of list.getEntries()) if (!e.hadRecentInput) window.__shift += e.value; })
  .observe({type: "layout-shift", buffered: true});
document.addEventListener("securitypolicyviolation", (e) => window.__csp.push(e.violatedDirective + " " + e.blockedURI));
"""


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    return browser_type_launch_args | {"executable_path": CHROMIUM, "args": QUIET}


@dataclass
class Site:
    """The running stack: where it is and how to sign in."""

    url: str
    email: str
    password: str
    api_key: str
    portal: str
    running: Running
    data: Path


@contextmanager
def running_site(**changes: str) -> Iterator[Site]:
    """The stack with the demo workspace and the sandbox's instant clock, with `changes` in its environment."""
    with tempfile.TemporaryDirectory(prefix="sb-site-") as name:
        Path(name).chmod(0o711)
        data = Path(name) / "var"
        port = free_port(26500 + os.getpid() % 4000)
        plant_for_stack(data)
        running = Running(data, port, SANDBOX_CLOCK="0", LOG_LEVEL="WARNING", WEBHOOK_ALLOWED_NETWORKS="127.0.0.0/8", **changes)
        try:
            running.wait_ready(90)
            said = dict(re.findall(r"^  (Switchboard|E-mail|Password|API key|Demo portal) +(\S+)$", running.said, re.M))
            yield Site(
                said["Switchboard"],
                said["E-mail"],
                said["Password"],
                said["API key"],
                said["Demo portal"],
                running,
                data,
            )
        finally:
            running.close()
            # What the stack said last: pytest shows it beside a failure.
            print("\n".join(running.lines[-60:]))


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """Started once for all tests that use it."""
    with running_site() as found:
        yield found


@dataclass
class Watched:
    """A page whose errors are collected."""

    page: Page
    errors: list[str]
    foreign: list[str]


def watch(context: BrowserContext, home: str) -> Watched:
    context.add_init_script(WATCH)
    page = context.new_page()
    watched = Watched(page, [], [])
    page.on("console", lambda message: watched.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: watched.errors.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None if request.url.startswith((home, "data:", "blob:")) else watched.foreign.append(request.url)
        ),
    )
    return watched


def sign_in(page: Page, site: Site, *, at: str = "") -> None:
    page.goto(f"{at or site.url}/accounts/login")
    page.get_by_label("E-mail", exact=False).first.fill(site.email)
    page.locator("input[type=password]").first.fill(site.password)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/o/"))


@pytest.fixture
def signed_in(site: Site, browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(
        viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Europe/Amsterdam"
    )
    watched = watch(context, site.url)
    sign_in(watched.page, site)
    yield watched
    context.close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the browser: a file cannot forget to say so."""
    for item in items:
        if "tests/browser" in str(item.fspath):
            item.add_marker(pytest.mark.browser)
