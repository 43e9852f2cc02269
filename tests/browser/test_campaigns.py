"""In a real browser: a file as a customer sends it becomes leads, and a campaign runs to its end while one watches."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, Watched

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
expect.set_options(timeout=20_000)
DATA = Path(__file__).parent.parent / "data"
SAMPLE = DATA / "leads-mixed-1000.csv"
EXPECTED = json.loads((DATA / "leads-mixed-1000.csv.expected.json").read_text())
MARKUP = '<img src=x onerror="window.__evil=1">'
FEW = f'Kunde;Telefon\n"{MARKUP.replace(chr(34), chr(34) * 2)}";07700 900001\nSam;07700 900002\nBad;12\nAgain;+44 7700 900001\n'


def create(page: Page, site: Site, name: str, template: str) -> str:
    """Make a campaign that may call all day, through its form; returns its address."""
    page.goto(site.url)
    page.get_by_role("link", name="Campaigns", exact=True).first.click()
    page.get_by_role("link", name="New campaign").click()
    page.get_by_label("Name", exact=True).fill(name)
    assistant = page.locator("[name=assistant]")
    assistant.select_option(index=assistant.locator("option").count() - 1)
    page.locator("[name=system_message_template]").fill(template)
    for variable in re.findall(r"{{(\w+)}}", template):
        expect(page.locator("#template-variables").get_by_text(variable, exact=True)).to_be_visible()
    page.locator("[name=schedule_start_time]").fill("00:00")
    page.locator("[name=schedule_end_time]").fill("23:59")
    page.locator("[name=purpose][value=service]").check()
    page.locator("[data-fold=retries] > summary").click()
    page.locator("[name=max_attempts]").fill("1")
    page.locator("[data-fold=pace] > summary").click()
    page.locator("[name=max_concurrent_calls]").fill("20")
    page.get_by_role("button", name="Create and add leads").click()
    page.wait_for_url(re.compile(r"/campaigns/[0-9a-f-]{36}$"))
    return page.url


def upload(page: Page, name: str, content: bytes) -> None:
    page.get_by_role("link", name="Import leads").first.click()
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    expect(page.locator("[data-drop-name]")).to_have_text(name)
    page.get_by_role("button", name="Upload and look").click()
    page.wait_for_url(re.compile(r"/import/[0-9a-f-]{36}$"))


def test_the_sample_is_imported_and_one_corrected_row_follows(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    url = create(page, site, "Sample", "You call {{Name}} of {{Firma}}.")
    upload(page, SAMPLE.name, SAMPLE.read_bytes())
    page.evaluate("window.__same = 1")
    page.locator("#country").select_option("NL")
    expect(page.locator("[data-count=good]")).not_to_have_text("900")
    page.locator("#country").select_option("DE")
    expect(page.locator("[data-count=good]")).to_have_text("900")
    page.get_by_label("Use Firma as").select_option("number")
    expect(page.get_by_label("Use Telefon as")).to_have_value("variable")
    expect(page.get_by_text("Nothing to import")).to_be_visible()
    page.get_by_label("Use Telefon as").select_option("number")
    expect(page.locator("[data-count=good]")).to_have_text("900")
    expect(page.locator("[data-count=bad]")).to_have_text(str(sum(EXPECTED["bad"].values())))
    expect(page.locator("[data-count=duplicates]")).to_have_text(str(EXPECTED["duplicates"]))
    assert page.evaluate("window.__same") == 1, "the preview changed without a reload"
    page.get_by_role("button", name="Import 900 leads").click()
    expect(page.get_by_text("900 leads imported, 70 rows refused, 30 duplicates")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download refused rows").click()
    refused = Path(download.value.path()).read_bytes()
    page.goto(url)
    upload(page, "corrected.csv", refused.replace(b"bitte per Mail", b"030 23125999", 1))
    page.locator("#country").select_option("DE")
    page.get_by_role("button", name="Import 1 lead").click()
    expect(page.get_by_text(re.compile("1 lead imported"))).to_be_visible()
    page.get_by_role("link", name="Go to the campaign").click()
    expect(page.get_by_role("link", name="Start calling 901 leads")).to_be_visible()
    _quiet(signed_in)


def test_a_campaign_runs_to_its_end_while_one_watches(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    create(page, site, "Few", "You call {{Kunde}}.")
    expect(page.get_by_text("There is no lead to call.")).to_be_visible()
    upload(page, "few.csv", FEW.encode())
    page.locator("#country").select_option("GB")
    page.get_by_role("button", name="Import 2 leads").click()
    page.get_by_role("link", name="Go to the campaign").click()
    expect(page.locator("#lead-list").get_by_text(MARKUP).first).to_be_visible()

    page.get_by_role("link", name="Add lead").click()
    dialog = page.locator("#campaign-dialog")
    dialog.get_by_label("Phone number").fill("07700 900003")
    dialog.get_by_label("Country").select_option("GB")
    dialog.get_by_label("Kunde").fill("Cleo")
    dialog.get_by_role("button", name="Add lead").click()
    page.get_by_role("link", name="Start calling 3 leads").click()
    expect(dialog.get_by_text("You can pause at any time.")).to_be_visible()
    dialog.get_by_role("button", name="Start calling 3 leads").click()
    expect(page.locator("#campaign-live")).to_contain_text("leads done")
    page.evaluate("window.__same = 1")
    expect(page.locator("#campaign-live [data-status=completed]")).to_be_visible(timeout=60_000)
    assert page.evaluate("window.__same") == 1, "the page followed by itself"
    expect(page.locator("#campaign-live[hx-trigger]")).to_have_count(0)
    expect(page.locator("#campaign-live")).to_contain_text("3 of 3 leads done")
    with page.expect_download() as download:
        page.locator(".panel").get_by_role("link", name="Results as CSV").click()
    rows = list(csv.reader(io.StringIO(Path(download.value.path()).read_text("utf-8-sig"))))
    assert sorted(row[0] for row in rows[1:]) == ["'+447700900001", "'+447700900002", "'+447700900003"]
    page.reload()
    page.locator("#lead-list").get_by_role("link", name="Last call").first.click()
    page.wait_for_url(re.compile(r"/calls/call-"))
    assert page.evaluate("window.__evil") is None
    _quiet(signed_in)


def _quiet(watched: Watched) -> None:
    assert watched.errors == []
    assert watched.page.evaluate("window.__csp") == []
    assert watched.foreign == []


def test_further_windows_are_added_taken_away_and_kept(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    url = create(page, site, "Windows", "Hello")
    page.goto(f"{url}/edit")
    page.locator("[data-fold=hours] > summary").click()
    for _count in range(2):
        page.get_by_role("button", name="Add a window").click()
    page.locator("[name=windows-1-days][value='6']").check(force=True)
    page.locator("[name=windows-1-start]").fill("10:00")
    page.locator("[name=windows-1-end]").fill("14:00")
    page.locator("[data-row]:visible").first.get_by_role("button", name="Remove this window").click()
    page.locator("[name=schedule_end_time]").fill("09:00")
    for day in range(6, 8):
        page.locator(f"[name=schedule_days][value='{day}']").uncheck(force=True)
    page.get_by_role("button", name="Save changes").click()
    page.wait_for_url(url)
    expect(page.locator("#campaign-live")).to_contain_text("Mon–Fri 00:00–09:00, Sat 10:00–14:00")
    page.goto(f"{url}/edit")
    expect(page.locator("[name=windows-0-start]")).to_have_value("10:00")
