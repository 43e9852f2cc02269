"""Pages of analysis templates: list, create, edit, duplicate, delete."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.assistants.forms.analysis_template import BLANK, AnalysisTemplateEditor
from apps.assistants.models import AnalysisTemplate
from apps.assistants.template_copies import analysis_values
from apps.assistants.template_services import (
    StaleTemplate,
    create_template,
    duplicate_template,
    judge_analysis_template,
    update_template,
)
from apps.assistants.views_templates import conflict_with, delete_page, find_template, say_saved, version_of
from apps.core import db
from apps.organizations.access import may, needs
from apps.organizations.models import Role
from apps.organizations.services import Actor


@require_GET
def analysis_templates(request: HttpRequest, org: str) -> HttpResponse:
    found = AnalysisTemplate.objects.for_organization(request.organization).order_by("name", "id")  # type: ignore[attr-defined]
    context = {"templates": found, "may_edit": may(request, Role.MEMBER)}
    return render(request, "assistants/analysis_templates.html", context)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def analysis_template_create(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    typed = request.POST if request.method == "POST" else None
    editor = AnalysisTemplateEditor(BLANK, typed)
    if typed is None or editor.is_step:
        return _page(request, editor)
    judged = judge_analysis_template(organization=organization, data=editor.whole())
    if not editor.show(judged):
        return _page(request, editor, status=422)
    made = create_template(kind=AnalysisTemplate, organization=organization, values=judged.values, by=Actor.of(request))
    say_saved(request, judged, _("“%(name)s” is ready to be used in assistants.") % {"name": made.name})
    return redirect("analysis_templates", org)


@require_http_methods(["GET", "POST"])
def analysis_template(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    found = find_template(AnalysisTemplate, request, pk)
    if request.method == "POST":
        return _save(request, found)
    editor = AnalysisTemplateEditor(analysis_values(found), may_edit=may(request, Role.MEMBER))
    return _page(request, editor, template=found, version=found.version)


@needs(Role.MEMBER)
def _save(request: HttpRequest, template: AnalysisTemplate) -> HttpResponse:
    version = version_of(request)
    editor = AnalysisTemplateEditor(analysis_values(template), request.POST)
    shown: dict[str, Any] = {"template": template, "version": version, "is_dirty": True}
    if editor.is_step:
        return _page(request, editor, **shown)
    judged = judge_analysis_template(organization=template.organization, data=editor.change(), template=template)
    if not editor.show(judged):
        return _page(request, editor, status=422, **shown)
    try:
        update_template(
            template=template, values=judged.values, by=Actor.of(request), now=db.now(), expected_version=version
        )
    except StaleTemplate as stale:
        editor = AnalysisTemplateEditor(analysis_values(stale.current), request.POST)
        return _page(request, editor, status=409, **conflict_with(stale.current, editor))
    say_saved(request, judged, _("Saved. Assistants keep the copies they have.") if judged.values else "")
    return redirect("analysis_template", template.organization.slug, template.pk)


def _page(request: HttpRequest, editor: AnalysisTemplateEditor, *, status: int = 200, **more: Any) -> HttpResponse:
    context = {"editor": editor, "form": editor.form, "may_edit": editor.may_edit}
    return render(request, "assistants/analysis_template.html", context | more, status=status)


@require_POST
@needs(Role.MEMBER)
def analysis_template_duplicate(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    copied = duplicate_template(template=find_template(AnalysisTemplate, request, pk), by=Actor.of(request))
    messages.success(request, _("This is the copy."))
    return redirect("analysis_template", org, copied.pk)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def analysis_template_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    return delete_page(request, find_template(AnalysisTemplate, request, pk), "analysis_template")
