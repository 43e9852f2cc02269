"""An assistant's history: what it was at each save, how two saves differ, and the way back."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from apps.assistants.models import Assistant, AssistantVersion
from apps.assistants.schema import ASSISTANT_FIELDS
from apps.assistants.schema.views import without_secrets
from apps.core.db import step
from apps.organizations.services import Actor

KEPT = 50
# The secret is not kept: it would outlive its own replacement.
NOT_KEPT = ("webhook_secret",)
# Where events and reports go, and whether it answers at all, is a matter of today, not of a version.
NOT_SPOKEN = ("webhook_url", "webhook_events", "notification_email", "notification_emails", "is_active")
NAMES = tuple(field.name for field in ASSISTANT_FIELDS if field.name not in NOT_KEPT)

def kept_values(assistant: Assistant) -> dict[str, Any]:
    return {name: copy.deepcopy(getattr(assistant, name)) for name in NAMES}


@step
def keep_version(assistant: Assistant, *, by: Actor | None = None) -> None:
    """Write the assistant as it is now under its version; the same version again changes nothing. Keeps the newest 50."""
    actor = by.label[:200] if by else ""
    AssistantVersion.objects.bulk_create(
        [
            AssistantVersion(
                organization_id=assistant.organization_id, assistant=assistant, version=assistant.version,
                values=kept_values(assistant), actor=actor,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    versions_of(assistant).filter(version__lte=assistant.version - KEPT).delete()


def versions_of(assistant: Assistant) -> Any:
    """Its versions, the newest first."""
    own = AssistantVersion.objects.for_organization(assistant.organization_id).filter(assistant=assistant)
    return own.order_by("-version")


def spoken_values(assistant: Assistant, version: int) -> dict[str, Any] | None:
    """What a version says and does in a call, for `CallRequest.override`; None when it is not kept any more."""
    found = versions_of(assistant).filter(version=version).values_list("values", flat=True).first()
    if found is None:
        return None
    return {name: value for name, value in found.items() if name in NAMES and name not in NOT_SPOKEN}


def changed_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The fields in which two versions differ, secrets left aside."""
    old, new = shown(before), shown(after)
    return [name for name in NAMES if old[name] != new[name]]


def shown(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values without any secret, for a page."""
    return without_secrets({name: values.get(name) for name in NAMES})
