"""Workflows on the wire (api 8.15)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.assistants.models import Workflow
from apps.assistants.workflow_services import create_workflow, delete_workflow, judge_workflow, update_workflow
from apps.assistants.workflows import counts
from apps.core import db
from apps.core.api import instant
from apps.core.errors import NotFound
from apps.core.openapi import WARNINGS, many, one, operation, ref
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import create_once
from apps.organizations.services import Actor

ONE = one("workflow", "Workflow", warnings=WARNINGS)
RULES = "An invalid definition is 400 with one entry in `details` per break."


def summary(workflow: Workflow) -> dict[str, Any]:
    """A row of the list."""
    nodes, edges = counts(workflow.definition)
    return {
        "id": str(workflow.pk),
        "name": workflow.name,
        "is_active": workflow.is_active,
        "entry_node": workflow.definition.get("entry_node"),
        "node_count": nodes,
        "edge_count": edges,
        "created_at": instant(workflow.created_at),
        "updated_at": instant(workflow.updated_at),
    }


def workflow_body(workflow: Workflow) -> dict[str, Any]:
    return {
        "id": str(workflow.pk),
        "name": workflow.name,
        "is_active": workflow.is_active,
        "definition": workflow.definition,
        "created_at": instant(workflow.created_at),
        "updated_at": instant(workflow.updated_at),
    }


def _workflow(request: Request, pk: UUID) -> Workflow:
    found = Workflow.objects.for_organization(organization_of(request)).select_related("organization").filter(pk=pk)
    if (workflow := found.first()) is None:
        raise NotFound("There is no workflow with this id.")
    return workflow


def _envelope(workflow: Workflow, warnings: list[str] | None = None) -> dict[str, Any]:
    return {"workflow": workflow_body(workflow)} | ({"warnings": warnings} if warnings else {})


class WorkflowListView(APIView):
    @operation("listWorkflows", "List workflows", "Summaries, newest first.", answer=many("workflows", "WorkflowSummary"))
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = Workflow.objects.for_organization(organization_of(request)).order_by("-created_at", "-id")
        return Response({"workflows": [summary(each) for each in found]})

    @operation("createWorkflow", "Create a workflow", RULES, body=ref("WorkflowCreate"), answer=ONE, status=201)
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        judged = judge_workflow(organization=organization, data=request.data)
        values, by = judged.require(), Actor.of(request)
        workflow = create_once(
            request, Workflow.objects.for_organization(organization),
            lambda pk: create_workflow(organization=organization, values=values | {"id": pk}, by=by),
        )  # fmt: skip
        return Response(_envelope(workflow, judged.warnings), status=201)


class WorkflowView(APIView):
    @operation("getWorkflow", "Get a workflow", answer=ONE)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return Response(_envelope(_workflow(request, pk)))

    @operation(
        "updateWorkflow", "Change a workflow", f"A new definition replaces the old one whole. {RULES}",
        body=ref("WorkflowUpdate"), answer=ONE,
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        workflow = _workflow(request, pk)
        judged = judge_workflow(organization=workflow.organization, data=request.data, partial=True)
        workflow = update_workflow(workflow=workflow, values=judged.require(), by=Actor.of(request), now=db.now())
        return Response(_envelope(workflow, judged.warnings))

    @operation("deleteWorkflow", "Delete a workflow", "409 while phone numbers run it.", further=[409])
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        delete_workflow(workflow=_workflow(request, pk), by=Actor.of(request))
        return Response({"success": True})
