"""The help pages: Markdown files in three languages, wearing the host's brand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.conf import settings
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

FOLDER = Path(settings.BASE_DIR) / "docs" / "help"
ORDER = (
    "getting-started", "assistants", "numbers-and-trunks", "calls", "campaigns", "setting-up-campaigns",
    "running-campaigns", "campaign-results", "importing-leads", "calling-hours", "do-not-call", "website-widgets", "voice-engine",
    "sandbox", "webhooks", "api-and-keys", "ai-clients", "billing", "members-and-roles", "clients", "whitelabel",
    "troubleshooting",
)  # fmt: skip
# Pages about something that may be switched off.
NEEDS = {
    "assistants": "assistants", "numbers-and-trunks": "numbers", "voice-engine": "voice_engine", "sandbox": "voice_engine",
    "webhooks": "webhooks", "api-and-keys": "api_keys", "ai-clients": "api_keys", "members-and-roles": "members",
    "website-widgets": "embeds",
    **dict.fromkeys(
        ("campaigns", "setting-up-campaigns", "running-campaigns", "campaign-results", "importing-leads", "calling-hours"), "campaigns"
    ),
}  # fmt: skip
# Pages about what only an agency has.
AGENCYS = {"clients", "whitelabel"}
LINK = re.compile(r'href="([a-z-]+)\.md(#[\w-]*)?"')


@dataclass(frozen=True)
class HelpPage:
    title: str
    html: SafeString


def titles(language: str) -> list[tuple[str, str]]:
    """Name and title of every page, in reading order."""
    return [(name, _title(_text(name, language))) for name in ORDER]


def read(name: str, language: str, *, brand: str) -> HelpPage | None:
    """One page as HTML, `{brand}` replaced; None when there is no such page."""
    if name not in ORDER:
        return None
    text = _text(name, language).replace("{brand}", brand)
    body = text.split("\n", 1)[1] if text.startswith("# ") else text
    return HelpPage(_title(text), _html(body))


@cache
def _text(name: str, language: str) -> str:
    path = FOLDER / language / f"{name}.md"
    return (path if path.exists() else FOLDER / "en" / f"{name}.md").read_text(encoding="utf-8")


def _title(text: str) -> str:
    return text.split("\n", 1)[0].lstrip("# ").strip()


def _html(text: str) -> SafeString:
    """Our own files through a renderer that lets no HTML of theirs pass."""
    html = MarkdownIt("commonmark", {"html": False}).enable("table").render(text)
    html = html.replace("<table>", '<div class="overflow-x-auto" tabindex="0"><table class="table">').replace(
        "</table>", "</table></div>"
    )
    return mark_safe(LINK.sub(r'href="\1\2"', html))  # noqa: S308
