"""What an agency and its client do in the browser, step by step, as `test_business.py` plays it."""

from __future__ import annotations

import email
import email.policy
import re
import time
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

PASSWORD = "harbour-lantern-42"


class Mailbox:
    """Mails as the stack wrote them to its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def code(self, to: str, seconds: float = 20) -> str:
        """The code of the newest mail to an address, which may still be on its way."""
        found = self.wait(to, r"(?m)^ *([A-Z0-9]{3,4}-?[A-Z0-9]{3,4}) *$", seconds)
        return found[1]

    def texts(self, to: str) -> list[str]:
        """All mails to an address, oldest first: subject, sender and both bodies."""
        found = []
        for path in sorted(self.folder.glob("*.log"), key=lambda each: each.stat().st_mtime):
            for part in re.split(r"(?m)^-{79}$", path.read_text("utf-8", "replace")):
                message = email.message_from_string(part.strip(), policy=email.policy.default)
                if to in str(message["To"] or ""):
                    found.append(_words(message))
        return found

    def wait(self, to: str, pattern: str, seconds: float) -> re.Match[str]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for text in reversed(self.texts(to)):
                if match := re.search(pattern, text):
                    return match
            time.sleep(0.2)
        raise AssertionError(f"No such mail to {to}: {self.texts(to)}")


def _words(message: email.message.EmailMessage) -> str:
    bodies = [part.get_content() for part in message.walk() if part.get_content_type().startswith("text/")]
    return "\n".join([f"From: {message['From']}", f"Subject: {message['Subject']}", *bodies])


def click(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).first.click()


def sign_up(page: Page, at: str, mailbox: Mailbox, *, name: str, company: str, address: str) -> None:
    """From the sign-in page's link to the first page of the new workspace."""
    page.goto(f"{at}/accounts/login")
    page.get_by_role("link", name=re.compile("Sign up|Create")).first.click()
    page.locator("[name=name]").fill(name)
    page.locator("[name=company]").fill(company)
    page.locator("[name=email]").fill(address)
    page.locator("[name=password]").fill(PASSWORD)
    if page.locator("[name=terms]").count():
        page.locator("[name=terms]").check()
    click(page, "Create account")
    page.locator("[name=code]").fill(mailbox.code(address))
    click(page, "Confirm")
    page.wait_for_url(re.compile(r"/o/[a-z0-9-]+/"))


def slug_of(page: Page) -> str:
    found = re.search(r"/o/([a-z0-9-]+)/", page.url)
    assert found, page.url
    return found[1]


def open_portal(page: Page, workspace: str, *, name: str, slug: str) -> None:
    page.goto(f"{workspace}/portal/brand")
    page.locator("[name=name]").fill(name)
    page.locator("[name=slug]").fill(slug)
    click(page, "Open the portal")
    expect(page.get_by_text("Open", exact=True).first).to_be_visible()


def dress(page: Page, workspace: str, *, primary: str, accent: str, font: str, logo: bytes) -> None:
    """Colours with the preview beside them, then the logo."""
    page.goto(f"{workspace}/portal/brand")
    for field, value in (("primary_color", primary), ("accent_color", accent)):
        page.locator(f"input[name={field}]").fill(value)
    page.locator("[name=font]").select_option(font)
    page.locator("[name=sign_in_title]").fill("Calls that answer themselves")
    page.locator("[name=support_email]").fill("help@foxtel.example.org")
    page.locator("[name=terms_url]").fill("https://foxtel.example.org/terms")
    click(page, "Save changes")
    expect(page.get_by_text("The brand was saved.").first).to_be_visible()
    picture = page.locator("form:has(input[name=kind][value=logo_light])")
    picture.locator("input[type=file]").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": logo})
    picture.get_by_role("button", name="Save picture").click()
    expect(page.locator("form:has(input[name=kind][value=logo_light]) .brand-picture img")).to_be_visible()


def add_domain(page: Page, workspace: str, host: str) -> str:
    """Claim a domain; returns the token that its zone has to show. The checklist says what is missing."""
    page.goto(f"{workspace}/portal/address")
    page.locator("[name=host]").fill(host)
    click(page, "Add domain")
    expect(page.get_by_text("Missing", exact=True)).to_have_count(2)
    found = re.search(r"\b[0-9a-f]{32}\b", page.content())
    assert found
    return found[0]


def look_again(page: Page, workspace: str) -> None:
    """The records are in the zone now: both turn right and the domain answers."""
    page.goto(f"{workspace}/portal/address")
    click(page, "Look again")
    expect(page.get_by_text("Right", exact=True)).to_have_count(2)


