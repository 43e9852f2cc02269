"""What the settings of a campaign may be: shapes, bounds, and what several of them decide together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from apps.assistants.models import AssistantVersion
from apps.campaigns.dialler.retries import LONGEST_DELAY, MOST_ATTEMPTS, MOST_DELAYS, SHORTEST_DELAY, Kind
from apps.campaigns.models import Campaign
from apps.campaigns.window import week_of
from apps.core.errors import Invalid
from apps.core.zones import ZONES

MOST_WINDOWS, MOST_EMAILS = 21, 10
SHORTEST_TALK, LONGEST_TALK = 1, 120  # seconds
MOST_CREDITS = 1_000_000
# Least and most of what is a number; campaigns may have None where the model says so.
BOUNDS = {
    "max_attempts": (1, MOST_ATTEMPTS), "retry_delay_minutes": (SHORTEST_DELAY, 1440), "max_concurrent_calls": (1, 50),
    "max_attempts_per_day": (1, MOST_ATTEMPTS), "starts": (1, 1000), "starts_seconds": (1, 3600), "floor_calls": (0, 50),
    "breaker_percent": (0, 100), "breaker_seconds": (10, 3600), "breaker_calls": (1, 1000), "variant_percent": (0, 99),
}  # fmt: skip
# What a running campaign takes over at its next tick. The first line is the API's from its beginning.
WHILE_RUNNING = frozenset({
    "system_message_template", "number", "schedule_start_time", "schedule_end_time", "schedule_days", "timezone",
    "max_attempts", "retry_delay_minutes", "assistant",
    "name", "max_concurrent_calls", "starts", "starts_seconds", "floor_calls", "priority", "breaker_percent",
    "breaker_seconds", "breaker_calls", "budget", "report_emails", "attestation",
})  # fmt: skip


def check_settings(campaign: Campaign) -> None:
    """Raises Invalid at the first setting that cannot be, with a sentence that says what to do."""
    if campaign.schedule_end_time <= campaign.schedule_start_time:
        raise _invalid(_("The end of the calling hours must be after their start."), "schedule_end_time")
    if campaign.timezone not in ZONES:
        raise _invalid(_("There is no time zone “%(name)s”.") % {"name": campaign.timezone}, "timezone")
    if not campaign.schedule_days or not set(campaign.schedule_days) <= set(range(1, 8)):
        raise _invalid(_("Choose at least one day of the week."), "schedule_days")
    _check_bounds(campaign)
    for name, clean in (("windows", clean_windows), ("retry_rules", clean_rules), ("report_emails", clean_emails)):
        _cleaned(campaign, name, clean)
    if campaign.floor_calls > campaign.max_concurrent_calls:
        text = _("The campaign cannot keep more lines than it may use at once: %(count)s.")
        raise _invalid(text % {"count": campaign.max_concurrent_calls}, "floor_calls")
    _check_comparison(campaign)


def clean_windows(windows: Sequence[Mapping[str, Any]] | None) -> list[dict[str, Any]] | None:
    """Several windows as they are stored, in their order; None: the daily one. Raises ValueError with a sentence.

    A window whose end is not after its start goes on past midnight.
    """
    if windows is None:
        return None
    if not 1 <= len(windows) <= MOST_WINDOWS:
        raise ValueError(_("Between 1 and %(most)s windows are possible.") % {"most": MOST_WINDOWS})
    found = []
    for window in windows:
        start, end = _clock(window["start"]), _clock(window["end"])
        days = sorted(set(window["days"]))
        if not days or not set(days) <= set(range(1, 8)):
            raise ValueError(_("Choose at least one day of the week for each window."))
        if start == end:
            raise ValueError(_("A window cannot end when it starts: %(time)s.") % {"time": start})
        found.append({"days": days, "start": start, "end": end})
    if _seconds(found) < sum(_seconds([window]) for window in found):
        raise ValueError(_("Two windows overlap on the same day. Make one window of them."))
    return found


def clean_rules(rules: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Retry rules as they are stored. Raises ValueError with a sentence that names the outcome."""
    return {str(kind): _clean_rule(str(kind), rule) for kind, rule in rules.items()}


