"""Pages of tool templates: list, pick a start, create, edit, duplicate, delete."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.assistants.forms.analysis_template import BLANK, AnalysisTemplateEditor
from apps.assistants.forms.editor import Editor
from apps.assistants.forms.schema_editor import Flaw
from apps.assistants.forms.template_sheet import TemplateEditor
from apps.assistants.forms.tool_template import ToolTemplateEditor
from apps.assistants.models import AnalysisTemplate, ToolTemplate
from apps.assistants.schema import Cleaned
from apps.assistants.schema.tool_template import template_of
from apps.assistants.selectors import last_editor
from apps.assistants.template_copies import tool_values
from apps.assistants.template_services import (
    KINDS,
    StaleTemplate,
    create_template,
    delete_template,
    duplicate_template,
    judge_tool_template,
    update_template,
)
from apps.assistants.template_starters import BLANKS, TOOL_STARTERS
from apps.assistants.views import find_assistant, schema_words
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import may, needs
from apps.organizations.middleware import toast
from apps.organizations.models import Role
from apps.organizations.services import Actor

T = TypeVar("T", ToolTemplate, AnalysisTemplate)


def find_template(kind: type[T], request: HttpRequest, pk: UUID) -> T:
    """The organization's template. Raises NotFound for anything else."""
    found = kind.objects.for_organization(request.organization).select_related("organization").filter(pk=pk).first()  # type: ignore[attr-defined]
    if found is None:
        raise NotFound(_("There is no such template. It may have been deleted."))
    return found


@require_GET
def tool_templates(request: HttpRequest, org: str) -> HttpResponse:
    found = ToolTemplate.objects.for_organization(request.organization).order_by("name", "id")  # type: ignore[attr-defined]
    context = {"templates": found, "starters": TOOL_STARTERS, "may_edit": may(request, Role.MEMBER)}
    return render(request, "assistants/tool_templates.html", context)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def tool_template_create(request: HttpRequest, org: str) -> HttpResponse:
    """Without a start to pick one, then the form; nothing is stored before it is sent."""
    organization = request.organization  # type: ignore[attr-defined]
    starter = (TOOL_STARTERS | BLANKS).get(request.GET.get("start", ""))
    if starter is None:
        context = {"starters": TOOL_STARTERS, "blanks": BLANKS}
        return render(request, "assistants/tool_template_start.html", context)
    typed = request.POST if request.method == "POST" else None
    editor = ToolTemplateEditor(starter.values(), organization.country, typed)
    if typed is None or editor.is_step:
        return _tool_page(request, editor)
    judged = judge_tool_template(organization=organization, data=editor.whole())
    if not editor.show(judged):
        return _tool_page(request, editor, status=422)
    made = create_template(kind=ToolTemplate, organization=organization, values=judged.values, by=Actor.of(request))
    say_saved(request, judged, _("“%(name)s” is ready to be added to assistants.") % {"name": made.name})
    return redirect("tool_templates", org)


