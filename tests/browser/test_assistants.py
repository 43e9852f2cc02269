"""In a real browser: an assistant is set up, its provider changed without a reload, and no mistake is hidden."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Site, Watched


def create(page: Page, site: Site, name: str) -> None:
    page.goto(site.url)
    page.get_by_role("link", name="Assistants", exact=True).first.click()
    page.get_by_role("link", name="New assistant").click()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_text("Receptionist, Dutch").click()
    page.get_by_role("button", name="Create assistant").click()
    page.wait_for_url(re.compile(r"/assistants/[0-9a-f-]{36}$"))


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=re.compile(name)).click()


def save(page: Page) -> None:
    with page.expect_navigation():
        page.get_by_role("button", name="Save changes").click()


def test_another_provider_brings_its_settings_without_a_reload(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    create(page, site, "Robin")
    page.evaluate("window.__stayed = true")
    tab(page, "Voice")
    expect(page.locator("[name='tts_config.stability']")).to_be_visible()
    page.locator("[name='tts_config.stability']").fill("0.9")
    page.locator("[name='tts_config.provider']").select_option("google")
    expect(page.locator("[name='tts_config.voice_id']")).to_have_value("Kore")
    expect(page.locator("[name='tts_config.stability']")).to_have_count(0)
    expect(page.get_by_text("does not exist at Google")).to_be_visible()
    expect(page.locator("[name='tts_config.speaking_rate']")).to_have_count(0)
    page.locator("[name='tts_config.model']").select_option("chirp-3-hd")
    expect(page.locator("[name='tts_config.speaking_rate']")).to_be_visible()
    page.locator("[name='tts_config.provider']").select_option("elevenlabs")
    expect(page.locator("[name='tts_config.stability']")).to_have_value("0.9")
    page.locator("[name='tts_config.provider']").select_option("google")
    expect(page.locator("[name='tts_config.voice_id']")).to_have_value("Kore")
    assert page.evaluate("window.__stayed") is True
    save(page)
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_role("tab", name="Voice")).to_have_attribute("aria-selected", "true")
    expect(page.locator("[name='tts_config.provider']")).to_have_value("google")
    expect(page.locator("[data-save-bar]")).to_be_hidden()
    tab(page, "Model")
    page.locator("[name='llm_config.provider']").select_option("openai_live")
    expect(page.locator("[name='llm_config.voice']")).to_have_value("")
    tab(page, "Voice")
    expect(page.get_by_text("Not used with a realtime model")).to_be_visible()
    expect(page.locator("[name='tts_config.provider']")).to_be_hidden()
    page.evaluate("window.onbeforeunload = null")
    _quiet(signed_in)


def test_a_mistake_in_a_hidden_tab_opens_it(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    create(page, site, "Mila")
    tab(page, "Notifications")
    page.locator("[name=notification_emails]").fill("cleo@example.com\nnobody")
    tab(page, "Conversation")
    page.locator("[name=first_message]").fill("Good day.")
    expect(page.get_by_text("You have unsaved changes.")).to_be_visible()
    save(page)
    opened = page.get_by_role("tab", name=re.compile("Notifications"))
    expect(opened).to_have_attribute("aria-selected", "true")
    expect(opened.locator(".tab-errors")).to_contain_text("1")
    expect(page.get_by_text("Must be an e-mail address.")).to_be_visible()
    expect(page.locator("[name=notification_emails]")).to_have_value("cleo@example.com\nnobody")
    tab(page, "Conversation")
    expect(page.locator("[name=first_message]")).to_have_value("Good day.")
    tab(page, "Notifications")
    page.locator("[name=notification_emails]").fill("cleo@example.com")
    save(page)
    expect(page.get_by_text("Saved.")).to_be_visible()
    _quiet(signed_in)


def test_a_tool_with_parameters_as_rows_and_as_json(site: Site, signed_in: Watched) -> None:
    page = signed_in.page
    create(page, site, "Noor")
    tab(page, "Tools")
    page.get_by_role("button", name=re.compile("^Webhook")).click()
    card = page.locator("[data-tool]").last
    expect(card.get_by_label("Name", exact=True).first).to_be_focused()
    card.get_by_label("Name", exact=True).first.fill("check_slot")
    expect(card.locator("[data-tool-title]")).to_have_text("check_slot")
    card.get_by_label("Description").first.fill("Finds a free slot.")
    card.get_by_role("button", name="Add field").click()
    card.locator("[data-schema]").get_by_label("Name").fill("day")
    card.locator("[data-schema]").get_by_label("Required").check()
    card.get_by_role("button", name="Edit as JSON").click()
    expect(card.locator(".cm-content")).to_contain_text('"day"')
    card.get_by_role("button", name="Edit as rows").click()
    expect(card.locator("[data-schema]").get_by_label("Name")).to_have_value("day")
    save(page)
    expect(page.get_by_text("Saved.")).to_be_visible()
    cards = page.locator("[data-tool]")
    expect(cards).to_have_count(2)
    cards.first.locator("summary").click()
    cards.first.get_by_role("button", name="Remove tool").click()
    expect(cards).to_have_count(1)
    save(page)
    expect(page.locator("[data-tool-title]")).to_have_text("check_slot")
    page.locator("[data-tool] summary").first.click()
    expect(page.locator("[data-schema]").first.get_by_label("Name")).to_have_value("day")
    _quiet(signed_in)


def _quiet(watched: Watched) -> None:
    """Nothing on the console but the refused form, no policy report, no other host."""
    assert [each for each in watched.errors if "422" not in each] == []
    assert watched.page.evaluate("window.__csp") == []
    assert watched.foreign == []