def clean_emails(addresses: Sequence[str]) -> list[str]:
    """Addresses without spaces and doubles. Raises ValueError with a sentence that names the wrong one."""
    found = list(dict.fromkeys(address.strip() for address in addresses if address.strip()))
    if len(found) > MOST_EMAILS:
        raise ValueError(_("At most %(most)s addresses are possible.") % {"most": MOST_EMAILS})
    for address in found:
        try:
            validate_email(address)
        except ValidationError:
            raise ValueError(_("“%(address)s” is no e-mail address.") % {"address": address}) from None
    return found


def _invalid(text: str, param: str) -> Invalid:
    return Invalid(text, param=param, details=[text])


def _clean_rule(kind: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    if kind not in Kind.values:
        raise ValueError(_("There is no outcome “%(name)s”.") % {"name": kind[:60]})
    names = {"outcome": Kind(kind).label}
    attempts, delays, seconds = rule.get("attempts"), rule.get("delays"), rule.get("seconds")
    found: dict[str, Any] = {}
    if attempts is not None:
        if not 1 <= attempts <= MOST_ATTEMPTS:
            raise ValueError(_("%(outcome)s: between 1 and 10 attempts are possible.") % names)
        found["attempts"] = attempts
    if delays:
        if len(delays) > MOST_DELAYS or not all(SHORTEST_DELAY <= each <= LONGEST_DELAY for each in delays):
            text = _("%(outcome)s: up to 9 delays between 5 minutes and 30 days are possible.")
            raise ValueError(text % names)
        found["delays"] = list(delays)
    if seconds is not None:
        if kind != Kind.SHORT_CALL or not SHORTEST_TALK <= seconds <= LONGEST_TALK:
            raise ValueError(_("A short talk is one below 1 to 120 seconds; other outcomes have no length."))
        found["seconds"] = seconds
    return found


def _seconds(windows: Sequence[Mapping[str, Any]]) -> int:
    """How long they are open in a week; what overlaps counts once."""
    return sum(end - start for day in week_of(windows) for start, end in day)


def _clock(text: str) -> str:
    """Hours and minutes, seconds only when there are some. Raises ValueError with a sentence."""
    if text == "24:00":
        return text
    try:
        clock = dt.time.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError(_("“%(text)s” is no time. Write it as 09:00.") % {"text": str(text)[:20]}) from None
    return f"{clock:%H:%M:%S}" if clock.second else f"{clock:%H:%M}"


def _check_bounds(campaign: Campaign) -> None:
    for name, (least, most) in BOUNDS.items():
        value = getattr(campaign, name)
        if value is not None and not least <= value <= most:
            raise _invalid(_("A number from %(least)s to %(most)s is possible.") % {"least": least, "most": most}, name)
    if campaign.budget is not None and campaign.budget <= 0:
        raise _invalid(_("A budget is more than nothing. Leave it empty for none."), "budget")


def _cleaned(campaign: Campaign, name: str, clean: Callable[[Any], Any]) -> None:
    try:
        setattr(campaign, name, clean(getattr(campaign, name)))
    except ValueError as error:
        raise _invalid(str(error), name) from None


def _check_comparison(campaign: Campaign) -> None:
    """Another assistant, or a saved version, is needed for a share, and a share for it."""
    other, version = campaign.variant_assistant, campaign.variant_version
    if not other and version is None:
        if campaign.variant_percent:
            raise _invalid(_("Choose what the share of the leads talks to."), "variant_assistant_id")
        return
    if not campaign.variant_percent:
        raise _invalid(_("Say which share of the leads talks to the other one: 1 to 99 percent."), "variant_percent")
    if other and other.pk == campaign.assistant_id and version is None:
        raise _invalid(_("Choose another assistant, or an earlier version of this one."), "variant_assistant_id")
    owner = other.pk if other else campaign.assistant_id
    saved = AssistantVersion.objects.for_organization(campaign.organization_id).filter(assistant_id=owner, version=version)
    if version is not None and not saved.exists():
        raise _invalid(_("This assistant has no such version."), "variant_version")
