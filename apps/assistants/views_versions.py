"""What an assistant was at each save, how two saves differ, and the way back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps.assistants.forms import Editor
from apps.assistants.forms.conflict import differences
from apps.assistants.models import Assistant, AssistantVersion
from apps.assistants.services import judge_restore, update_assistant
from apps.assistants.versions import NAMES, changed_names, shown, versions_of
from apps.assistants.views import find_assistant
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor

WORDS: dict[str, str | Promise] = {
    "name": gettext_lazy("Name"), "business_name": gettext_lazy("Business name"), "is_active": gettext_lazy("Switched on or off"),
    "first_message": gettext_lazy("Greeting"), "max_duration_seconds": gettext_lazy("Longest call"),
    "autonomous_silence_handling": gettext_lazy("Silence"), "silence_timeout_seconds": gettext_lazy("Silence"),
    "voicemail_detection": gettext_lazy("Voicemail"), "voicemail_message": gettext_lazy("Voicemail"),
    "gdpr_mode": gettext_lazy("Privacy"), "recording_consent": gettext_lazy("Recording consent"),
    "stt_config": gettext_lazy("Listening"), "llm_config": gettext_lazy("Model and instructions"),
    "tts_config": gettext_lazy("Voice"), "speech_config": gettext_lazy("Speech"), "analysis_plan": gettext_lazy("Analysis"),
    "notification_email": gettext_lazy("Notifications"), "notification_emails": gettext_lazy("Notifications"),
    "webhook_url": gettext_lazy("Webhooks"), "webhook_events": gettext_lazy("Webhooks"),
}  # fmt: skip


@require_safe
def assistant_versions(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """The history, newest first."""
    assistant = find_assistant(request, pk)
    rows = list(versions_of(assistant))
    older = [*rows[1:], None][: len(rows)]
    context = {
        "assistant": assistant, "may_edit": may(request, Role.MEMBER), "now": db.now(),
        "rows": [{"version": row, "changed": _words(row, before)} for row, before in zip(rows, older, strict=True)],
    }  # fmt: skip
    return render(request, "assistants/versions.html", context)


@require_safe
def assistant_version(request: HttpRequest, org: str, pk: UUID, version: int) -> HttpResponse:
    """One version beside another: `?against=` its number, else the one before it."""
    assistant = find_assistant(request, pk)
    rows = {row.version: row for row in versions_of(assistant)}
    if version not in rows:
        raise NotFound(_("This version is not kept any more."))
    before = _against(request, list(rows), version)
    context = {
        "assistant": assistant, "version": rows[version], "others": [number for number in rows if number != version],
        "against": rows.get(before), "may_edit": may(request, Role.MEMBER), "now": db.now(),
        "fields": _differences(assistant, rows[before], rows[version]) if before in rows else [],
    }  # fmt: skip
    return render(request, "assistants/version.html", context)


@require_POST
@needs(Role.MEMBER)
def assistant_restore(request: HttpRequest, org: str, pk: UUID, version: int) -> HttpResponse:
    """Save an old version again, as a new one."""
    assistant = find_assistant(request, pk)
    judged = judge_restore(assistant=assistant, version=version)
    if not judged.ok:
        text = _("This version cannot come back as it was: %(problem)s") % {"problem": judged.problems[0].text}
        messages.error(request, text)
        return redirect("assistant_version", org, pk, version)
    update_assistant(assistant=assistant, values=judged.values, by=Actor.of(request), now=db.now())
    messages.success(request, _("Version %(number)s is back, as a new version.") % {"number": version})
    return redirect("assistant_versions", org, pk)


def _against(request: HttpRequest, numbers: list[int], version: int) -> int:
    """The number of the other one; 0 when there is none."""
    text = request.GET.get("against", "")
    if text.isdecimal() and len(text) < 10 and int(text) in numbers and int(text) != version:
        return int(text)
    return max((number for number in numbers if number < version), default=0)


def _words(row: AssistantVersion, before: AssistantVersion | None) -> list[str]:
    """What changed, in words, each once; of the oldest nothing is known."""
    if before is None:
        return []
    return list(dict.fromkeys(str(WORDS.get(name, name)) for name in changed_names(before.values, row.values)))


def _differences(assistant: Assistant, before: AssistantVersion, after: AssistantVersion) -> list[dict[str, Any]]:
    old = Assistant(organization=assistant.organization, pk=assistant.pk, **shown(before.values))
    return differences(Editor(old), {name: shown(after.values)[name] for name in NAMES})
