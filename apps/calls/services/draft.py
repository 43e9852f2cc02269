"""Changes to one locked call, written once at the end."""

from __future__ import annotations

import datetime as dt
from typing import Any

from apps.calls.models import Call, CallEvent
from apps.core.db import step


class Draft:
    """A call under `select_for_update`, with the instant of the change and what it adds to the timeline."""

    def __init__(self, call: Call, now: dt.datetime) -> None:
        self.call, self.now = call, now
        self._changed: set[str] = set()
        self._timeline: list[CallEvent] = []

    def set(self, **values: Any) -> None:
        for name, value in values.items():
            if getattr(self.call, name) != value:
                setattr(self.call, name, value)
                self._changed.add(name)

    def fill(self, **values: Any) -> None:
        """Set only what is empty: a late event never overwrites."""
        self.set(**{name: value for name, value in values.items() if value and not getattr(self.call, name)})

    def replace(self, **values: Any) -> None:
        """Set without comparing: for expressions that the database computes."""
        for name, value in values.items():
            setattr(self.call, name, value)
            self._changed.add(name)

    def note(self, kind: str, key: str, at: dt.datetime | None = None, **data: Any) -> None:
        """Add a row to the timeline, once per key. Metadata only, never content."""
        self._timeline.append(
            CallEvent(
                organization_id=self.call.organization_id, call=self.call, kind=kind[:40], key=key[:200],
                at=at or self.now, data={name: value for name, value in data.items() if value is not None},
            )
        )  # fmt: skip

    def save(self) -> None:
        _save(self.call, self._changed, self._timeline, self.now)
        self._changed, self._timeline = set(), []

    def forget(self) -> None:
        """Go back to what the database holds."""
        self._changed, self._timeline = set(), []
        self.call.refresh_from_db()


@step
def _save(call: Call, changed: set[str], timeline: list[CallEvent], now: dt.datetime) -> None:
    if changed:
        call.updated_at = now
        call.save(update_fields=[*changed, "updated_at"])
    if timeline:
        CallEvent.objects.bulk_create(timeline, ignore_conflicts=True)


def locked(organization_id: object, call_id: object, *, skip: bool = False, **filters: Any) -> Call | None:
    """The call, locked until the end of the transaction; None when it is gone, filtered out or (`skip`) locked."""
    calls = Call.objects.for_organization(organization_id).filter(pk=call_id, **filters)
    calls = calls.select_for_update(of=("self",), skip_locked=skip)
    return calls.select_related("organization__brand", "connection").first()
