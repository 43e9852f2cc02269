"""The help pages: three languages, one structure, no brand."""

import re
from pathlib import Path

import pytest
from django.urls import resolve

HELP = Path(__file__).parents[2] / "docs" / "help"
PAGES = {
    "ai-clients", "api-and-keys", "assistants", "billing", "calling-hours", "calls", "campaign-results", "campaigns", "clients", "do-not-call",
    "getting-started", "importing-leads", "members-and-roles", "numbers-and-trunks", "running-campaigns", "sandbox",
    "setting-up-campaigns", "troubleshooting", "voice-engine", "webhooks", "website-widgets", "whitelabel",
}  # fmt: skip


def outline(path):
    return [
        len(line) - len(line.lstrip("#")) for line in path.read_text(encoding="utf-8").splitlines() if line[:1] == "#"
    ]


class TestHelp:
    @pytest.mark.parametrize("language", ["en", "nl", "de"])
    def test_every_page_exists_and_is_short(self, language):
        pages = {path.stem: path.read_text(encoding="utf-8") for path in (HELP / language).glob("*.md")}
        assert set(pages) == PAGES
        assert [name for name, text in pages.items() if len(text.splitlines()) > 80] == []
        for name, text in pages.items():
            assert text.startswith("# "), name
            assert "<" not in re.sub(r"`[^`]*`|```.*?```", "", text, flags=re.S), name

    @pytest.mark.parametrize("page", sorted(PAGES))
    def test_the_languages_have_the_same_headings_tables_and_code(self, page):
        paths = [HELP / language / f"{page}.md" for language in ("en", "nl", "de")]
        outlines = [outline(path) for path in paths]
        assert outlines[0] == outlines[1] == outlines[2]
        assert outlines[0][0] == 1
        texts = [path.read_text(encoding="utf-8") for path in paths]
        assert len({text.count("\n|") for text in texts}) == 1
        assert len({text.count("```") for text in texts}) == 1

    def test_links_between_pages_lead_somewhere(self):
        for path in HELP.rglob("*.md"):
            for target in re.findall(r"\]\(([^)]+)\)", path.read_text(encoding="utf-8")):
                is_there = resolve(target) if target.startswith("/") else (path.parent / target).exists()
                assert is_there, f"{path.name}: {target}"

    def test_no_page_names_a_brand(self):
        for path in HELP.rglob("*.md"):
            assert not re.search(r"switchboard|ringvale", path.read_text(encoding="utf-8"), re.I), path

    def test_the_magic_numbers_and_the_reasons_are_all_there(self):
        reasons = (
            "waiting_window waiting_retry waiting_slot paused no_balance minutes_used_up do_not_call number_unavailable "
            "engine_unavailable in_doubt finished"
        )
        for language in ("en", "nl", "de"):
            sandbox = (HELP / language / "sandbox.md").read_text(encoding="utf-8")
            assert all(f"+44 7700 900 00{digit}" in sandbox for digit in range(1, 10))
            campaigns = (HELP / language / "campaigns.md").read_text(encoding="utf-8")
            assert [reason for reason in reasons.split() if f"`{reason}`" not in campaigns] == []

    @pytest.mark.parametrize("language", ["en", "nl", "de"])
    def test_the_signature_recipe_accepts_the_printed_example(self, language, monkeypatch):
        text = (HELP / language / "webhooks.md").read_text(encoding="utf-8")
        recipe = re.search(r"```python\n(.*?)```", text, re.S)[1]
        secret, stamp, body, signature = re.search(
            r"^\| `(.+?)` \| `(\d+)` \| `(.+?)` \| `(.+?)` \|$", text, re.M
        ).groups()
        namespace: dict = {}
        exec(recipe, namespace)
        monkeypatch.setattr(namespace["time"], "time", lambda: int(stamp) + 300)
        assert namespace["verify"](secret, stamp, signature, body.encode())
        assert not namespace["verify"](secret, stamp, signature, body.encode() + b" ")
        monkeypatch.setattr(namespace["time"], "time", lambda: int(stamp) + 301)
        assert not namespace["verify"](secret, stamp, signature, body.encode())
