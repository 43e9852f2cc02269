"""`python -m tests.proof.brands FOLDER`: pages of one client under three brands, light and dark, wide and narrow, to look at.

One picture per page and width: a row per brand, light and dark beside each other.
"""

from __future__ import annotations

import io
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from tests.browser.business import PASSWORD, Mailbox, click
from tests.browser.conftest import CHROMIUM, QUIET, Site, running_site, sign_in

PERSON = "pia@client.example"
WIDTHS = {"wide": (1440, 900), "narrow": (390, 844)}
SCHEMES = ("light", "dark")
# Tall pages are cut: what is below looks as what is above.
TALLEST = 1500


@dataclass(frozen=True)
class Look:
    name: str
    primary: str
    accent: str
    font: str
    ink: tuple[int, int, int]


LOOKS = (
    Look("Harbour Voice", "#0B4F6C", "#F4A259", "source-sans", (11, 79, 108)),
    Look("Rosa Telefonie", "#D6336C", "#12B886", "nunito", (214, 51, 108)),
    Look("Notar & Partner", "#1A1A1A", "#B8860B", "lora", (26, 26, 26)),
)
PAGES = {
    "overview": "/o/{client}/", "assistants": "/o/{client}/assistants", "calls": "/o/{client}/calls", "campaigns": "/o/{client}/campaigns",
    "usage": "/o/{client}/usage", "billing": "/o/{client}/billing", "settings": "/o/{client}/settings",
}  # fmt: skip


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with running_site() as site, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        agency = browser.new_page(viewport={"width": 1440, "height": 900})
        agency.set_default_timeout(60_000)
        sign_in(agency, site)
        workspace = re.sub(r"(/o/[^/]+).*", r"\1", agency.url)
        client = hire(agency, browser, site, workspace)
        shots: dict[tuple[str, str], list[Image.Image]] = {}
        for look in LOOKS:
            wear(agency, workspace, look)
            take(browser, site, client, shots)
        for (page, width), images in shots.items():
            sheet(images).save(folder / f"{page}-{width}.png")
            print(folder / f"{page}-{width}.png", flush=True)
        browser.close()


def hire(agency: Page, browser: Browser, site: Site, workspace: str) -> str:
    """A person who works at the first client; returns the client's slug."""
    agency.goto(f"{workspace}/clients")
    link = agency.locator("#client-list a.row-link").first.get_attribute("href") or ""
    agency.goto(f"{site.url}{link}")
    agency.locator("form[action$='/invite'] [name=email]").fill(PERSON)
    agency.locator("form[action$='/invite'] [name=role]").select_option("owner")
    agency.locator("form[action$='/invite'] button[type=submit]").click()
    mail = Mailbox(site.data / "mail").wait(PERSON, r"https?://[^\s\"<>]*/invitations?/[^\s\"<>]+", 30)
    person = browser.new_page()
    person.goto(mail[0])
    person.locator("[name=name]").fill("Pia")
    person.locator("[name=password]").fill(PASSWORD)
    person.locator("form:has([name=password]) button[type=submit]").click()
    person.wait_for_url(re.compile(r"/o/"))
    person.close()
    return link.split("/")[-2]


def wear(agency: Page, workspace: str, look: Look) -> None:
    agency.goto(f"{workspace}/portal/brand")
    for field, value in (("name", look.name), ("primary_color", look.primary), ("accent_color", look.accent)):
        agency.locator(f"input[name={field}]").fill(value)
    agency.locator("[name=font]").select_option(look.font)
    click(agency, "Save changes")
    agency.wait_for_load_state()
    picture = agency.locator("form:has(input[name=kind][value=logo_light])")
    picture.locator("input[type=file]").set_input_files({"name": "logo.png", "mimeType": "image/png", "buffer": logo(look)})
    picture.get_by_role("button", name="Save picture").click()
    agency.wait_for_load_state()


def take(browser: Browser, site: Site, client: str, shots: dict[tuple[str, str], list[Image.Image]]) -> None:
    for width, (across, down) in WIDTHS.items():
        for scheme in SCHEMES:
            context = browser.new_context(viewport={"width": across, "height": down}, color_scheme=scheme, locale="en-GB")  # type: ignore[arg-type]
            page = context.new_page()
            page.set_default_timeout(60_000)
            for name, path in {"sign-in": "/accounts/login", **PAGES}.items():
                if name == "overview":
                    enter(context, page, site)
                page.goto(f"{site.portal}{path.format(client=client)}")
                page.wait_for_timeout(500)
                shots.setdefault((name, width), []).append(cut(page.screenshot(full_page=True)))
            context.close()


def enter(context: BrowserContext, page: Page, site: Site) -> None:
    page.goto(f"{site.portal}/accounts/login")
    page.locator("[name=login]").fill(PERSON)
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("form button[type=submit]").first.click()
    page.wait_for_url(re.compile(r"/o/"))


def cut(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content)).convert("RGB")
    return image.crop((0, 0, image.width, min(image.height, TALLEST)))


def sheet(images: list[Image.Image]) -> Image.Image:
    """Two in a row, light and dark, at the same height."""
    across, down = images[0].width, max(each.height for each in images)
    found = Image.new("RGB", (across * 2 + 20, (down + 20) * (len(images) // 2)), "#888888")
    for place, each in enumerate(images):
        found.paste(each, ((place % 2) * (across + 20), (place // 2) * (down + 20)))
    return found


def logo(look: Look) -> bytes:
    image = Image.new("RGBA", (120, 120))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, 119, 119), 60 if look.font == "nunito" else 16, fill=look.ink)
    draw.polygon([(35, 85), (60, 30), (85, 85)], fill="white")
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
