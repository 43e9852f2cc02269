"""The business end to end, in a browser: an agency goes into business under its own name, and a client buys and calls.

Payments go over HTTP to a stand-in for the payment provider, look-ups of the domain to a name server of the test.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserType, Page, expect

from tests.browser import business as acts
from tests.browser.conftest import CHROMIUM, QUIET, Site, Watched, running_site, sign_in, watch
from tests.names import NameServer
from tests.pdf import words_of
from tests.stripe.server import KEY, SECRET, StripeServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
TARGET, DOMAIN = "portal.example.net", "calls.example.org"
OWNER, CLIENT = "anna@foxtel.example", "bram@veld.example"
HIDDEN = re.compile(r"switchboard|stripe|owner@example\.com", re.IGNORECASE)


@dataclass
class Stage:
    """The stack and everybody outside of it."""

    site: Site
    names: NameServer
    stripe: StripeServer
    browser: Browser
    mailbox: acts.Mailbox

    def person(self, home: str) -> Watched:
        context = self.browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB", timezone_id="Europe/Amsterdam")
        found = watch(context, home)
        found.page.set_default_timeout(60_000)
        return found


@pytest.fixture
def stage(browser_type: BrowserType) -> Iterator[Stage]:
    with NameServer() as names, StripeServer() as stripe:
        outside = {"STRIPE_API_URL": stripe.url, "DNS_SERVERS": names.address, "PORTAL_TARGET": TARGET, "BILL_SIMULATED_CALLS": "1"}
        with running_site(**outside) as site:
            # The agency's domain leads to the stack, as its CNAME would; TLS is the proxy's.
            own = f"MAP {DOMAIN} 127.0.0.1:{site.running.port}"
            rules = [f"--host-resolver-rules={own}", f"--unsafely-treat-insecure-origin-as-secure=http://{DOMAIN}"]
            browser = browser_type.launch(executable_path=CHROMIUM, args=[*QUIET, *rules])
            yield Stage(site, names, stripe, browser, acts.Mailbox(site.data / "mail"))
            browser.close()


def test_an_agency_runs_its_business(stage: Stage) -> None:
    began = time.monotonic()
    expect.set_options(timeout=30_000)
    agency = stage.person(stage.site.url)
    page = agency.page
    acts.sign_up(page, stage.site.url, stage.mailbox, name="Anna Fox", company="Foxtel", address=OWNER)
    workspace = f"{stage.site.url}/o/{acts.slug_of(page)}"
    set_up(stage, page, workspace)
    client = stage.person(f"http://{DOMAIN}")
    acts.sign_up(client.page, f"http://{DOMAIN}", stage.mailbox, name="Bram Veld", company="Veld Bikes", address=CLIENT)
    slug = acts.slug_of(client.page)
    calls = f"http://{DOMAIN}/o/{slug}"
    document = become_customer(stage, client.page, calls)
    acts.set_retail(page, workspace, slug, "2")
    acts.connect_number(page, workspace, stage.site.url, slug, assistant="Reminder")
    acts.run_campaign(client.page, calls, assistant="Reminder", leads=12)
    used = the_client_is_charged(client.page, calls)
    margin = the_agency_sees_it(page, workspace, slug, used)
    nothing_names_the_product(stage, client, document)
    assert agency.errors == []
    print(
        f"\nbusiness: 12 leads called, {used:.2f} credits charged, invoice of {len(document)} bytes, "
        f"margin {margin:.2f} EUR, {time.monotonic() - began:.0f} s"
    )


def set_up(stage: Stage, page: Page, workspace: str) -> None:
    """Brand, domain, payments, what is sold, and what a new client begins with."""
    acts.open_portal(page, workspace, name="Foxtel Calls", slug="foxtel")
    acts.dress(page, workspace, primary="#0C6E50", accent="#FFC83C", font="nunito", logo=logo())
    token = acts.add_domain(page, workspace, DOMAIN)
    stage.names.prove(DOMAIN, TARGET, token)
    acts.look_again(page, workspace)
    acts.sell(page, workspace)
    hook = acts.connect_stripe(page, workspace, KEY, SECRET)
    stage.stripe.hooks = [(f"{stage.site.url}{hook}", SECRET)]
    acts.make_package(page, workspace, name="Starter", credits=500, price="60")
    acts.publish_assistant(page, workspace, name="Reminder", greeting="Good day, this is Foxtel.")
    acts.let_clients_in(page, workspace, free_credits=5)
    operator = stage.person(stage.site.url).page
    sign_in(operator, stage.site)
    acts.add_credits(operator, stage.site.url, "Foxtel", 1000)


def become_customer(stage: Stage, page: Page, workspace: str) -> bytes:
    """The client has its assistant and free credits, buys more, and gets the invoice."""
    acts.shows_brand(page, "Foxtel Calls", "#0C6E50")
    page.goto(f"{workspace}/assistants")
    expect(page.get_by_role("link", name="Reminder")).to_be_visible()
    acts.fill_details(page, workspace)
    assert acts.figure(page, "Balance") == 5
    acts.buy(page, workspace)
    assert acts.figure(page, "Balance") == 505
    document = acts.download(page, page.get_by_role("link", name="PDF").first)
    words = words_of(document)
    for each in ("Foxtel Calls B.V.", "Veld Bikes", "FX-00001", "72.60"):
        assert each in words, words
    return document


def the_client_is_charged(page: Page, workspace: str) -> float:
    """What the calls cost, as the statement says, which adds up. Returns credits."""
    page.goto(f"{workspace}/statement")
    expect(page.get_by_text("It adds up")).to_be_visible()
    used = acts.figure(page, "Calls")
    assert used > 0
    assert acts.figure(page, "Closing balance") == pytest.approx(505 - used, abs=0.011)
    page.goto(f"{workspace}/settings/visits")
    expect(page.get_by_text("Connect the line").first).to_be_visible()
    return used


def the_agency_sees_it(page: Page, workspace: str, slug: str, used: float) -> float:
    """The same client from the other side. Returns the margin, in euros."""
    page.goto(f"{workspace}/clients")
    row = page.get_by_role("row").filter(has_text="Veld Bikes")
    expect(row).to_contain_text("12")
    page.goto(f"{workspace}/clients/{slug}/overview")
    assert acts.figure(page, "Invoiced this month") == 60
    assert acts.figure(page, "Balance") == pytest.approx(505 - used, abs=0.011)
    page.goto(f"{workspace}/statement?client={slug}")
    expect(page.get_by_text("It adds up")).to_be_visible()
    assert acts.figure(page, "Calls") == used
    page.goto(f"{workspace}/clients/margin")
    revenue, cost, margin = (acts.figure(page, label) for label in ("Invoiced net", "Cost", "Margin"))
    # The client pays two credits a minute, the agency one, at seven cents.
    assert (revenue, cost) == (60, pytest.approx(used / 2 * 0.07, abs=0.011))
    assert margin == pytest.approx(revenue - cost, abs=0.001)
    return margin


def nothing_names_the_product(stage: Stage, client: Watched, document: bytes) -> None:
    """What the client met: its pages asked no other host but the payment page, and no mail names what is underneath."""
    assert client.errors == []
    assert [url for url in client.foreign if not url.startswith(stage.stripe.url)] == []
    mails = stage.mailbox.texts(CLIENT)
    assert len(mails) >= 2, mails
    for mail in [*mails, words_of(document)]:
        assert not HIDDEN.search(mail), mail


def logo() -> bytes:
    image = Image.new("RGBA", (480, 120))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, 479, 119), 24, fill=(12, 110, 80))
    draw.ellipse((20, 20, 100, 100), fill=(255, 200, 60))
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()
