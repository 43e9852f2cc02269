"""Refusals of this app that more than one kind of object knows."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Conflict


class InUse(Conflict):
    """Something else still needs it. The sentence stands in `error` itself (api 8.15)."""

    type = "in_use"

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.title = self.text


class StaleRow(Conflict):
    """Somebody else saved the row since the form was opened; `current` is what stands now."""

    def __init__(self, current: Any) -> None:
        super().__init__(_("Somebody else changed this in the meantime. Compare both versions, then save again."))
        self.current = current
