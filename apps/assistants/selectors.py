"""What pages show about assistants beyond their own row."""

from __future__ import annotations

from apps.assistants.models import Assistant
from apps.organizations.models import AuditEntry


def last_editor(assistant: Assistant) -> str:
    """Who changed the assistant last, as the audit log names them; empty when nobody did since it was made."""
    entries = AuditEntry.objects.for_organization(assistant.organization_id).filter(
        target_id=str(assistant.pk), action="assistant.update"
    )
    entry = entries.order_by("-created_at").first()
    return entry.actor if entry else ""
