"""An assistant as the API shows it (api 8.1)."""

from __future__ import annotations

from typing import Any

from apps.assistants.allowed import without_prompts
from apps.assistants.models import Assistant
from apps.assistants.services import values_of
from apps.core.api import instant


def assistant_body(assistant: Assistant, features: frozenset[str] | None = None) -> dict[str, Any]:
    """Every field of the contract, null when empty; configs exactly as they were sent.

    Args:
        features: what is switched on for whoever reads; None: everything. Without `edit_prompts` the prompts are left out.
    """
    return {
        "id": str(assistant.pk),
        "org_id": str(assistant.organization_id),
        **without_prompts(values_of(assistant), features),
        "created_at": instant(assistant.created_at),
        "updated_at": instant(assistant.updated_at),
    }
