"""The whole main job on the real stack: from sign-in to the transcript, in the browser and over the API."""

from __future__ import annotations

import json
import os
import re
import time
from collections import Counter
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, Watched
from tests.browser.leads_file import SAMPLE, leads_file

pytestmark = [pytest.mark.browser, pytest.mark.timeout(420)]
# MAIN_JOB=all calls everybody in the file (`make proof-first-calls`).
FILE = leads_file(1000 if os.environ.get("MAIN_JOB") == "all" else 160)
CALLS = FILE.good + 1


def open_menu(page: Page, name: str) -> None:
    page.locator("#sidebar").get_by_role("link", name=name, exact=True).click()
    page.wait_for_load_state()


def make_client(page: Page) -> None:
    """A workspace of its own, where nothing exists yet."""
    open_menu(page, "Clients")
    page.get_by_role("link", name="New client").first.click()
    page.get_by_label("Name", exact=True).fill("Praxis am Park")
    page.get_by_role("button", name="Create client").click()
    page.wait_for_url(re.compile(r"/clients/praxis-am-park/overview"))
    access = page.url.replace("/overview", "/access")
    page.goto(access)
    page.locator("#feature-api_keys").check()
    page.get_by_role("button", name=re.compile("Save")).last.click()
    page.wait_for_load_state()
    page.goto(access.replace("/access", "/overview"))
    page.get_by_role("link", name="Enter workspace").first.click()
    page.locator("[name=visit_reason]").fill("Setting up")
    page.get_by_role("button", name="Enter the workspace").click()
    page.wait_for_url(re.compile(r"/o/praxis-am-park/"))


def make_assistant(page: Page) -> None:
    open_menu(page, "Assistants")
    page.get_by_role("link", name="New assistant").first.click()
    page.locator("#id_name").fill("Erinnerung")
    page.get_by_role("button", name="Create assistant").click()
    page.wait_for_url(re.compile(r"/assistants/[0-9a-f-]{36}"))
    page.locator("[name=first_message]").fill("Guten Tag, hier ist die Praxis am Park.")
    page.get_by_role("button", name=re.compile("Save")).first.click()
    expect(page.get_by_text("Saved.", exact=True)).to_be_visible()


def make_trunk_and_number(page: Page) -> None:
    open_menu(page, "SIP trunks")
    page.get_by_role("link", name="Add trunk").first.click()
    page.locator("[name=name]").fill("Leitung")
    page.locator("[name=address]").fill("sip.example.com")
    page.locator("[name=auth_password]").fill("canary-password")
    page.get_by_role("button", name="Add trunk").click()
    expect(page.get_by_text("Leitung").first).to_be_visible()
    assert "canary-password" not in page.content()
    open_menu(page, "Phone numbers")
    page.get_by_role("link", name="Add number").first.click()
    page.locator("[name=country]").select_option("DE")
    page.locator("[name=phone_number]").fill("030 23125 777")
    page.locator("[name=assistant]").select_option(label="Erinnerung")
    page.locator("[name=transfer_trunk]").select_option(label="Leitung")
    page.get_by_role("button", name="Add number").click()
    expect(page.get_by_text("+49 30 23125777").first).to_be_visible()


def make_campaign(page: Page) -> str:
    open_menu(page, "Campaigns")
    page.get_by_role("link", name="New campaign").first.click()
    page.get_by_label("Name", exact=True).fill("Termine")
    page.locator("[name=system_message_template]").fill("You call {{Name}} of {{Firma}}.")
    page.locator("[name=schedule_start_time]").fill("00:00")
    page.locator("[name=schedule_end_time]").fill("23:59")
    page.locator("[name=purpose][value=service]").check()
    page.locator("[data-fold=retries] > summary").click()
    page.locator("[name=max_attempts]").fill("1")
    page.locator("[data-fold=pace] > summary").click()
    page.locator("[name=max_concurrent_calls]").fill("50")
    page.get_by_role("button", name="Create and add leads").click()
    page.wait_for_url(re.compile(r"/campaigns/[0-9a-f-]{36}$"))
    return page.url


def upload(page: Page, name: str, content: bytes) -> None:
    page.get_by_role("link", name="Import leads").first.click()
    page.locator("input[type=file]").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
    page.get_by_role("button", name="Upload and look").click()
    page.wait_for_url(re.compile(r"/import/[0-9a-f-]{36}$"))
    page.locator("#country").select_option("DE")


