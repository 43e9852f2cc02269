"""Which versions hold for an organization: its own, its agency's, the installation's, those that are shipped."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from django.db.models import Q

from apps.campaigns.models import RulePack
from apps.campaigns.rules.packs import ELSEWHERE, EU, MEMBERS, Key, Line, Pack, in_force, pack_of, shipped_lines
from apps.organizations.models import Organization


@dataclass(frozen=True)
class Book:
    """Every pack an organization works under; `lines` holds those that were edited, laid over the shipped ones."""

    edited: dict[Key, Line] = field(default_factory=dict)
    _known: dict[Key, tuple[Line, ...]] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, organization: Organization) -> Book:
        """One query. The scope holds the organization and its agency."""
        owners = [each for each in (organization.pk, organization.parent_id) if each]
        rows = RulePack.objects.filter(Q(organization_id__in=owners) | Q(organization=None))
        return cls.with_rows(rows, owners)

    @classmethod
    def with_rows(cls, rows: Iterable[RulePack], owners: Sequence[object]) -> Book:
        """Args: rows: edited packs; owners: whose rows win, first to last; the installation's come after them."""
        levels: dict[Key, dict[int, list[Pack]]] = {}
        for row in rows:
            rank = owners.index(row.organization_id) if row.organization_id else len(owners)
            line = levels.setdefault((row.country, row.region), {}).setdefault(rank, [])
            line.append(pack_of(row.rules, row.valid_from))
        if not levels:
            return _unedited()
        known = shipped_lines()
        return cls({
            key: _overlaid([*(by_day(found[rank]) for rank in sorted(found)), known.get(key, ())])
            for key, found in levels.items()
        })  # fmt: skip

    def line(self, key: Key) -> Line:
        return self.edited.get(key) or shipped_lines().get(key, ())

    def lines_for(self, country: str, region: str) -> tuple[Line, ...]:
        """Every pack that holds in a place, all of them at once. Unknown region: those of every region of the country."""
        if (country, region) not in self._known:
            self._known[country, region] = self._lines_for(country, region)
        return self._known[country, region]

    def _lines_for(self, country: str, region: str) -> tuple[Line, ...]:
        found = [self._country(country), *([self.line((EU, ""))] if country in MEMBERS else [])]
        found += [self.line(key) for key in self._regions(country, region)]
        return tuple(dict.fromkeys(line for line in found if line))

    def keys(self) -> list[Key]:
        """Every country and region with a pack of its own."""
        return sorted({*shipped_lines(), *self.edited})

    def _country(self, country: str) -> Line:
        """A country's own pack; before its first day, and for a country without one, the one for elsewhere."""
        return _overlaid([self.line((country, "")), self.line((ELSEWHERE, ""))])

    def _regions(self, country: str, region: str) -> list[Key]:
        known = [key for key in self.keys() if key[0] == country and key[1]]
        return [key for key in known if key[1] == region] if region else known


@functools.cache
def _unedited() -> Book:
    return Book()


def by_day(packs: Iterable[Pack]) -> Line:
    return tuple(sorted(packs, key=lambda pack: pack.valid_from))


def _overlaid(lines: list[Line]) -> Line:
    """One line out of several: on each day the version of the first line that has one in force."""
    days = sorted({pack.valid_from for line in lines for pack in line})
    found: list[Pack] = []
    for day in days:
        pack = next(each for line in lines if (each := in_force(line, day)))
        found.append(_from(pack, day))
    return tuple(found)


def _from(pack: Pack, day: dt.date) -> Pack:
    return Pack(day, pack.marketing, pack.service, pack.hints)
