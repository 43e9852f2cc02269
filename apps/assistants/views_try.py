"""Try a tool: a panel in the assistant's editor and on a template's page, or a page of its own without JavaScript."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.assistants.forms.editor import Editor
from apps.assistants.forms.schema_editor import Flaw
from apps.assistants.forms.tool_template import ToolTemplateEditor
from apps.assistants.forms.tool_try import FORM, ArgumentsForm
from apps.assistants.models import Assistant, ToolTemplate
from apps.assistants.schema import Tool, canonical_tool
from apps.assistants.schema.tool_template import copied_tool
from apps.assistants.schema.tools import raw_tools
from apps.assistants.template_copies import tool_of, tool_values
from apps.assistants.try_it import refusal, target_of, try_tool
from apps.assistants.views import find_assistant
from apps.assistants.views_templates import find_template
from apps.core import db
from apps.core.rate import count
from apps.organizations.access import needs
from apps.organizations.models import Organization, Role

A_MINUTE = 10


@dataclass(frozen=True)
class Tried:
    """What is tried, and what the panel needs around it. `card`: selects the inputs that say how it is typed now."""

    tool: Tool
    organization: Organization
    assistant: Assistant | None
    action: str
    back: str
    card: str


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def tool_try(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """A tool of an assistant, by its place: as it is typed when its card comes along, else as it is stored."""
    found = find_assistant(request, pk)
    index = request.GET.get("tool", "")
    try:
        raw = _typed_tool(request, found, index) if f"tools-{index}-kind" in request.POST else _stored_tool(found, index)
    except Flaw as flaw:
        return _show(request, {"problem": str(flaw), "back": reverse("assistant", args=[org, pk])}, status=422)
    action = f"{reverse('tool_try', args=[org, pk])}?tool={index}"
    back = reverse("assistant", args=[org, pk])
    if (tool := _function(raw)) is None:
        return _gone(request, back)
    return _try(request, Tried(tool, found.organization, found, action, back, f"#tool-card-{index}"))


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def tool_template_try(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    found = find_template(ToolTemplate, request, pk)
    raw: Any = tool_of(found)
    back = reverse("tool_template", args=[org, pk])
    if "tool-kind" in request.POST:
        editor = ToolTemplateEditor(tool_values(found), found.organization.country, request.POST)
        try:
            raw = copied_tool({**tool_values(found), **editor.whole()})
        except Flaw as flaw:
            return _show(request, {"problem": str(flaw), "back": back}, status=422)
    if (tool := _function(raw)) is None:
        return _gone(request, back)
    action = reverse("tool_template_try", args=[org, pk])
    return _try(request, Tried(tool, found.organization, None, action, back, "#template-form"))


def _try(request: HttpRequest, tried: Tried) -> HttpResponse:
    data = request.POST if request.method == "POST" else None
    mode = (data.get("try-switch") or data.get("try-mode") or FORM) if data else FORM
    sends = bool(data and "try-send" in data)
    form = ArgumentsForm(tried.tool.parameters, data if sends else None, mode=mode)
    target = target_of(tried.organization, tried.tool, tried.assistant)
    context: dict[str, Any] = {"tried": tried, "form": form, "target": target, "problem": refusal(target, looks_up=sends), "back": tried.back}
    if not sends or context["problem"]:
        return _show(request, context, status=422 if sends else 200)
    if not form.is_valid():
        return _show(request, context, status=422)
    if not count(f"try:{tried.organization.pk}", A_MINUTE).allowed:
        text = _("At most %(count)s tries a minute. Wait a moment, then send again.") % {"count": A_MINUTE}
        return _show(request, context | {"problem": text}, status=422)
    assert target is not None
    context["trial"] = try_tool(
        organization=tried.organization, target=target, name=tried.tool.name or "", arguments=form.arguments,
        assistant=tried.assistant, now=db.now(),
    )  # fmt: skip
    return _show(request, context)


def _show(request: HttpRequest, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    is_part = bool(request.headers.get("HX-Request"))
    name = "assistants/_tool_try.html" if is_part else "assistants/tool_try.html"
    return render(request, name, context | {"is_part": is_part}, status=status)


def _typed_tool(request: HttpRequest, assistant: Assistant, index: str) -> Any:
    typed = request.POST.copy()
    typed["tools-shown"] = "1"
    typed.setlist("tools", [index])
    cards = Editor(assistant, typed).tools.cards
    return cards[0].read() if cards else None


def _stored_tool(assistant: Assistant, index: str) -> Any:
    tools = raw_tools(assistant.llm_config)
    return tools[int(index)] if index.isdecimal() and len(index) < 4 and int(index) < len(tools) else None


def _function(raw: Any) -> Tool | None:
    """Only webhook tools have a server to ask."""
    tool = canonical_tool(raw) if isinstance(raw, dict) else None
    return tool if tool and tool.kind == "function" else None


def _gone(request: HttpRequest, back: str) -> HttpResponse:
    messages.error(request, _("There is no such tool to try. It may have been removed."))
    return redirect(back)
