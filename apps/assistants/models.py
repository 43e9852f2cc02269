"""Assistants: what answers and calls. Their configs keep every key a client sent."""

from __future__ import annotations

import json
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.core.fields_encrypted import EncryptedTextField
from apps.organizations.models import OwnedModel, OwnedQuerySet


class AssistantQuerySet(OwnedQuerySet):
    def live(self) -> Self:
        """Not deleted: the row of a deleted one stays until content retention has passed."""
        return self.filter(deleted_at__isnull=True)

    def active(self) -> Self:
        return self.live().filter(is_active=True)


class Assistant(OwnedModel):
    name = models.CharField(_("name"), max_length=200)
    business_name = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  (null is on the wire)
    is_active = models.BooleanField(default=True)
    first_message = models.TextField(null=True, blank=True)  # noqa: DJ001
    max_duration_seconds = models.PositiveIntegerField(null=True, blank=True)
    autonomous_silence_handling = models.BooleanField(default=False)
    silence_timeout_seconds = models.PositiveSmallIntegerField(default=8)
    voicemail_detection = models.BooleanField(null=True, blank=True, default=False)
    voicemail_message = models.TextField(null=True, blank=True)  # noqa: DJ001
    gdpr_mode = models.BooleanField(default=False)
    recording_consent = models.JSONField(null=True, blank=True)
    stt_config = models.JSONField(default=dict)
    llm_config = models.JSONField(default=dict)
    tts_config = models.JSONField(null=True, blank=True)
    speech_config = models.JSONField(null=True, blank=True)
    analysis_plan = models.JSONField(null=True, blank=True)
    notification_email = models.EmailField(null=True, blank=True)  # noqa: DJ001
    notification_emails = models.JSONField(null=True, blank=True)
    webhook_url = models.CharField(max_length=2048, null=True, blank=True)  # noqa: DJ001
    webhook_secret = EncryptedTextField(null=True, blank=True)
    webhook_events = models.JSONField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)
    deleted_at = models.DateTimeField(null=True, blank=True)

    objects = AssistantQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="assistant_newest")]

    def __str__(self) -> str:
        return self.name


class AssistantVersion(OwnedModel):
    """An assistant as it was saved: what a campaign compares, and where a change can be taken back to."""

    assistant = models.ForeignKey(Assistant, on_delete=models.CASCADE, related_name="versions")
    version = models.PositiveIntegerField()
    values = models.JSONField(default=dict)
    actor = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "assistant", "version"], name="one_row_per_assistant_version")
        ]

    def __str__(self) -> str:
        return f"{self.assistant_id} v{self.version}"


class ToolTemplate(OwnedModel):
    """A tool to copy into assistants (features 8). No assistant points at it."""

    class Type(models.TextChoices):
        FUNCTION = "function", _("Webhook tool")
        END_CALL = "end_call", _("End the call")
        TRANSFER_CALL = "transfer_call", _("Transfer the call")

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), null=True, blank=True)  # noqa: DJ001  (null is on the wire)
    tool_type = models.CharField(_("type"), max_length=13, choices=Type)
    tool_config = models.JSONField(default=dict, blank=True)
    server_secret = EncryptedTextField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="tool_template_newest")]

    def __str__(self) -> str:
        return self.name


class AnalysisTemplate(OwnedModel):
    """Prompts and a schema to copy into analysis plans (features 8). No assistant points at it."""

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), null=True, blank=True)  # noqa: DJ001
    system_prompt = models.TextField(_("system prompt"))
    user_prompt = models.TextField(_("user prompt"))
    schema = models.JSONField(_("schema"))
    min_messages_threshold = models.PositiveIntegerField(null=True, blank=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="analysis_template_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def field_names(self) -> list[str]:
        """What the analysis fills in."""
        properties = self.schema.get("properties")
        return list(properties) if isinstance(properties, dict) else []


class Workflow(OwnedModel):
    """A fixed conversation graph that runs on phone numbers (features 19). `definition` is kept as it was sent."""

    name = models.CharField(_("name"), max_length=200)
    is_active = models.BooleanField(default=True)
    definition = models.JSONField()
    version = models.PositiveIntegerField(default=1)

    class Meta:
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="workflow_newest")]

    def __str__(self) -> str:
        return self.name


class McpServer(OwnedModel):
    """A public MCP server whose tools assistants may use (features 20)."""

    class Transport(models.TextChoices):
        STREAMABLE_HTTP = "streamable_http", _("Streamable HTTP")
        SSE = "sse", _("Server-sent events (older)")

    name = models.CharField(_("name"), max_length=200)
    url = models.CharField(_("address"), max_length=2048)
    transport = models.CharField(_("transport"), max_length=15, choices=Transport, default=Transport.STREAMABLE_HTTP)
    # An object of names and values as JSON.
    sealed_headers = EncryptedTextField(default=b"", blank=True)
    timeout_seconds = models.PositiveSmallIntegerField(_("time limit"), default=20)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "name"], name="mcp_server_name_once"),
            models.CheckConstraint(condition=models.Q(timeout_seconds__range=(5, 60)), name="mcp_timeout_5_to_60"),
        ]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="mcp_server_newest")]

    def __str__(self) -> str:
        return self.name

    @property
    def headers(self) -> dict[str, str]:
        """Secret: names and values that go with every request to the server."""
        found: dict[str, str] = json.loads(self.sealed_headers or "{}")
        return found

    @property
    def header_names(self) -> list[str]:
        return list(self.headers)
