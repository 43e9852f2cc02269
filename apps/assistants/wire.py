"""An assistant as the API shows it (api 8.1)."""

from __future__ import annotations

from typing import Any

from apps.assistants.models import Assistant
from apps.assistants.services import values_of
from apps.core.api import instant


def assistant_body(assistant: Assistant) -> dict[str, Any]:
    """Every field of the contract, null when empty; configs exactly as they were sent."""
    return {
        "id": str(assistant.pk),
        "org_id": str(assistant.organization_id),
        **values_of(assistant),
        "created_at": instant(assistant.created_at),
        "updated_at": instant(assistant.updated_at),
    }
