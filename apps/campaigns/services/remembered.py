"""How the columns of a kind of file were chosen the last time: by organization and header."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from apps.campaigns.columns import Columns, signature_of
from apps.campaigns.models import Campaign, RememberedColumns
from apps.core import variables
from apps.core.db import step
from apps.core.errors import Invalid


def remembered(campaign: Campaign, header: Sequence[str], guess: Columns) -> tuple[Columns, str] | None:
    """Columns and country of the last file with this header; None when there was none.

    Args:
        guess: what this header would be taken for; its columns fill what this campaign's message asks for and the last
            one's did not.
    """
    kept = kept_columns(campaign.organization_id, header)
    if kept is None:
        return None
    columns = Columns.from_json(kept.mapping)
    missing = columns.unmapped(variables.names(campaign.system_message_template or ""))
    filled = dict(columns.variables) | {column: name for column, name in guess.variables.items() if name in missing}
    columns = Columns(columns.number, filled, columns.name, columns.about)
    try:
        columns.check(len(header))
    except Invalid:
        return None
    return columns, kept.country


def kept_columns(organization_id: UUID, header: Sequence[str]) -> RememberedColumns | None:
    kept = RememberedColumns.objects.for_organization(organization_id)
    return kept.filter(signature=_signature(header)).first()


@step
def remember(
    *, organization_id: UUID, header: Sequence[str], mapping: Columns, country: str, now: dt.datetime
) -> None:
    RememberedColumns.objects.update_or_create(
        organization_id=organization_id, signature=_signature(header),
        defaults={"mapping": mapping.as_json(), "country": country, "updated_at": now},
    )  # fmt: skip


@step
def forget(*, organization_id: UUID, header: Sequence[str]) -> None:
    RememberedColumns.objects.for_organization(organization_id).filter(signature=_signature(header)).delete()


def _signature(header: Sequence[str]) -> str:
    return signature_of(header)
