"""All versions of the rules of a country that an organization can see, and which of them holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.campaigns.models import RulePack
from apps.campaigns.rules.packs import Key, Pack, pack_of, shipped
from apps.organizations.models import Organization

OWN, AGENCY, INSTALLATION, SHIPPED = range(4)
ORIGINS: dict[int, str | Promise] = {
    OWN: _("Set by you"), AGENCY: _("Set by your agency"), INSTALLATION: _("Set for this installation"),
    SHIPPED: _("Comes with the product"),
}  # fmt: skip


@dataclass(frozen=True)
class Version:
    """One version, whoever made it. `rank`: the lower one wins."""

    rank: int
    valid_from: dt.date
    rules: dict[str, Any]
    sources: Sequence[dict[str, Any]]
    note: str = ""
    actor: str = ""
    pk: UUID | None = None
    changed_at: dt.datetime | None = None

    @property
    def pack(self) -> Pack:
        return pack_of(self.rules, self.valid_from)

    @property
    def origin(self) -> str | Promise:
        return ORIGINS[self.rank]


@dataclass(frozen=True)
class History:
    """Every version of every country, newest day first."""

    versions: dict[Key, list[Version]]

    @classmethod
    def of(cls, organization: Organization) -> History:
        """One query. The scope holds the organization and its agency; what the agency noted is not shown to its client."""
        owners = [each for each in (organization.pk, organization.parent_id) if each]
        rows = RulePack.objects.filter(Q(organization_id__in=owners) | Q(organization=None))
        found: dict[Key, list[Version]] = {}
        for row in rows:
            found.setdefault((row.country, row.region), []).append(_version(row, organization))
        for key, each in shipped().items():
            found.setdefault(key, []).extend(Version(SHIPPED, one.valid_from, one.rules, one.sources) for one in each)
        return cls({key: sorted(each, key=lambda one: (one.valid_from, -one.rank), reverse=True) for key, each in found.items()})

    def holding(self, key: Key, day: dt.date) -> Version | None:
        """The version that holds on a day."""
        return holding(self.versions.get(key, ()), day)

    def keys(self) -> list[Key]:
        return sorted(self.versions)


def holding(versions: Iterable[Version], day: dt.date) -> Version | None:
    begun = [version for version in versions if version.valid_from <= day]
    best = min((version.rank for version in begun), default=None)
    ours = [version for version in begun if version.rank == best]
    return max(ours, key=lambda version: version.valid_from, default=None)


def _version(row: RulePack, organization: Organization) -> Version:
    if row.organization_id == organization.pk:
        return Version(OWN, row.valid_from, row.rules, row.sources, row.note, row.actor, row.pk, row.updated_at)
    rank = INSTALLATION if row.organization_id is None else AGENCY
    return Version(rank, row.valid_from, row.rules, row.sources)