def sell(page: Page, workspace: str) -> None:
    """Who is on the invoice."""
    page.goto(f"{workspace}/portal/payments")
    page.locator("[name=legal_name]").fill("Foxtel Calls B.V.")
    page.locator("[name=address]").fill("Havenstraat 1")
    page.locator("[name=postal_code]").fill("1011 AB")
    page.locator("[name=city]").fill("Amsterdam")
    page.locator("[name=country]").select_option("NL")
    page.locator("[name=invoice_prefix]").fill("FX-")
    click(page, "Save")
    expect(page.get_by_text("Webhook address")).to_be_visible()


def connect_stripe(page: Page, workspace: str, key: str, secret: str) -> str:
    """The agency's own keys; returns the path of the webhook to make at Stripe."""
    page.goto(f"{workspace}/portal/payments")
    page.locator("[name=publishable_key]").fill("pk_test_51PgafStandIn")
    page.locator("[name=secret_key]").fill(key)
    page.locator("[name=webhook_secret]").fill(secret)
    click(page, "Test and save")
    expect(page.get_by_text("Connected", exact=True)).to_be_visible()
    found = re.search(r"/hooks/stripe/[A-Za-z0-9_-]+", page.content())
    assert found
    return found[0]


def make_package(page: Page, workspace: str, *, name: str, credits: int, price: str) -> None:
    page.goto(f"{workspace}/sales/packages/new")
    page.locator("[name=name]").fill(name)
    page.locator("[name=credits]").fill(str(credits))
    page.locator("[name=price_cents]").fill(price)
    click(page, "Save package")
    expect(page.get_by_text(name).first).to_be_visible()


def publish_assistant(page: Page, workspace: str, *, name: str, greeting: str) -> None:
    """An assistant of the agency, and its place in the library as what new clients begin with."""
    page.goto(f"{workspace}/assistants")
    page.get_by_role("link", name="New assistant").first.click()
    page.locator("#id_name").fill(name)
    click(page, "Create assistant")
    page.wait_for_url(re.compile(r"/assistants/[0-9a-f-]{36}"))
    page.locator("[name=first_message]").fill(greeting)
    page.get_by_role("button", name=re.compile("Save")).first.click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()
    page.goto(f"{workspace}/library")
    page.locator("[name=thing]").select_option(label=name)
    page.locator("[name=for_sign_ups]").check()
    click(page, "Publish")
    expect(page.get_by_text("It is in the library.").first).to_be_visible()


def let_clients_in(page: Page, workspace: str, *, free_credits: int) -> None:
    page.goto(f"{workspace}/portal/sign-up")
    page.locator("[name=allows_sign_up]").check()
    page.locator("[name=gives_wallets]").check()
    page.locator("[name=free_credits]").fill(str(free_credits))
    click(page, "Save changes")
    page.goto(f"{workspace}/portal/sign-up")
    expect(page.locator("[name=allows_sign_up]")).to_be_checked()


def fill_details(page: Page, workspace: str) -> None:
    page.goto(f"{workspace}/billing/details")
    page.locator("[name=address]").fill("Dorpsstraat 2")
    page.locator("[name=postal_code]").fill("3500 AA")
    page.locator("[name=city]").fill("Utrecht")
    page.locator("[name=country]").select_option("NL")
    click(page, "Save changes")
    page.wait_for_url(re.compile(r"/billing$"))


def buy(page: Page, workspace: str) -> None:
    """By card on the payment page, and back to a page that says the credits are there."""
    page.goto(f"{workspace}/billing")
    page.get_by_role("button", name="Pay by card").first.click()
    page.wait_for_url(re.compile(r"/pay/cs_test_"))
    page.locator("#pay").click()
    page.wait_for_url(re.compile(r"/billing\?"))
    for _time in range(20):
        if page.get_by_text("Thank you. The payment is here.").count():
            return
        page.wait_for_timeout(1000)
        page.reload()
    raise AssertionError("The payment was not confirmed.")


def figure(page: Page, label: str) -> float:
    """The number of a figure on the page, by the words above it."""
    found = page.locator(".panel:has(> .figure)").filter(has=page.get_by_text(label, exact=True))
    text = found.locator(".figure").first.inner_text()
    return float(re.sub(r"[^0-9.\-]", "", text.replace("−", "-")))


