"""Assistants on the wire (api 8.1), and their older name, agents (api 8.17). DELETE stands in dashboard: it spans apps."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.assistants.models import Assistant
from apps.assistants.services import create_assistant, judge_change, judge_new, update_assistant
from apps.assistants.wire import assistant_body
from apps.catalog.providers import voices
from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.authentication import organization_of
from apps.organizations.services import Actor


class AssistantSerializer(serializers.Serializer[Any]):
    """The documented shape; the rules stand in the schema, which form, API and webhook answers share."""

    id = serializers.UUIDField(read_only=True)
    org_id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(max_length=200)
    business_name = serializers.CharField(required=False, allow_null=True)
    notification_email = serializers.EmailField(required=False, allow_null=True)
    notification_emails = serializers.ListField(child=serializers.EmailField(), required=False, allow_null=True)
    recording_consent = serializers.JSONField(required=False, allow_null=True)
    first_message = serializers.CharField(required=False, allow_null=True)
    is_active = serializers.BooleanField(required=False)
    max_duration_seconds = serializers.IntegerField(required=False, allow_null=True)
    autonomous_silence_handling = serializers.BooleanField(required=False)
    silence_timeout_seconds = serializers.IntegerField(required=False)
    voicemail_detection = serializers.BooleanField(required=False, allow_null=True)
    voicemail_message = serializers.CharField(required=False, allow_null=True)
    gdpr_mode = serializers.BooleanField(required=False)
    webhook_url = serializers.CharField(required=False, allow_null=True)
    webhook_secret = serializers.CharField(required=False, allow_null=True)
    webhook_events = serializers.ListField(child=serializers.CharField(), required=False, allow_null=True)
    analysis_plan = serializers.JSONField(required=False, allow_null=True)
    stt_config = serializers.JSONField(required=False)
    llm_config = serializers.JSONField(required=False)
    tts_config = serializers.JSONField(required=False, allow_null=True)
    speech_config = serializers.JSONField(required=False, allow_null=True)
    created_at = serializers.DateTimeField(read_only=True)
    updated_at = serializers.DateTimeField(read_only=True)


One = inline_serializer("AssistantEnvelope", {"assistant": AssistantSerializer()})
Many = inline_serializer("AssistantListEnvelope", {"assistants": AssistantSerializer(many=True)})
OneAgent = inline_serializer("AgentEnvelope", {"agent": AssistantSerializer(), "assistant": AssistantSerializer()})
ManyAgents = inline_serializer(
    "AgentListEnvelope", {"agents": AssistantSerializer(many=True), "assistants": AssistantSerializer(many=True)}
)


def find_assistant(request: Request, pk: UUID) -> Assistant:
    """The organization's live assistant. Raises NotFound for anything else."""
    found = (
        Assistant.objects.for_organization(organization_of(request)).live().select_related("organization").filter(pk=pk)
    )
    if (assistant := found.first()) is None:
        raise NotFound("There is no assistant with this id.")
    return assistant


class Named:
    """Under which key the content stands."""

    def named(self, content: Any, *, many: bool = False, warnings: list[str] | None = None) -> dict[str, Any]:
        body: dict[str, Any] = {"assistants" if many else "assistant": content}
        return body | ({"warnings": warnings} if warnings else {})


class AssistantListView(Named, APIView):
    serializer_class = AssistantSerializer

    @extend_schema(operation_id="assistants_list", responses=Many)
    def get(self, request: Request, **kwargs: Any) -> Response:
        found = Assistant.objects.for_organization(organization_of(request)).live().order_by("-created_at", "-id")
        return Response(self.named([assistant_body(each) for each in found], many=True))

    @extend_schema(operation_id="assistants_create", request=AssistantSerializer, responses={201: One})
    def post(self, request: Request, **kwargs: Any) -> Response:
        organization = organization_of(request)
        cleaned = judge_new(organization=organization, data=request.data)
        assistant = create_assistant(organization=organization, values=cleaned.require(), by=Actor.of(request))
        return Response(self.named(assistant_body(assistant), warnings=cleaned.warnings), status=201)


class AssistantView(Named, APIView):
    serializer_class = AssistantSerializer

    @extend_schema(operation_id="assistants_get", responses=One)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return Response(self.named(assistant_body(find_assistant(request, pk))))

    @extend_schema(operation_id="assistants_update", request=AssistantSerializer, responses=One)
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        assistant = find_assistant(request, pk)
        cleaned = judge_change(assistant=assistant, data=request.data)
        assistant = update_assistant(assistant=assistant, values=cleaned.require(), by=Actor.of(request), now=db.now())
        return Response(self.named(assistant_body(assistant), warnings=cleaned.warnings))


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
    @extend_schema(operation_id="agents_list", responses=ManyAgents, deprecated=True)
    def get(self, request: Request, **kwargs: Any) -> Response:
        return super().get(request, **kwargs)

    @extend_schema(
        operation_id="agents_create", request=AssistantSerializer, responses={201: OneAgent}, deprecated=True
    )
    def post(self, request: Request, **kwargs: Any) -> Response:
        return super().post(request, **kwargs)


class AgentView(Agents, AssistantView):
    @extend_schema(operation_id="agents_get", responses=OneAgent, deprecated=True)
    def get(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return super().get(request, pk, **kwargs)

    @extend_schema(operation_id="agents_update", request=AssistantSerializer, responses=OneAgent, deprecated=True)
    def patch(self, request: Request, pk: UUID, **kwargs: Any) -> Response:
        return super().patch(request, pk, **kwargs)


class VoiceListView(APIView):
    serializer_class = serializers.Serializer

    @extend_schema(
        operation_id="voices_list",
        responses=inline_serializer(
            "VoiceListEnvelope", {"voices": serializers.ListField(child=serializers.DictField())}
        ),
    )
    def get(self, request: Request, **kwargs: Any) -> Response:
        return Response({"voices": [voice.as_json() for voice in voices()]})
