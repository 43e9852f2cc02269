"""Pages of assistants: create, edit, duplicate, switch on and off. The list and deletion see more apps: dashboard."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.assistants.allowed import hidden_parts
from apps.assistants.forms import CreateForm, Editor
from apps.assistants.forms.analysis_copy import with_template
from apps.assistants.forms.config_part import ROOTS
from apps.assistants.forms.conflict import differences
from apps.assistants.forms.editor import judged_with
from apps.assistants.forms.tools import kinds
from apps.assistants.models import Assistant
from apps.assistants.selectors import analysis_choices, last_editor, tool_choices
from apps.assistants.services import (
    Stale,
    create_assistant,
    duplicate_assistant,
    judge_change,
    judge_new,
    update_assistant,
)
from apps.assistants.starters import STARTERS
from apps.assistants.template_copies import plan_parts_of
from apps.catalog import providers
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import allows, may, needs
from apps.organizations.middleware import toast
from apps.organizations.models import Role
from apps.organizations.services import Actor

# Where a piece of the editor belongs; the others are settings of a provider.
TABS_OF = {"tool": "tools", "schema": "tools", "analysis": "analysis"}


def find_assistant(request: HttpRequest, pk: UUID) -> Assistant:
    """The organization's live assistant. Raises NotFound for anything else."""
    found = Assistant.objects.for_organization(request.organization).live().select_related("organization")  # type: ignore[attr-defined]
    if (assistant := found.filter(pk=pk).first()) is None:
        raise NotFound(_("There is no such assistant. It may have been deleted."))
    return assistant


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def assistant_create(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    form = CreateForm(request.POST or None, initial={"starter": organization.language})
    if form.is_valid():
        judged = judge_new(organization=organization, data=form.values())
        for problem in judged.problems:
            form.add_error("name" if problem.path == "name" else None, problem.text)
        if judged.ok:
            made = create_assistant(organization=organization, values=judged.values, by=Actor.of(request))
            messages.success(request, _("“%(name)s” is ready to be set up.") % {"name": made.name})
            return redirect("assistant", org, made.pk)
    chosen = form["starter"].value()
    context = {"form": form, "starters": STARTERS, "chosen": chosen if chosen in STARTERS else "blank"}
    return render(request, "assistants/create.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
def assistant(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    found = find_assistant(request, pk)
    if request.method == "POST":
        return _save(request, found)
    return _page(request, Editor(found, may_edit=_may_edit(request), hidden=_hidden(request)), found.version)


def _may_edit(request: HttpRequest) -> bool:
    return may(request, Role.MEMBER) and allows(request, "edit_assistants")


def _hidden(request: HttpRequest) -> frozenset[str]:
    return hidden_parts(request.features)  # type: ignore[attr-defined]


@needs(Role.MEMBER)
def _save(request: HttpRequest, assistant: Assistant) -> HttpResponse:
    version = _version(request)
    typed: QueryDict = request.POST
    if typed.get("switch") == "analysis-template":
        typed = with_template(typed, _plan_parts(assistant, typed))
    editor = Editor(assistant, typed, hidden=_hidden(request))
    if editor.is_step:
        return _page(request, editor, version, is_dirty=True)
    judged = judge_change(assistant=assistant, data=editor.change())
    if not judged_with(editor, judged):
        return _page(request, editor, version, status=422)
    try:
        update_assistant(
            assistant=assistant, values=judged.values, by=Actor.of(request), now=db.now(), expected_version=version
        )
    except Stale as stale:
        return _compare(request, stale.current)
    for warning in judged.warnings:
        messages.warning(request, _("Saved, but have a look: %(warning)s") % {"warning": warning})
    if not judged.warnings:
        messages.success(request, _("Saved.") if judged.values else _("Nothing had changed."))
    return redirect("assistant", assistant.organization.slug, assistant.pk)


def _compare(request: HttpRequest, current: Assistant) -> HttpResponse:
    """Both versions; sending the form again saves the person's own over the one that was shown."""
    editor = Editor(current, request.POST, hidden=_hidden(request))
    conflict = {
        "fields": differences(editor, editor.change()),
        "by": last_editor(current),
        "at": current.updated_at,
    }
    return _page(request, editor, current.version, status=409, is_dirty=True, conflict=conflict)


def _page(request: HttpRequest, editor: Editor, version: int, *, status: int = 200, **more: Any) -> HttpResponse:
    text_providers = [entry.id for entry in providers.providers("llm") if entry.mode == "text"]
    hides = "model" in editor.hidden
    speaking = [entry.id for entry in providers.providers("llm") if entry.mode == "realtime"]
    context = {
        "assistant": editor.assistant, "editor": editor, "form": editor.form, "tabs": editor.tabs, "version": version,
        "may_edit": editor.may_edit, "tool_kinds": kinds(), "tool_choices": tool_choices(editor.assistant.organization),
        "analysis_choices": analysis_choices(editor.assistant.organization), "text_providers": "" if hides else "|".join(text_providers),
        "realtime_providers": "" if hides else "|".join(speaking),
    }  # fmt: skip
    return render(request, "assistants/editor.html", context | more, status=status)


def _version(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


@require_http_methods(["GET", "POST"])
def assistant_part(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """A piece of the editor that depends on what was chosen: a provider's settings, a new tool, rows or JSON."""
    found = find_assistant(request, pk)
    typed = (request.POST if request.method == "POST" else request.GET).copy()
    part = request.GET.get("part", "")
    may_edit = _may_edit(request)
    if TABS_OF.get(part, "model") in _hidden(request):
        raise NotFound
    if part in ROOTS.values():
        root = next(root for root, name in ROOTS.items() if name == part)
        if "provider" in typed:
            typed[f"{root}.provider"] = str(typed["provider"])
        editor = Editor(found, typed, may_edit=may_edit)
        context = {"editor": editor, "part": editor.parts[root]}
        return render(request, "assistants/_config.html", context | {"form": editor.form, "assistant": found})
    if part == "tool":
        return _new_tool(request, found, typed)
    if part == "schema":
        return _switched(request, found, typed)
    if part == "analysis":
        return _analysis(request, found, typed)
    raise NotFound


def _new_tool(request: HttpRequest, found: Assistant, typed: Any) -> HttpResponse:
    kind = request.GET.get("kind", "")
    typed["tools-shown"], typed["add"] = "1", kind if kind == "template" else f"tool:{kind}"
    editor = Editor(found, typed)
    if not editor.tools.cards:
        raise NotFound
    context = {
        "card": editor.tools.cards[-1],
        "form": editor.form,
        "assistant": found,
        "is_new": True,
        "may_edit": True,
    }
    return render(request, "assistants/_tool.html", context)


def _analysis(request: HttpRequest, found: Assistant, typed: Any) -> HttpResponse:
    editor = Editor(found, with_template(typed, _plan_parts(found, typed)))
    context = {
        "editor": editor,
        "form": editor.form,
        "assistant": found,
        "may_edit": True,
        "analysis_choices": analysis_choices(found.organization),
    }
    return render(request, "assistants/_tab_analysis.html", context)


def _plan_parts(assistant: Assistant, typed: Any) -> dict[str, Any]:
    parts = plan_parts_of(assistant.organization, typed.get("analysis-template") or "")
    if parts is None:
        raise NotFound(_("There is no such template. It may have been deleted."))
    return parts


def _switched(request: HttpRequest, found: Assistant, typed: Any) -> HttpResponse:
    typed["switch"] = prefix = request.GET.get("prefix", "")
    typed["tools-shown"] = "1"
    if prefix.startswith("tools-"):
        typed.setlist("tools", [prefix.split("-")[1]])
    editor = Editor(found, typed)
    schemas = [card.parameters for card in editor.tools.cards if hasattr(card, "parameters")] + [editor.schema]
    schema = next((each for each in schemas if each.prefix == prefix), None)
    if schema is None:
        raise NotFound
    context = {"schema": schema, "form": editor.form, "assistant": found, "may_edit": True, **schema_words(prefix)}
    return render(request, "assistants/_schema.html", context)


def schema_words(prefix: str) -> dict[str, str]:
    """The words above a schema: a tool's parameters, or the fields of an analysis."""
    if prefix.endswith("schema"):
        return {"title": _("Fields"), "text": _("What the model fills in after each call.")}
    return {"title": _("Parameters"), "text": _("What the model asks the caller for and sends along.")}


@require_POST
@needs(Role.MEMBER)
def assistant_duplicate(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    copy = duplicate_assistant(assistant=find_assistant(request, pk), by=Actor.of(request))
    messages.success(request, _("This is the copy. It is switched off until you have looked at it."))
    return redirect("assistant", org, copy.pk)


@require_POST
@needs(Role.MEMBER)
def assistant_active(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Switch an assistant on or off from the list."""
    on = request.POST.get("is_active") == "on"
    found = find_assistant(request, pk)
    found = update_assistant(assistant=found, values={"is_active": on}, by=Actor.of(request), now=db.now())
    words = {"name": found.name}
    text = _("“%(name)s” is active.") % words if on else _("“%(name)s” no longer answers or calls.") % words
    if request.headers.get("HX-Request"):
        answer = render(request, "assistants/_active.html", {"assistant": found, "may_edit": True})
        answer.headers["HX-Trigger"] = toast(text).headers["HX-Trigger"]
        return answer
    messages.success(request, text)
    return redirect(reverse("assistants", args=[org]))