def shows_brand(page: Page, name: str, primary: str) -> None:
    """The page is the agency's: title, logo and colour."""
    expect(page).to_have_title(re.compile(re.escape(name)))
    expect(page.locator("#sidebar img").first).to_be_visible()
    colour = page.evaluate("getComputedStyle(document.documentElement).getPropertyValue('--color-primary')")
    assert colour.strip().upper() == primary


def download(page: Page, link: Locator) -> bytes:
    with page.expect_download() as found:
        link.click()
    return Path(found.value.path()).read_bytes()


def run_campaign(page: Page, workspace: str, *, assistant: str, leads: int) -> None:
    """Leads from a file, called in the sandbox until all are done."""
    page.goto(f"{workspace}/campaigns/new")
    page.get_by_label("Name", exact=True).fill("Service reminders")
    page.locator("[name=assistant]").select_option(label=assistant)
    page.locator("[name=system_message_template]").fill("You call {{Name}} about their bicycle.")
    page.locator("[name=schedule_start_time]").fill("00:00")
    page.locator("[name=schedule_end_time]").fill("23:59")
    page.locator("[name=purpose][value=service]").check()
    page.locator("[data-fold=retries] > summary").click()
    page.locator("[name=max_attempts]").fill("1")
    click(page, "Create and add leads")
    page.wait_for_url(re.compile(r"/campaigns/[0-9a-f-]{36}$"))
    campaign = page.url
    rows = "".join(f"Customer {place};07700 90{place:04d}\n" for place in range(leads))
    page.get_by_role("link", name="Import leads").first.click()
    page.locator("input[type=file]").set_input_files({"name": "bikes.csv", "mimeType": "text/csv", "buffer": f"Name;Phone\n{rows}".encode()})
    click(page, "Upload and look")
    page.wait_for_url(re.compile(r"/import/[0-9a-f-]{36}$"))
    page.locator("#country").select_option("GB")
    click(page, f"Import {leads} leads")
    expect(page.get_by_text(re.compile(f"{leads} leads imported"))).to_be_visible()
    page.goto(campaign)
    page.get_by_role("link", name=f"Start calling {leads} leads").click()
    page.locator("#campaign-dialog").get_by_role("button", name=f"Start calling {leads} leads").click()
    expect(page.locator("#campaign-live [data-status=completed]")).to_be_visible(timeout=120_000)
    expect(page.locator("#campaign-live")).to_contain_text(f"{leads} of {leads} leads done")


def add_credits(page: Page, at: str, agency: str, credits: int) -> None:
    """The operator's console: what the agency bought from the installation."""
    page.goto(f"{at}/admin/billing/ledgerentry/add/")
    page.locator("[name=organization]").select_option(label=agency)
    page.locator("[name=credits]").fill(str(credits))
    page.locator("[name=note]").fill("Bank transfer")
    page.locator("[name=note]").press("Enter")
    page.wait_for_url(re.compile(r"/admin/billing/ledgerentry/$"))


def set_retail(page: Page, workspace: str, client: str, rate: str) -> None:
    """What a minute costs this client, in credits."""
    page.goto(f"{workspace}/clients/{client}/wallet")
    page.locator("[name=rate]").fill(rate)
    page.locator("form:has([name=rate]) button[type=submit]").click()
    expect(page.get_by_text("The rate holds from now on.").first).to_be_visible()


def connect_number(page: Page, workspace: str, at: str, client: str, *, assistant: str) -> None:
    """The agency acts for its client, with a reason: a line and a number to call from."""
    page.goto(f"{workspace}/clients/{client}/overview")
    page.get_by_role("link", name="Enter workspace").first.click()
    page.locator("[name=visit_reason]").fill("Connect the line")
    page.locator("form:has([name=visit_reason]) button[type=submit]").first.click()
    expect(page.get_by_text("Connect the line").first).to_be_visible()
    page.goto(f"{at}/o/{client}/trunks")
    page.get_by_role("link", name="Add trunk").first.click()
    page.locator("[name=name]").fill("Line")
    page.locator("[name=address]").fill("sip.example.com")
    page.locator("[name=auth_password]").fill("canary-password")
    click(page, "Add trunk")
    expect(page.get_by_text("Line").first).to_be_visible()
    page.goto(f"{at}/o/{client}/numbers/new")
    page.locator("[name=country]").select_option("GB")
    page.locator("[name=phone_number]").fill("020 7946 0018")
    page.locator("[name=assistant]").select_option(label=assistant)
    page.locator("[name=transfer_trunk]").select_option(label="Line")
    click(page, "Add number")
    expect(page.get_by_text("+44 20 7946 0018").first).to_be_visible()
