"""What pages show about assistants beyond their own row."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from apps.assistants.models import AnalysisTemplate, ToolTemplate
from apps.assistants.template_starters import TOOL_STARTERS
from apps.organizations.models import AuditEntry, Organization, OwnedModel


def last_editor(target: OwnedModel, action: str = "assistant.update") -> str:
    """Who changed the thing last, as the audit log names them; empty when nobody did since it was made."""
    entries = AuditEntry.objects.for_organization(target.organization_id).filter(
        target_id=str(target.pk), action=action
    )
    entry = entries.order_by("-created_at").first()
    return entry.actor if entry else ""


def tool_choices(organization: Organization) -> list[dict[str, Any]]:
    """What may be copied into an assistant: the organization's templates by name, and the starters."""
    rows = ToolTemplate.objects.for_organization(organization).order_by("name", "id").values_list("pk", "name")
    own = {"label": _("Your templates"), "choices": list(rows)}
    shipped = {"label": _("Starters"), "choices": [(key, each.label) for key, each in TOOL_STARTERS.items()]}
    return [own, shipped] if own["choices"] else [shipped]


def analysis_choices(organization: Organization) -> QuerySet[AnalysisTemplate]:
    return AnalysisTemplate.objects.for_organization(organization).only("pk", "name").order_by("name", "id")
