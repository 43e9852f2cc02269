"""Tool templates and analysis templates on the wire (api 8.2, 8.10)."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.assistants.models import AnalysisTemplate, ToolTemplate
from apps.assistants.schema.report import Cleaned
from apps.assistants.template_services import (
    create_template,
    delete_template,
    judge_analysis_template,
    judge_tool_template,
    update_template,
)
from apps.assistants.template_wire import analysis_template_body, tool_template_body
from apps.core import db
from apps.core.api import window
from apps.core.errors import NotFound
from apps.core.openapi import WARNINGS, array, integer, one, operation, record, ref
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import create_once
from apps.organizations.services import Actor

ANALYSIS_MOST = 100
ONE_TOOL = one("tool_template", "ToolTemplate", warnings=WARNINGS)
ONE_ANALYSIS = one("analysis_template", "AnalysisTemplate")
COPIED = "Assistants keep their copies."
PAGE = (
    OpenApiParameter("limit", integer(minimum=1, maximum=ANALYSIS_MOST), description="1 to 100. Without it: all."),
    OpenApiParameter("offset", integer(minimum=0, default=0), description="How many rows to skip."),
)
T = TypeVar("T", ToolTemplate, AnalysisTemplate)


def _find(kind: type[T], request: Request, pk: UUID) -> T:
    """The organization's template. Raises NotFound for anything else."""
    found = kind.objects.for_organization(organization_of(request)).select_related("organization").filter(pk=pk).first()
    if found is None:
        raise NotFound("There is no template with this id.")
    return found


def _with_warnings(body: dict[str, Any], cleaned: Cleaned) -> dict[str, Any]:
    return body | ({"warnings": cleaned.warnings} if cleaned.warnings else {})


class ToolTemplateListView(APIView):
    @operation(
        "listToolTemplates", "List tool templates", "All of them, newest first.",
        answer=record({"tool_templates": array(ref("ToolTemplate"))}),
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = ToolTemplate.objects.for_organization(organization_of(request)).order_by("-created_at", "-id")
        return Response({"tool_templates": [tool_template_body(each) for each in found]})

    @operation(
        "createToolTemplate", "Create a tool template", "A tool to copy into assistants, in any of three forms.",
        body=ref("ToolTemplateCreate"), answer=ONE_TOOL, status=201,
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        cleaned = judge_tool_template(organization=organization, data=request.data)
        values, by = cleaned.require(), Actor.of(request)
        template = create_once(
            request, ToolTemplate.objects.for_organization(organization),
            lambda pk: create_template(kind=ToolTemplate, organization=organization, values=values | {"id": pk}, by=by),
        )  # fmt: skip
        return Response(_with_warnings({"tool_template": tool_template_body(template)}, cleaned), status=201)


class ToolTemplateView(APIView):
    @operation("getToolTemplate", "Get a tool template", answer=ONE_TOOL)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return Response({"tool_template": tool_template_body(_find(ToolTemplate, request, pk))})

    @operation(
        "updateToolTemplate", "Change a tool template",
        f"Only the keys that are sent change; a config replaces the stored one whole. {COPIED}",
        body=ref("ToolTemplateUpdate"), answer=ONE_TOOL,
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        template = _find(ToolTemplate, request, pk)
        cleaned = judge_tool_template(organization=template.organization, data=request.data, template=template)
        values = cleaned.require()
        template = update_template(template=template, values=values, by=Actor.of(request), now=db.now())
        return Response(_with_warnings({"tool_template": tool_template_body(template)}, cleaned))

    @operation("deleteToolTemplate", "Delete a tool template", COPIED)
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        delete_template(template=_find(ToolTemplate, request, pk), by=Actor.of(request))
        return Response({"success": True})


class AnalysisTemplateListView(APIView):
    @operation(
        "listAnalysisTemplates", "List analysis templates", "Newest first; all of them without a `limit`.",
        answer=ref("AnalysisTemplateListResponse"), parameters=PAGE,
    )  # fmt: skip
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = AnalysisTemplate.objects.for_organization(organization_of(request)).order_by("-created_at", "-id")
        limit, offset = window(request, most=ANALYSIS_MOST)
        if request.GET.get("limit"):
            rows, total = list(found[offset : offset + limit]), found.count()
        else:
            everything = list(found)
            # Whoever steps on by `limit` must not step by nothing.
            rows, total, limit = everything[offset:], len(everything), max(1, len(everything))
        bodies = [analysis_template_body(each) for each in rows]
        return Response(
            {"analysis_templates": bodies, "data": bodies, "total": total, "limit": limit, "offset": offset}
        )

    @operation(
        "createAnalysisTemplate", "Create an analysis template",
        "Prompts and a schema to copy into analysis plans. Absent prompts get a default text.",
        body=ref("CreateAnalysisTemplate"), answer=ONE_ANALYSIS, status=201,
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        cleaned = judge_analysis_template(organization=organization, data=request.data)
        values, by = cleaned.require(), Actor.of(request)
        template = create_once(
            request, AnalysisTemplate.objects.for_organization(organization),
            lambda pk: create_template(
                kind=AnalysisTemplate, organization=organization, values=values | {"id": pk}, by=by
            ),
        )  # fmt: skip
        return Response({"analysis_template": analysis_template_body(template)}, status=201)


class AnalysisTemplateView(APIView):
    @operation("getAnalysisTemplate", "Get an analysis template", answer=ONE_ANALYSIS)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return Response({"analysis_template": analysis_template_body(_find(AnalysisTemplate, request, pk))})

    @operation(
        "updateAnalysisTemplate", "Change an analysis template", f"Only the keys that are sent change. {COPIED}",
        body=ref("UpdateAnalysisTemplate"), answer=ONE_ANALYSIS,
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        template = _find(AnalysisTemplate, request, pk)
        cleaned = judge_analysis_template(organization=template.organization, data=request.data, template=template)
        values = cleaned.require()
        template = update_template(template=template, values=values, by=Actor.of(request), now=db.now())
        return Response({"analysis_template": analysis_template_body(template)})

    @operation("deleteAnalysisTemplate", "Delete an analysis template", COPIED)
    def delete(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        delete_template(template=_find(AnalysisTemplate, request, pk), by=Actor.of(request))
        return Response({"success": True})
