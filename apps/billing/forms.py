"""What people type on the usage page."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from dataclasses import dataclass

from django import forms
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Cursor:
    """The last entry of the page before: where the next page begins."""

    created_at: dt.datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.created_at.astimezone(dt.UTC).strftime('%Y%m%dT%H%M%S.%f')}_{self.id.hex}"


@dataclass(frozen=True)
class UsageFilter:
    """What part of the ledger is asked for. What makes no sense in an address is left out."""

    month: dt.date | None = None
    workspace: uuid.UUID | None = None
    before: Cursor | None = None

    @classmethod
    def of(cls, query: dict[str, str]) -> UsageFilter:
        return cls(_month(query.get("month", "")), _uuid(query.get("workspace", "")), _cursor(query.get("before", "")))

    @property
    def period(self) -> tuple[dt.datetime, dt.datetime] | None:
        """The month's first instant and the first one after it, in UTC."""
        if self.month is None:
            return None
        following = (self.month + dt.timedelta(days=31)).replace(day=1)
        return tuple(dt.datetime.combine(day, dt.time(), dt.UTC) for day in (self.month, following))  # type: ignore[return-value]

    @property
    def is_set(self) -> bool:
        return bool(self.month or self.workspace)


class LowBalanceForm(forms.Form):
    credits = forms.IntegerField(
        label=_("Warn me below"),
        min_value=0,
        max_value=1_000_000,
        help_text=_("Each time the balance falls below this, the owners get one mail. 0: no mail."),
        widget=forms.NumberInput(attrs={"data-unit": _("credits")}),
    )


def _month(text: str) -> dt.date | None:
    if not re.fullmatch(r"20[0-9]{2}-(0[1-9]|1[0-2])", text):
        return None
    return dt.date(int(text[:4]), int(text[5:]), 1)


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def _cursor(text: str) -> Cursor | None:
    moment, _mark, entry = text.partition("_")
    try:
        return Cursor(dt.datetime.strptime(moment, "%Y%m%dT%H%M%S.%f").replace(tzinfo=dt.UTC), uuid.UUID(entry))
    except ValueError:
        return None
