"""What the pages of the library show."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import Count, Max
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.organizations.models import Job, Organization
from apps.portal.models import LibraryCopy, LibraryItem
from apps.portal.services.library import Standing, things
from apps.portal.services.library_values import as_text

Kind = LibraryItem.Kind
ICONS = {Kind.ASSISTANT: "bot", Kind.TOOL: "wrench", Kind.ANALYSIS: "chart-column"}
PAGES = {Kind.ASSISTANT: "assistant", Kind.TOOL: "tool_template", Kind.ANALYSIS: "analysis_template"}
LEFT_OUT: dict[str, str | Promise] = {
    "secrets": _("Secrets and headers of tools and webhooks: each client sets its own."),
    "reports": _("Webhook and notification addresses: reports of a client's calls do not come to you."),
    "mcp": _("Tools of MCP servers: a client connects its own servers."),
    "numbers": _("Your own phone numbers as targets of a transfer."),
}
WORDS: dict[str, str | Promise] = {
    "name": _("Name"), "business_name": _("Business name"), "first_message": _("Greeting"), "description": _("Description"),
    "max_duration_seconds": _("Longest call"), "autonomous_silence_handling": _("Silence"), "silence_timeout_seconds": _("Silence, seconds"),
    "voicemail_detection": _("Voicemail detection"), "voicemail_message": _("Voicemail message"), "gdpr_mode": _("Privacy"),
    "recording_consent": _("Recording consent"), "stt_config": _("Listening"), "llm_config": _("Model"),
    "llm_config.messages": _("Instructions"), "llm_config.tools": _("Tools"), "tts_config": _("Voice"), "speech_config": _("Speech"),
    "analysis_plan": _("Analysis"), "tool_type": _("Kind of tool"), "tool_config": _("Tool"), "system_prompt": _("System prompt"),
    "user_prompt": _("User prompt"), "schema": _("Answers"), "min_messages_threshold": _("Least messages"),
}  # fmt: skip


def list_of(agency: Organization) -> list[dict[str, Any]]:
    """The library with names and how many clients have a copy. In a scope that reads the clients' copies."""
    items = list(LibraryItem.objects.for_organization(agency).order_by("kind", "created_at"))
    names = {kind: dict(things(agency, kind).values_list("pk", "name")) for kind in Kind}
    counted = LibraryCopy.objects.filter(item_id__in=[each.pk for each in items], organization__closed_at=None)
    copies: dict[UUID, dict[str, Any]] = {
        row["item_id"]: row
        for row in counted.values("item_id").annotate(count=Count("pk"), last=Max("pushed_at")).order_by()
    }
    return [
        {
            "item": each, "name": names[Kind(each.kind)].get(each.object_id, ""), "icon": ICONS[Kind(each.kind)],
            "copies": copies.get(each.pk, {}).get("count", 0), "last": copies.get(each.pk, {}).get("last"),
        }
        for each in items
    ]  # fmt: skip


def to_publish(agency: Organization) -> list[tuple[Any, list[tuple[str, str]]]]:
    """What is not in the library yet, as choices by kind."""
    held = set(LibraryItem.objects.for_organization(agency).values_list("object_id", flat=True))
    groups = []
    for kind in Kind:
        rows = things(agency, kind).exclude(pk__in=held).order_by("name", "pk").values_list("pk", "name")
        if found := [(f"{kind.value}:{pk}", name) for pk, name in rows]:
            groups.append((kind.label, found))
    return groups


def row_of(standing: Standing) -> dict[str, Any]:
    """One client on the page of an item."""
    return {
        "standing": standing,
        "own": [word_of(path) for path in standing.own_changes],
        "fields": [
            {
                "label": word_of(each.path), "base": as_text(each.base), "mine": as_text(each.mine),
                "theirs": as_text(each.theirs), "is_conflict": each.is_conflict,
            }
            for each in standing.changes
        ],
    }  # fmt: skip


def word_of(path: str) -> str:
    return str(WORDS.get(path, path))


def results_of(job: Job) -> list[dict[str, Any]]:
    """What a push did at each client, in the order it went."""
    return [{"client": UUID(key)} | result for key, result in job.data["results"].items()]
