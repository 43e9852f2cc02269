"""Pages of workflows that show their numbers: the list, one workflow, its deletion."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from apps.assistants.errors import StaleRow
from apps.assistants.forms.workflow import Draft, WorkflowForm, initial_of, read_draft
from apps.assistants.models import Workflow
from apps.assistants.views_workflows import builder, find_workflow, judged_post
from apps.assistants.workflow_services import delete_workflow, update_workflow
from apps.core import db
from apps.dashboard.selectors_assistants import numbers_running, workflows_with_numbers
from apps.organizations.access import may, needs
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.voice.capabilities import known_capabilities
from apps.voice.services import find_connection

FEATURE = "workflows"


@require_GET
def workflows(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    rows = workflows_with_numbers(organization).order_by("name", "id")
    context = {"workflows": rows, "may_edit": may(request, Role.MEMBER), "is_run": _is_run(organization)}
    return render(request, "assistants/workflows.html", context)


@require_http_methods(["GET", "POST"])
def workflow(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    found = find_workflow(request, pk)
    if request.method == "POST":
        return _save(request, found)
    form = WorkflowForm(initial=initial_of(found))
    if not may(request, Role.MEMBER):
        for field in form.fields.values():
            field.disabled = True
    return _page(request, found, form, read_draft(form.initial["definition"]), found.version)


@needs(Role.MEMBER)
def _save(request: HttpRequest, found: Workflow) -> HttpResponse:
    text = request.POST.get("version", "")
    version = int(text) if text.isdecimal() and len(text) < 10 else 0
    form, draft, judged = judged_post(request)
    if judged is None or judged.problems:
        return _page(request, found, form, draft, version, status=422 if form.errors else 200, is_dirty=True)
    try:
        update_workflow(
            workflow=found, values=judged.require(), by=Actor.of(request), now=db.now(), expected_version=version
        )  # fmt: skip
    except StaleRow as stale:
        return _compare(request, stale.current, form, draft)
    for warning in judged.warnings:
        messages.warning(request, _("Saved, but have a look: %(warning)s") % {"warning": warning})
    if not judged.warnings:
        messages.success(request, _("Saved. It applies from the next call on."))
    return redirect("workflow", found.organization.slug, found.pk)


def _compare(request: HttpRequest, current: Workflow, form: WorkflowForm, draft: Draft) -> HttpResponse:
    """Both versions; sending the form again saves the person's own over the one that was shown."""
    theirs, yours = initial_of(current), form.cleaned_data
    fields = [
        {"label": form.fields[name].label, "theirs": _shown(theirs[name]), "yours": _shown(yours[name])}
        for name in theirs
        if theirs[name] != yours[name]
    ]
    conflict = {"fields": fields, "at": current.updated_at}
    return _page(request, current, form, draft, current.version, status=409, is_dirty=True, conflict=conflict)


def _page(
    request: HttpRequest, found: Workflow, form: WorkflowForm, draft: Draft, version: int, *, status: int = 200, **more: Any
) -> HttpResponse:
    numbers = list(numbers_running(found))
    more |= {"version": version, "numbers": numbers, "is_run": _is_run(found.organization)}
    return builder(request, form, draft, workflow=found, status=status, **more)


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def workflow_delete(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Asks, or says which numbers still run it; deletes on POST."""
    found = find_workflow(request, pk)
    if request.method == "POST":
        delete_workflow(workflow=found, by=Actor.of(request))
        messages.success(request, _("“%(name)s” is deleted.") % {"name": found.name})
        return redirect("workflows", org)
    return render(request, "assistants/workflow_delete.html", {"workflow": found, "numbers": list(numbers_running(found))})


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return _("On") if value else _("Off")
    return str(value or "")


def _is_run(organization: Organization) -> bool:
    """Whether the engine in use announces that it runs workflows (engine 5.1: only what is announced is used)."""
    connection = find_connection(organization)
    return connection is not None and known_capabilities(connection).has(FEATURE)
