"""The API's documentation and the browsable API in a browser: they read well, find things and really send."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site, Watched, sign_in, watch
from tests.browser.test_crawl import SIZES, look

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]
PAGES = ("", "/assistants", "/calls", "/webhooks", "/schemas")


@pytest.mark.parametrize("size", SIZES)
def test_pages(site: Site, browser: Browser, size: str) -> None:
    width, height, theme = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=theme)  # type: ignore[arg-type]
    watched = watch(context, site.portal)
    # On a reseller's host the documentation shows to people of workspaces with API keys.
    sign_in(watched.page, site, at=site.portal)
    wrong = [each for page in PAGES for each in look(watched, f"{site.portal}/api/docs{page}", width=width, axe=True)]
    text = watched.page.content()
    context.close()
    assert wrong == []
    assert "Switchboard" not in text


def test_it_reads_without_scripts(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site.url}/api/docs/phone-numbers")
    expect(page.get_by_role("heading", name="Register a phone number")).to_be_visible()
    expect(page.locator("#createNumber .docs-name", has_text="phone_number").first).to_be_visible()
    expect(page.locator(".docs-try").first).to_be_hidden()
    context.close()


def test_search_and_try(site: Site, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    watched = watch(context, site.url)
    page = watched.page
    page.goto(f"{site.url}/api/docs/sip-trunks")
    page.get_by_placeholder("Search the API").fill("outbound call")
    expect(page.locator("[data-docs-entry]:visible")).to_have_count(1)
    page.get_by_placeholder("Search the API").fill("")

    made = page.locator("#createSipTrunk .docs-try")
    made.locator("summary").first.click()
    made.get_by_role("button", name="Send").click()
    expect(made.locator("[data-docs-status]")).to_contain_text("401")
    page.locator("[data-docs-key] [name=key]").fill(site.api_key)
    made.get_by_role("button", name="Send").click()
    expect(made.locator("[data-docs-status]")).to_contain_text("201")
    expect(made.locator("[data-docs-headers]")).to_contain_text("x-ratelimit-remaining")
    expect(made.locator("[data-docs-time]")).to_have_text(re.compile(r"\d+ ms"))
    ident = re.search(r'"id": "([0-9a-f-]{36})"', made.locator("[data-docs-body]").inner_text())
    assert ident

    gone = page.locator("#deleteSipTrunk .docs-try")
    gone.locator("summary").first.click()
    gone.locator("[name=id]").fill(ident[1])
    gone.get_by_role("button", name="Send").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(gone.locator("[data-docs-body]")).to_contain_text('"success": true')

    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert site.api_key not in stored
    page.reload()
    expect(page.locator("[data-docs-key] [name=key]")).to_have_value("")
    context.close()
    assert [each for each in watched.errors if "401" not in each] == []
    assert watched.foreign == []


def test_browsable_forms(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    base = re.sub(r"(/o/[^/]+).*", r"\1/api/v1", page.url)
    page.goto(f"{base}/sip-trunks")
    form = page.locator("[data-api-form][data-method=POST]")
    form.locator("[name=name]").fill("Line from a form")
    form.locator("[name=transport]").select_option("tls")
    form.locator("[name=inbound_addresses]").fill('["sip.example.org"]')
    form.get_by_role("button", name="POST").click()
    expect(form.locator("[data-api-status]")).to_contain_text("201")
    answer = form.locator("[data-api-answer]")
    expect(answer).to_contain_text('"transport": "tls"')
    form.get_by_role("button", name="Raw JSON").click()
    expect(form.locator("[name=api-raw-body]")).to_have_value(re.compile("Line from a form"))
    form.locator("[name=api-raw-body]").fill("{")
    form.get_by_role("button", name="POST").click()
    expect(form.locator("[data-api-status]")).to_contain_text("not valid JSON")

    page.reload()
    page.get_by_text("Open one of them").click()
    page.get_by_role("link", name=re.compile("Line from a form")).first.click()
    page.wait_for_load_state()
    page.locator("[data-api-form][data-method=DELETE]").get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page.locator("[data-method=DELETE] [data-api-answer]")).to_contain_text('"success": true')
    assert signed_in.errors == []


@pytest.mark.parametrize("size", SIZES)
def test_browsable_pages(site: Site, browser: Browser, signed_in: Watched, size: str) -> None:
    width, height, theme = SIZES[size]
    base = re.sub(r"(/o/[^/]+).*", r"\1/api/v1", signed_in.page.url)
    signed_in.page.set_viewport_size({"width": width, "height": height})
    signed_in.page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
    wrong = []
    for path in ("/", "/assistants", "/calls?limit=2", "/organizations"):
        wrong += look(signed_in, base + path, width=width, axe=True)
    assert wrong == []
