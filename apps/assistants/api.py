"""Assistants on the wire (api 8.1), and their older name, agents (api 8.17). DELETE stands in dashboard: it spans apps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.assistants.allowed import blank, require_allowed
from apps.assistants.models import Assistant
from apps.assistants.services import create_assistant, judge_change, judge_new, update_assistant
from apps.assistants.wire import assistant_body
from apps.catalog.providers import voices
from apps.core import db
from apps.core.errors import NotFound
from apps.core.openapi import WARNINGS, array, many, one, operation, record, ref
from apps.organizations.authentication import organization_of
from apps.organizations.idempotency import create_once
from apps.organizations.services import Actor

ONE, MANY = one("assistant", "Assistant", warnings=WARNINGS), many("assistants", "Assistant")
ONE_AGENT = record(
    {"agent": ref("Assistant"), "assistant": ref("Assistant"), "warnings": WARNINGS}, required=["agent", "assistant"]
)
MANY_AGENTS = record({name: array(ref("Assistant")) for name in ("agents", "assistants")})
CREATE, UPDATE = ref("AssistantCreate"), ref("AssistantUpdate")
OLDER = "The older name of assistants: the same content under both spellings."


def find_assistant(request: Request, pk: UUID) -> Assistant:
    """The organization's live assistant. Raises NotFound for anything else."""
    found = (
        Assistant.objects.for_organization(organization_of(request)).live().select_related("organization").filter(pk=pk)
    )
    if (assistant := found.first()) is None:
        raise NotFound("There is no assistant with this id.")
    return assistant


def features_of(request: Request) -> frozenset[str] | None:
    """What is switched on for whoever asks; None: she is not bound by that."""
    found: frozenset[str] | None = getattr(request._request, "features", None)
    return found


class Named:
    """Under which key the content stands."""

    def named(self, content: Any, *, many: bool = False, warnings: list[str] | None = None) -> dict[str, Any]:
        body: dict[str, Any] = {"assistants" if many else "assistant": content}
        return body | ({"warnings": warnings} if warnings else {})


class AssistantListView(Named, APIView):
    @operation("listAssistants", "List assistants", "All of them, newest first.", answer=MANY)
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = Assistant.objects.for_organization(organization_of(request)).live().order_by("-created_at", "-id")
        return Response(self.named([assistant_body(each, features_of(request)) for each in found], many=True))

    @operation(
        "createAssistant", "Create an assistant",
        "Only the name is needed. An unknown model is stored, with a warning beside the assistant.",
        body=CREATE, answer=ONE, status=201,
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        cleaned = judge_new(organization=organization, data=request.data)
        values, by = cleaned.require(), Actor.of(request)
        require_allowed(by.features, blank(), values)
        assistant = create_once(
            request, Assistant.objects.for_organization(organization),
            lambda pk: create_assistant(organization=organization, values=values | {"id": pk}, by=by),
        )  # fmt: skip
        return Response(self.named(assistant_body(assistant, features_of(request)), warnings=cleaned.warnings), status=201)


class AssistantView(Named, APIView):
    @operation("getAssistant", "Get an assistant", answer=ONE)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return Response(self.named(assistant_body(find_assistant(request, pk), features_of(request))))

    @operation(
        "updateAssistant", "Change an assistant",
        "Only the keys that are sent change; null clears a field that may be null; a config replaces the stored one whole.",
        body=UPDATE, answer=ONE,
    )  # fmt: skip
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        assistant = find_assistant(request, pk)
        cleaned = judge_change(assistant=assistant, data=request.data)
        assistant = update_assistant(assistant=assistant, values=cleaned.require(), by=Actor.of(request), now=db.now())
        return Response(self.named(assistant_body(assistant, features_of(request)), warnings=cleaned.warnings))


class Agents:
    """The older name: same content under both spellings, and a header that says so."""

    def named(self, content: Any, *, many: bool = False, warnings: list[str] | None = None) -> dict[str, Any]:
        names = ("agents", "assistants") if many else ("agent", "assistant")
        return dict.fromkeys(names, content) | ({"warnings": warnings} if warnings else {})

    def finalize_response(self, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(*args, **kwargs)  # type: ignore[misc]
        answer["Deprecation"] = "true"
        return answer


class AgentListView(Agents, AssistantListView):
    @operation("listAgents", "List agents", OLDER, answer=MANY_AGENTS, deprecated=True)
    def get(self, request: Request, **kwargs: Any) -> Response:
        return super().get(request, **kwargs)

    @operation(
        "createAgent", "Create an agent", OLDER, body=CREATE, answer=ONE_AGENT, status=201, deprecated=True
    )  # fmt: skip
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)


class AgentView(Agents, AssistantView):
    @operation("getAgent", "Get an agent", OLDER, answer=ONE_AGENT, deprecated=True)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return super().get(request, pk, **kwargs)

    @operation("updateAgent", "Change an agent", OLDER, body=UPDATE, answer=ONE_AGENT, deprecated=True)
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return super().patch(request, pk, **kwargs)


class VoiceListView(APIView):
    @operation("listVoices", "List voices", "The voices that run on the platform itself.", answer=many("voices", "Voice"))
    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response({"voices": [voice.as_json() for voice in voices()]})
