"""In a real browser: a widget is made, and a website on another port shows it; one that is not named does not."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from playwright.sync_api import Browser, expect

from tests.browser.conftest import Site, Watched, watch

SLOW = 30_000


@contextmanager
def website() -> Iterator[tuple[ThreadingHTTPServer, dict[str, str]]]:
    """A foreign website with a strict policy of its own: it allows the portal's scripts and frames, and no inline style."""
    page = {"head": "", "portal": ""}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            portal = page["portal"]
            self.send_header("Content-Security-Policy", f"default-src 'none'; script-src {portal}; frame-src {portal}; img-src data:")
            self.end_headers()
            head = '<!doctype html><html lang="en"><head><link rel="icon" href="data:,"><title>Bakery</title>'
            self.wfile.write(f"{head}{page['head']}</head><body><h1>Fresh bread</h1></body></html>".encode())

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server, page
    finally:
        server.shutdown()
        server.server_close()


def test_a_visitor_of_another_website_talks_to_the_assistant(site: Site, signed_in: Watched, browser: Browser) -> None:
    page = signed_in.page
    org = re.search(r"/o/[^/]+", page.url)
    assert org is not None
    with website() as (server, shown):
        port = server.server_address[1]
        page.goto(f"{site.url}{org[0]}/embeds")
        page.get_by_role("link", name="New talk widget").first.click()
        page.get_by_label("Name").fill("Bakery")
        page.get_by_label("Assistant").select_option(index=1)
        page.get_by_label("Websites").fill(f"http://localhost:{port}")
        page.get_by_label("text of the button", exact=False).fill("Ask the baker")
        page.get_by_role("button", name="Make widget").click()
        expect(page.get_by_text("Paste its code into your website.")).to_be_visible()
        expect(page.frame_locator("iframe.embed-preview").get_by_role("button", name="Start talking")).to_be_visible(timeout=SLOW)
        snippet = page.locator(".code-box code").first.inner_text()
        assert snippet.startswith("<script src=")
        shown["head"], shown["portal"] = snippet, re.findall('src="(.*)/embed/', snippet)[0]
        assert signed_in.errors == []
        assert page.evaluate("window.__csp") == []

        context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
        visitor = watch(context, site.url)
        visitor.page.goto(f"http://localhost:{port}/")
        known = set(visitor.page.evaluate("Object.keys(window)"))
        visitor.page.get_by_role("button", name="Ask the baker").click()
        frame = visitor.page.frame_locator("iframe")
        frame.get_by_role("button", name="Start talking").click()
        lines, box = frame.locator("#talk-lines > li"), frame.get_by_label("Your message")
        expect(lines).to_have_count(1, timeout=SLOW)
        expect(frame.get_by_text("Simulated")).to_be_visible()
        expect(box).to_be_focused()
        box.fill("Zebrafinch <img src=x onerror=alert(1)>")
        box.press("Enter")
        expect(frame.locator(".is-assistant .bubble")).to_have_count(2, timeout=SLOW)
        expect(frame.locator(".typing")).to_have_count(0, timeout=SLOW)
        expect(lines).to_have_count(3)
        expect(lines.nth(1)).to_contain_text("Zebrafinch <img src=x onerror=alert(1)>")
        expect(box).to_have_value("")
        expect(box).to_be_focused()
        box.press("Escape")
        expect(visitor.page.locator("iframe")).to_be_hidden()
        visitor.page.get_by_role("button", name="Ask the baker").click()
        expect(lines).to_have_count(3)
        frame.get_by_role("button", name="End the talk").click()
        expect(frame.get_by_text("The talk is over.")).to_be_visible()
        assert set(visitor.page.evaluate("Object.keys(window)")) <= known | {"0"}
        assert context.cookies() == []
        assert visitor.errors == []
        assert visitor.page.evaluate("window.__csp") == []

        # The same page under a name that is not among the websites.
        visitor.page.goto(f"http://127.0.0.1:{port}/")
        visitor.page.get_by_role("button", name="Ask the baker").click()
        visitor.page.wait_for_timeout(1500)
        assert visitor.page.frame_locator("iframe").get_by_role("button", name="Start talking").count() == 0
        assert any("frame-ancestors" in each for each in visitor.errors)
        context.close()

    page.goto(f"{site.url}{org[0]}/calls")
    page.locator("tbody a.row-link").first.click()
    expect(page.get_by_text("A website widget")).to_be_visible()
    expect(page.get_by_text("Zebrafinch").first).to_be_visible(timeout=SLOW)
