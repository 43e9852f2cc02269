"""In a real browser: talking to an assistant from its page to the finished call, and the same without JavaScript."""

from __future__ import annotations

import re

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, Watched, sign_in

SLOW = 20_000
MARKUP = '<img src=x onerror="window.__evil=1">'


def open_assistant(page: Page, site: Site) -> None:
    page.goto(site.url)
    page.wait_for_url(re.compile("/o/"))
    org = re.search(r"/o/[^/]+", page.url)
    assert org is not None
    page.goto(f"{site.url}{org[0]}/assistants")
    page.locator("tbody a.row-link").first.click()
    page.get_by_role("link", name="Talk to it").click()
    expect(page.get_by_text("Changes in the editor that are not saved yet do not count.")).to_be_visible()


def test_a_talk_from_the_greeting_to_the_finished_call(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    open_assistant(page, site)
    page.get_by_role("button", name="Start talking").click()
    page.wait_for_url(re.compile(r"/calls/call-[a-z0-9]+/talk$"))
    lines, box = page.locator("#talk-lines > li"), page.get_by_label("Your message")
    expect(lines).to_have_count(1)
    expect(page.get_by_text("Simulated", exact=True).first).to_be_visible()
    expect(box).to_be_focused()
    box.press_sequentially(f"Zebrafinch {MARKUP}")
    box.press("Shift+Enter")
    box.press_sequentially("Second line")
    box.press("Enter")
    # One's own words once, and the answer; what stood there while waiting is gone.
    expect(lines).to_have_count(3, timeout=SLOW)
    expect(lines.nth(1)).to_contain_text(f"Zebrafinch {MARKUP}")
    expect(lines.nth(1)).to_contain_text("Second line")
    expect(page.locator("#talk-lines .typing")).to_have_count(0)
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    page.reload()
    expect(lines).to_have_count(3, timeout=SLOW)
    assert page.evaluate("window.__evil") is None
    box.fill("Lost on the way")
    page.route("**/talk/say", lambda route: route.abort())
    box.press("Enter")
    expect(box).to_have_value("Lost on the way", timeout=SLOW)
    expect(lines).to_have_count(3)
    page.unroute("**/talk/say")
    page.get_by_role("button", name="End the talk").click()
    expect(page.get_by_text("would have cost")).to_be_visible(timeout=30_000)
    expect(page.locator("#talk-foot[hx-trigger]")).to_have_count(0)
    page.get_by_role("link", name="Open the call").click()
    page.wait_for_url(re.compile(r"/calls/call-[a-z0-9]+$"))
    expect(page.get_by_text("Raw JSON")).to_be_visible(timeout=30_000)
    expect(page.get_by_text("Zebrafinch").first).to_be_visible()
    expect(page.get_by_text("Web visitor").first).to_be_visible()
    # The message that was cut off on purpose is the only thing on the console.
    assert [each for each in signed_in.errors if "ERR_FAILED" not in each and "Failed to fetch" not in each] == []
    assert page.evaluate("window.__csp") == []
    assert signed_in.foreign == []


def test_it_fits_a_phone(site: Site, browser: Browser) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark", locale="en-GB")
    page = context.new_page()
    sign_in(page, site)
    open_assistant(page, site)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="Start talking").click()
    lines, box = page.locator("#talk-lines > li"), page.get_by_label("Your message")
    expect(lines).to_have_count(1, timeout=SLOW)
    expect(box).to_be_focused()  # before its script is there, Enter is a new line
    for said in range(4):
        box.fill("unbreakable" * 30)
        box.press("Enter")
        expect(box).to_have_value("")
        # The answer stands there and takes the next message: nobody types faster than that.
        expect(page.locator("#talk-lines .typing")).to_have_count(0, timeout=SLOW)
        expect(lines).to_have_count(3 + 2 * said, timeout=SLOW)
        expect(box).to_be_focused()
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    room = page.locator(".talk-room")
    assert room.evaluate("box => box.scrollHeight - box.scrollTop - box.clientHeight") < 5
    # Where one writes stays on the screen however long the talk is.
    page.evaluate("scrollTo(0, document.body.scrollHeight)")
    expect(box).to_be_in_viewport()
    context.close()


def test_without_javascript(site: Site, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    page = context.new_page()
    sign_in(page, site)
    open_assistant(page, site)
    page.get_by_role("button", name="Start talking").click()
    page.get_by_label("Your message").fill("Hello")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#talk-lines > li")).to_have_count(3)
    page.get_by_role("button", name="End the talk").click()
    expect(page).to_have_url(re.compile(r"/calls/call-[a-z0-9]+$"))
    context.close()
