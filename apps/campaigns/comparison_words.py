"""What a comparison says, in a sentence that promises no more than the numbers do."""

from __future__ import annotations

from django.utils.translation import gettext as _

from apps.campaigns.comparison import MINIMUM, Comparison, Interval
from apps.core.templatetags.ui import number


def verdict(found: Comparison) -> str:
    """Whether the difference in success is more than chance, and what is missing when it is not."""
    if found.successes is None:
        return _("Nothing can be compared until each side has a lead that was called to the end.")
    said = _("Measured by “%(success)s”:") % {"success": found.success or _("Completed")} + " " + _difference(found.successes)
    if found.needed and found.needed > min(found.a.finished, found.b.finished):
        said += " " + _("A difference of this size would need about %(count)s leads on each side to show.") % {"count": number(found.needed)}
    if found.is_small:
        said += " " + _("With fewer than %(count)s leads on a side every result is uncertain.") % {"count": number(MINIMUM)}
    return said


def points(interval: Interval | None) -> dict[str, str] | None:
    """A difference of shares in percentage points, signed: difference, low, high."""
    if interval is None:
        return None
    return {name: _signed(getattr(interval, name) * 100) for name in ("difference", "low", "high")}


def seconds(interval: Interval | None) -> dict[str, str] | None:
    """A difference of talk times in seconds, signed."""
    if interval is None:
        return None
    return {name: _signed(getattr(interval, name)) for name in ("difference", "low", "high")}


def _difference(interval: Interval) -> str:
    if not interval.is_significant:
        return _("the difference is not significant, chance alone explains it.")
    if interval.difference > 0:
        return _("B is ahead of A, with 95 percent confidence.")
    return _("A is ahead of B, with 95 percent confidence.")


def _signed(value: float) -> str:
    rounded = round(value, 1)
    return f"{'+' if rounded > 0 else '−' if rounded < 0 else ''}{number(abs(rounded), 1)}"
