"""What pages show about assistants beyond their own row."""

from __future__ import annotations

from apps.organizations.models import AuditEntry, OwnedModel


def last_editor(target: OwnedModel, action: str = "assistant.update") -> str:
    """Who changed the thing last, as the audit log names them; empty when nobody did since it was made."""
    entries = AuditEntry.objects.for_organization(target.organization_id).filter(target_id=str(target.pk), action=action)
    entry = entries.order_by("-created_at").first()
    return entry.actor if entry else ""
