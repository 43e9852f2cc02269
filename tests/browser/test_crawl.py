"""Every page of the demo workspace at two sizes and in both themes: no console error, no CSP report, no request to another
host, nothing serious in axe, nothing that jumps, nothing wider than the screen."""

from __future__ import annotations

import re
from urllib.parse import urldefrag, urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.browser.conftest import Site, Watched, sign_in, watch

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
SKIP = re.compile(r"/logout|\.csv|/results|/bad-rows|/recording|/admin/|/api/|/export|/download|/file\??$|/csv$|/pdf$|\.pdf|\.js$")
SIZES = {"wide": (1440, 900, "light"), "narrow": (390, 844, "dark")}
SERIOUS = {"serious", "critical"}
MOST_PAGES = 60


def shape(url: str) -> str:
    """Pages that differ only in the row they show count once: ids become *, the query goes."""
    path = urlsplit(url).path
    path = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "*", path)
    return re.sub(r"call-[a-z0-9]{20}", "*", path)


def links_of(page: Page, home: str) -> list[str]:
    hrefs: list[str] = page.eval_on_selector_all("a[href]", "all => all.map(a => a.href)")
    return [urldefrag(href)[0] for href in hrefs if href.startswith(home) and not SKIP.search(href)]


def look(watched: Watched, url: str, *, width: int, axe: bool) -> list[str]:
    """Open one page and say what is wrong with it."""
    page = watched.page
    watched.errors.clear()
    watched.foreign.clear()
    answer = page.goto(url, wait_until="load")
    page.wait_for_timeout(150)
    wrong = []
    if answer is None or answer.status >= 400:
        wrong.append(f"status {answer.status if answer else 'none'}")
    wrong += [f"console: {text}" for text in watched.errors]
    wrong += [f"csp: {text}" for text in page.evaluate("window.__csp || []")]
    wrong += [f"other host: {text}" for text in watched.foreign]
    if (shift := page.evaluate("window.__shift || 0")) >= 0.05:
        wrong.append(f"layout shift {shift:.3f}")
    if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
        wrong.append(f"{wide} px wide")
    if axe:
        found = Axe().run(page).response["violations"]
        wrong += [f"axe {each['id']}: {each['nodes'][0]['html'][:160]}" for each in found if each["impact"] in SERIOUS]
    return [f"{urlsplit(url).path}: {text}" for text in wrong]


@pytest.mark.parametrize("size", SIZES)
def test_crawl(site: Site, browser: Browser, size: str) -> None:
    width, height, theme = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,
        locale="en-GB",
        bypass_csp=False,  # type: ignore[arg-type]
    )
    watched = watch(context, site.url)
    sign_in(watched.page, site)
    waiting, seen, wrong = [watched.page.url, *links_of(watched.page, site.url)], set(), []
    while waiting and len(seen) < MOST_PAGES:
        url = waiting.pop(0)
        if shape(url) in seen:
            continue
        seen.add(shape(url))
        wrong += look(watched, url, width=width, axe=True)
        if "/o/" in watched.page.url:
            waiting += [link for link in links_of(watched.page, site.url) if shape(link) not in seen]
    print(f"\n{len(seen)} pages at {width} px, {theme}")
    context.close()
    assert wrong == []
    assert len(seen) >= 25


def test_sign_in_pages(site: Site, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    watched = watch(context, site.portal)
    wrong = look(watched, f"{site.portal}/accounts/login", width=390, axe=True)
    wrong += look(watched, f"{site.portal}/accounts/password/reset", width=390, axe=True)
    text = watched.page.content()
    context.close()
    assert wrong == []
    assert "Switchboard" not in text