@require_http_methods(["GET", "POST"])
def tool_template(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    found = find_template(ToolTemplate, request, pk)
    if request.method == "POST":
        return _save_tool(request, found)
    editor = ToolTemplateEditor(tool_values(found), found.organization.country, may_edit=may(request, Role.MEMBER))
    return _tool_page(request, editor, template=found, version=found.version)


@needs(Role.MEMBER)
def _save_tool(request: HttpRequest, template: ToolTemplate) -> HttpResponse:
    country, version = template.organization.country, version_of(request)
    editor = ToolTemplateEditor(tool_values(template), country, request.POST)
    shown: dict[str, Any] = {"template": template, "version": version, "is_dirty": True}
    if editor.is_step:
        return _tool_page(request, editor, **shown)
    judged = judge_tool_template(organization=template.organization, data=editor.change(), template=template)
    if not editor.show(judged):
        return _tool_page(request, editor, status=422, **shown)
    try:
        update_template(
            template=template, values=judged.values, by=Actor.of(request), now=db.now(), expected_version=version
        )
    except StaleTemplate as stale:
        editor = ToolTemplateEditor(tool_values(stale.current), country, request.POST)
        return _tool_page(request, editor, status=409, **conflict_with(stale.current, editor))
    say_saved(request, judged, _("Saved. Assistants keep the copies they have.") if judged.values else "")
    return redirect("tool_template", template.organization.slug, template.pk)


def _tool_page(request: HttpRequest, editor: ToolTemplateEditor, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {
        "editor": editor, "form": editor.form, "card": editor.card, "may_edit": editor.may_edit,
        "kind_label": ToolTemplate.Type(editor.kind).label, "start": request.GET.get("start", ""),
    }  # fmt: skip
    return render(request, "assistants/tool_template.html", context | more, status=status)


@require_POST
@needs(Role.MEMBER)
def tool_template_duplicate(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    copied = duplicate_template(template=find_template(ToolTemplate, request, pk), by=Actor.of(request))
    messages.success(request, _("This is the copy."))
    return redirect("tool_template", org, copied.pk)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def tool_template_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    return delete_page(request, find_template(ToolTemplate, request, pk), "tool_template")


@require_POST
@needs(Role.MEMBER)
def template_schema(request: HttpRequest, org: str) -> HttpResponse:
    """A schema as rows or as JSON, from what was typed; nothing is stored."""
    typed = request.POST.copy()
    typed["switch"] = prefix = request.GET.get("prefix", "")
    tool = ToolTemplateEditor(BLANKS["function"].values(), request.organization.country, typed)  # type: ignore[attr-defined]
    analysis = AnalysisTemplateEditor(BLANK, typed)
    pairs = ((tool.card.parameters, tool), (analysis.schema, analysis))  # type: ignore[attr-defined]
    found = next(((schema, editor) for schema, editor in pairs if schema.prefix == prefix), None)
    if found is None:
        raise NotFound
    context = {"schema": found[0], "form": found[1].form, "may_edit": True, "is_template": True, **schema_words(prefix)}
    return render(request, "assistants/_schema.html", context)


@require_POST
@needs(Role.MEMBER)
def tool_template_keep(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Keep one tool of an assistant, as it is typed, as a template."""
    found = find_assistant(request, pk)
    typed = request.POST.copy()
    typed["tools-shown"] = "1"
    # The whole form may come along; the address says which of its tools is meant.
    typed.setlist("tools", [request.GET.get("tool", "")])
    cards = Editor(found, typed).tools.cards
    try:
        values = template_of(cards[0].read()) if cards else None
    except Flaw as flaw:
        return toast(str(flaw), level="error")
    if values is None:
        return toast(_("This tool cannot be kept as a template."), level="error")
    if values["tool_type"] != ToolTemplate.Type.FUNCTION:
        values["name"] = cards[0].title
    judged = judge_tool_template(organization=found.organization, data=values)
    if not judged.ok:
        return toast(_("Not saved: %(problem)s.") % {"problem": judged.problems[0]}, level="error")
    create_template(kind=ToolTemplate, organization=found.organization, values=judged.values, by=Actor.of(request))
    return toast(_("“%(name)s” is among the tool templates now.") % {"name": judged.values["name"]})


# Shared with the pages of analysis templates -----------------------------------------------------------------
def version_of(request: HttpRequest) -> int:
    text = request.POST.get("version", "")
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def say_saved(request: HttpRequest, judged: Cleaned, text: str) -> None:
    for warning in judged.warnings:
        messages.warning(request, _("Saved, but have a look: %(warning)s") % {"warning": warning})
    if not judged.warnings:
        messages.success(request, text or _("Nothing had changed."))


def conflict_with(current: ToolTemplate | AnalysisTemplate, editor: TemplateEditor) -> dict[str, Any]:
    """Both versions; sending the form again saves the person's own over the one that was shown."""
    by = last_editor(current, f"{KINDS[type(current)]}.update")
    conflict = {"fields": list(editor.differences()), "by": by, "at": current.updated_at}
    return {"template": current, "version": current.version, "is_dirty": True, "conflict": conflict}


def delete_page(request: HttpRequest, template: ToolTemplate | AnalysisTemplate, name: str) -> HttpResponse:
    """Asks; deletes on POST. `name` is the route of its page; with an s that of its list."""
    slug = template.organization.slug
    if request.method == "GET":
        context = {"template": template, "back": name, "list": f"{name}s"}
        return render(request, "assistants/template_delete.html", context)
    delete_template(template=template, by=Actor.of(request))
    messages.success(request, _("“%(name)s” is deleted. Assistants keep their copies.") % {"name": template.name})
    return redirect(f"{name}s", slug)