def import_sample(page: Page, campaign: str) -> None:
    """The file as a customer sends it, then one refused row corrected in the downloaded file."""
    upload(page, SAMPLE.name, FILE.content)
    page.get_by_label("Use Telefon as").select_option("number")
    expect(page.locator("[data-count=good]")).to_have_text(str(FILE.good))
    expect(page.locator("[data-count=bad]")).to_have_text(str(FILE.bad))
    expect(page.locator("[data-count=duplicates]")).to_have_text(str(FILE.duplicates))
    page.get_by_role("button", name=f"Import {FILE.good} leads").click()
    expect(page.get_by_text(f"{FILE.good} leads imported, {FILE.bad} rows refused, {FILE.duplicates} duplicates")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download refused rows").click()
    refused = Path(download.value.path()).read_bytes()
    page.goto(campaign)
    upload(page, "corrected.csv", refused.replace(b"bitte per Mail", b"030 23125999", 1))
    page.get_by_role("button", name="Import 1 lead").click()
    expect(page.get_by_text(re.compile("1 lead imported"))).to_be_visible()
    page.goto(campaign)


def test_from_sign_in_to_transcript(site: Site, signed_in: Watched) -> None:
    page, began = signed_in.page, time.monotonic()
    make_client(page)
    make_assistant(page)
    make_trunk_and_number(page)
    campaign = make_campaign(page)
    import_sample(page, campaign)
    key = make_key(page)
    with httpx.Client(base_url=f"{site.url}/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=30) as api:
        campaign_id = campaign.rsplit("/", 1)[1]
        leads = api.get(f"/campaigns/{campaign_id}/leads").json()["leads"]
        assert [lead["phone_number"] for lead in leads] == [*FILE.numbers, "+493023125999"]
        started = time.monotonic()
        launch(page, campaign)
        follow_to_the_end(page)
        ran = time.monotonic() - started
        after = api.get(f"/campaigns/{campaign_id}").json()["campaign"]
        assert (after["status"], after["total_leads"]) == ("completed", CALLS)
        assert after["completed_leads"] + after["failed_leads"] == CALLS
        call_id = open_a_transcript(page, campaign)
        call = api.get(f"/calls/{call_id}").json()
        assert call["messages"][0] == {"role": "assistant", "content": "Guten Tag, hier ist die Praxis am Park."}
        total = api.get("/calls", params={"limit": 1}).json()["pagination"]["total"]
        # A dial that a busy machine did not get out is a call of its own, which rang nobody; the engine's log is the judge.
        assert total >= CALLS
        rings = rings_of(site)
        assert {lead["phone_number"]: rings[lead["phone_number"]] for lead in leads} == {
            lead["phone_number"]: 1 for lead in leads
        }
    print(f"\nmain job: {FILE.good} + 1 leads imported, {total} calls in {ran:.0f} s, {time.monotonic() - began:.0f} s in all")
    assert signed_in.errors == []
    assert signed_in.foreign == []


def rings_of(site: Site) -> Counter[str]:
    """How often each number rang, by the engine's own log."""
    rows = [json.loads(line) for line in (site.data / "sandbox" / "rings.jsonl").read_text().splitlines()]
    rings = [row["ring"] for row in rows if "ring" in row]
    return Counter(ring["other"] for ring in rings if ring["direction"] == "outbound")


def make_key(page: Page) -> str:
    page.goto(re.sub(r"/campaigns/.*", "/settings/api-keys", page.url))
    page.locator("[name=name]").first.fill("Proof")
    page.get_by_role("button", name=re.compile("Create")).first.click()
    page.wait_for_selector("text=/fl_live_/")
    found = re.search(r"fl_live_[A-Za-z0-9]{40}", page.content())
    assert found
    return found[0]


def launch(page: Page, campaign: str) -> None:
    page.goto(campaign)
    page.get_by_role("link", name=f"Start calling {CALLS} leads").click()
    page.get_by_role("button", name=f"Start calling {CALLS} leads").click()


def follow_to_the_end(page: Page) -> None:
    expect(page.locator("#campaign-live [data-status=completed]")).to_be_visible(timeout=240_000)
    expect(page.locator("#campaign-live")).to_contain_text(f"{CALLS} of {CALLS} leads done")


def open_a_transcript(page: Page, campaign: str) -> str:
    page.goto(f"{campaign}?status=completed")
    page.locator("#lead-list").get_by_role("link", name="Last call").first.click()
    page.wait_for_url(re.compile(r"/calls/call-"))
    expect(page.get_by_text("Guten Tag, hier ist die Praxis am Park.").first).to_be_visible()
    return page.url.rsplit("/", 1)[1]
