"""In a real browser: a call placed from the dialog, followed to its end, found again; an incoming one simulated."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, Watched

MARKUP = '<img src=x onerror="window.__evil=1">'


def open_calls(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.get_by_role("link", name="Calls", exact=True).first.click()
    expect(page.get_by_role("heading", name="Calls", exact=True)).to_be_visible()


def test_call_now_is_followed_to_its_end_and_found_again(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    open_calls(page, site)
    page.get_by_role("link", name="Call now").click()
    dialog = page.locator("#call-now")
    expect(dialog.get_by_label("Number to call")).to_be_focused()
    dialog.get_by_label("Number to call").fill("12")
    dialog.get_by_label("First message").fill(f"Zebrafinch {MARKUP}")
    dialog.get_by_role("button", name="Call now").click()
    expect(dialog.get_by_text("The number is too short.")).to_be_visible()
    expect(dialog.get_by_label("First message")).to_have_value(f"Zebrafinch {MARKUP}")
    dialog.get_by_label("Country").select_option("GB")
    dialog.get_by_label("Number to call").fill("07700 900001")
    dialog.get_by_role("button", name="Call now").click()
    page.wait_for_url(re.compile(r"/calls/call-"))
    expect(page.get_by_text("Raw JSON")).to_be_visible(timeout=30_000)  # it stopped following by itself
    expect(page.locator("#call[hx-trigger]")).to_have_count(0)
    expect(page.get_by_text(MARKUP).first).to_be_visible()
    expect(page.get_by_text(re.compile("would have cost")).first).to_be_visible()
    assert page.evaluate("window.__evil") is None
    call_url = page.url
    open_calls(page, site)
    page.get_by_placeholder("Search transcripts, names, numbers").fill("zebrafinch")
    page.wait_for_url(re.compile("q=zebrafinch"))
    expect(page.locator("#call-list tbody tr")).to_have_count(1)
    page.locator("#call-list tbody tr").click()
    page.wait_for_url(call_url)
    _quiet(signed_in)


def test_an_incoming_call_opens_by_itself(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    open_calls(page, site)
    page.get_by_role("button", name="Simulate an incoming call").click()
    page.locator("#simulate").get_by_label("What the caller does").select_option("answered")
    page.locator("#simulate").get_by_role("button", name="Simulate the call").click()
    page.wait_for_url(re.compile(r"/calls/call-"), timeout=20_000)
    expect(page.get_by_text("Inbound").first).to_be_visible()
    expect(page.get_by_text("Raw JSON")).to_be_visible(timeout=30_000)
    _quiet(signed_in)


def _quiet(watched: Watched) -> None:
    """Nothing on the console but the refused form, no policy report, no other host."""
    assert [each for each in watched.errors if "422" not in each] == []
    assert watched.page.evaluate("window.__csp") == []
    assert watched.foreign == []
