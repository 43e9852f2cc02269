"""Pages of workflows: create, the builder's fragments, on and off. What shows numbers too stands in dashboard."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from apps.assistants.forms.workflow import Draft, WorkflowForm, read_draft, stepped
from apps.assistants.models import Workflow
from apps.assistants.workflow_services import Judged, create_workflow, judge_workflow, update_workflow
from apps.assistants.workflows import as_text, first_definition
from apps.assistants.workflows.nodes import TYPES
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import may, needs
from apps.organizations.middleware import toast
from apps.organizations.models import Role
from apps.organizations.services import Actor


def find_workflow(request: HttpRequest, pk: UUID) -> Workflow:
    """The organization's workflow. Raises NotFound for anything else."""
    found = Workflow.objects.for_organization(request.organization).select_related("organization").filter(pk=pk)  # type: ignore[attr-defined]
    if (workflow := found.first()) is None:
        raise NotFound(_("There is no such workflow. It may have been deleted."))
    return workflow


def builder(
    request: HttpRequest, form: WorkflowForm, draft: Draft, *, workflow: Workflow | None = None, status: int = 200, **more: Any
) -> HttpResponse:
    """The page with text and drawing, for a new workflow or a stored one."""
    context = {
        "form": form, "draft": draft, "workflow": workflow, "may_edit": may(request, Role.MEMBER), "kinds": _kinds(),
    }  # fmt: skip
    return render(request, "assistants/workflow.html", context | more, status=status)


def judged_post(request: HttpRequest) -> tuple[WorkflowForm, Draft, Judged | None]:
    """The posted form and its draft; no judgement when a button of the builder was pressed or the text is no JSON."""
    text = request.POST.get("definition", "")
    if step := request.POST.get("step"):
        draft = stepped(text, request.POST, step)
        typed = {"name": request.POST.get("name", ""), "is_active": "is_active" in request.POST, "definition": draft.text}
        return WorkflowForm(initial=typed), draft, None
    form, draft = WorkflowForm(request.POST), read_draft(text)
    if not form.is_valid() or draft.definition is None:
        if draft.definition is None:
            form.add_error("definition", draft.findings[0].text if draft.findings else _("This is not a definition."))
        return form, draft, None
    judged = judge_workflow(organization=request.organization, data=form.cleaned_data | {"definition": draft.definition})  # type: ignore[attr-defined]
    form.take(judged.head.problems)
    if judged.definition and judged.definition.problems:
        draft = read_draft(text, problems=judged.definition.problems)
        form.add_error("definition", _("The definition has problems: see the list beside it."))
    return form, draft, judged


@require_http_methods(["GET", "POST"])
@needs(Role.MEMBER)
def workflow_create(request: HttpRequest, org: str) -> HttpResponse:
    if request.method == "GET":
        text = as_text(first_definition())
        return builder(request, WorkflowForm(initial={"definition": text, "is_active": True}), read_draft(text))
    form, draft, judged = judged_post(request)
    if judged is None or judged.problems:
        return builder(request, form, draft, status=422 if form.errors else 200, is_dirty=True)
    made = create_workflow(organization=request.organization, values=judged.require(), by=Actor.of(request))  # type: ignore[attr-defined]
    messages.success(request, _("“%(name)s” is saved. Give it to a number to run it.") % {"name": made.name})
    return redirect("workflow", org, made.pk)


@require_POST
@needs(Role.MEMBER)
def workflow_preview(request: HttpRequest, org: str) -> HttpResponse:
    """Drawing and findings for the text as it stands, after a button when one was pressed. Stores nothing."""
    text, step = request.POST.get("definition", ""), request.GET.get("step", "")
    draft = stepped(text, request.POST, step) if step else read_draft(text)
    return render(request, "assistants/_workflow_view.html", {"draft": draft, "may_edit": True, "kinds": _kinds()})


@require_POST
@needs(Role.MEMBER)
def workflow_active(request: HttpRequest, org: str, pk: UUID) -> HttpResponse:
    """Switch a workflow on or off from the list."""
    on = request.POST.get("is_active") == "on"
    found = find_workflow(request, pk)
    found = update_workflow(workflow=found, values={"is_active": on}, by=Actor.of(request), now=db.now())
    words = {"name": found.name}
    text = _("“%(name)s” is active.") % words if on else _("“%(name)s” is off: assistants answer its numbers.") % words
    if request.headers.get("HX-Request"):
        answer = render(request, "assistants/_workflow_active.html", {"workflow": found, "may_edit": True})
        answer.headers["HX-Trigger"] = toast(text).headers["HX-Trigger"]
        return answer
    messages.success(request, text)
    return redirect("workflows", org)


def _kinds() -> list[dict[str, str]]:
    words = {
        "conversation": (_("Conversation"), "message-circle"), "tool": (_("Tool"), "webhook"),
        "transfer": (_("Transfer"), "phone-forwarded"), "end": (_("End"), "phone-off"),
    }  # fmt: skip
    return [{"kind": kind, "label": words[kind][0], "icon": words[kind][1]} for kind in TYPES]
