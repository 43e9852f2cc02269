"""Where the claim of a campaign stopped, so that it does not walk through what it has claimed already (limits 2.3).

While another session holds an old snapshot, index entries of claimed leads cannot be removed; a claim that starts at the
front walks through all of them. This is a hint of this process: it is dropped after seconds, and as soon as it finds less
than was asked for, so nothing is forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.db import transaction

LASTS = 5.0
MOST = 2000


@dataclass(frozen=True)
class Seen:
    """`places`: of the pending leads; `open`: those that were open; `after`: the last fresh lead's position."""

    places: tuple[str, ...]
    open: frozenset[str]
    after: int
    until: float


_seen: dict[UUID, Seen] = {}


def recall(campaign_id: UUID) -> Seen | None:
    found = _seen.get(campaign_id)
    return found if found and time.monotonic() < found.until else None


def remember(campaign_id: UUID, places: Iterable[str], is_open: Iterable[str], after: int) -> None:
    """Once what was claimed is committed."""
    known = recall(campaign_id)
    until = known.until if known else time.monotonic() + LASTS
    seen = Seen(tuple(places), frozenset(is_open), after, until)
    transaction.on_commit(partial(_keep, campaign_id, seen))


def forget(campaign_id: UUID) -> None:
    """A lead may have come back to its old place."""
    _seen.pop(campaign_id, None)


def _keep(campaign_id: UUID, seen: Seen) -> None:
    if len(_seen) >= MOST:
        _seen.clear()
    _seen[campaign_id] = seen
