"""In a real browser: an address is set, tried, fails, is looked at and sent again."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.conftest import Site, Watched
from tests.receivers import Receiver, Reply


def test_a_test_event_fails_is_looked_at_and_sent_again(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    base = page.url[: page.url.index("/o/")] + "/o/" + page.url.split("/o/")[1].split("/")[0]
    with Receiver(Reply(503, b"<b>busy</b>")) as server:
        page.goto(f"{base}/settings/webhook")
        page.get_by_label("URL").fill(f"{server.url}/hook")
        page.locator("input[name=webhook_secret]").fill("whsec_in_the_browser")
        page.get_by_role("button", name=re.compile("^Save")).first.click()
        expect(page.get_by_text("The settings were saved.")).to_be_visible()

        page.get_by_role("link", name="Send a test event").click()
        page.get_by_label("Event").select_option("end-of-call-report")
        page.get_by_role("button", name="Send it").click()
        expect(page.get_by_text("Your server did not take the test event.")).to_be_visible()
        expect(page.get_by_text("<b>busy</b>")).to_be_visible()
        expect(page.get_by_text("X-Webhook-Signature: sha256=").first).to_be_visible()
        assert "whsec_in_the_browser" not in page.content()

        server.reply = Reply(200, {"ok": True})
        page.get_by_role("button", name="Send again").click()
        page.locator("#confirm").get_by_role("button", name="Send again").click()
        expect(page.get_by_text("1 delivery is sent again.")).to_be_visible()
        identity = server.received[0].headers["x-webhook-id"]
        for _count in range(40):
            if len(server.received) == 2:
                break
            page.wait_for_timeout(250)
        assert [(each.headers["x-webhook-id"], each.headers["x-webhook-attempt"]) for each in server.received] == [
            (identity, "1"), (identity, "2"),
        ]  # fmt: skip
        assert server.received[0].body == server.received[1].body

        page.get_by_role("link", name="Webhooks", exact=True).first.click()
        page.wait_for_load_state()
        row = page.locator("#delivery-list tbody tr").first
        expect(row.get_by_text("Delivered")).to_be_visible()
        page.locator("#filter_status").select_option("dead")
        expect(page).to_have_url(re.compile("status=dead"))
        page.goto(f"{base}/webhooks")
        page.locator("#delivery-list tbody input[type=checkbox]").first.check()
        page.get_by_role("button", name="Send again").click()
        page.locator("#confirm").get_by_role("button", name="Send again").click()
        expect(page.get_by_text("1 delivery is sent again.")).to_be_visible()
    assert signed_in.errors == []
    assert signed_in.foreign == []
    assert page.evaluate("window.__csp") == []
