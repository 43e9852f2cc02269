"""Rules in words, in the language of the reader."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.utils.dates import WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from apps.campaigns.models import Lead
from apps.campaigns.rules.packs import ELSEWHERE, EU, NumberLimit, Part
from apps.campaigns.window import WHOLE_DAY, Spans, Week
from apps.core.phone import country_choices

HINTS: dict[str, str | Promise] = {
    "ai_disclosure": gettext_lazy("Say at the start of the call that an AI is speaking."),
    "identify": gettext_lazy("Say at the start who is calling, on whose behalf and why."),
    "caller_id": gettext_lazy("Show a number at which you can be called back."),
    "objection": gettext_lazy("Offer in every call to be called no more, and note it at once."),
    "register": gettext_lazy("Check the country's own do-not-call register before you import a list."),
    "keep_proof": gettext_lazy("Keep the proof of consent for five years."),
    "abandoned": gettext_lazy("At most 3 percent of the calls that are answered may be left without a voice."),
    "express_consent": gettext_lazy("Service calls by an AI voice need the person's express consent as well."),
}
KINDS: dict[str, str | Promise] = {
    "law": gettext_lazy("Law"),
    "secondary": gettext_lazy("Second-hand source"),
    "default": gettext_lazy("Our own default"),
    "own": gettext_lazy("Your own entry"),
}


def country_name(country: str, region: str = "") -> str:
    """ "Germany", "United States · FL", "European Union"."""
    special = {EU: _("European Union"), ELSEWHERE: _("All other countries")}
    name = special.get(country) or dict(country_choices()).get(country, country).rpartition(" (+")[0] or country
    return f"{name} · {region}" if region else name


def spans_words(spans: Spans) -> str:
    """ "10:00–13:00, 14:00–20:00"."""
    return ", ".join(f"{clock(start)}–{clock(end)}" for start, end in spans)


def clock(seconds: int) -> str:
    return f"{seconds // 3600:02}:{seconds % 3600 // 60:02}"


def week_words(week: Week) -> list[str]:
    """Days with the same hours together: ["Mon–Fri 09:00–22:00", "Sat 10:00–16:00", "Sun never"]."""
    runs: list[list[int]] = []
    for day in range(7):
        if runs and week[runs[-1][-1]] == week[day]:
            runs[-1].append(day)
        else:
            runs.append([day])
    return [f"{_days(run)} {_spans_or_never(week[run[0]])}" for run in runs]


def _days(run: list[int]) -> str:
    if len(run) == 7:
        return _("Every day")
    first, last = str(WEEKDAYS_ABBR[run[0]]), str(WEEKDAYS_ABBR[run[-1]])
    return first if len(run) == 1 else f"{first}–{last}"


def _spans_or_never(spans: Spans) -> str:
    if not spans:
        return _("never")
    return _("at any time") if spans == WHOLE_DAY else spans_words(spans)


def hours_words(part: Part) -> list[str]:
    """When calling is allowed, a sentence each."""
    found = week_words(part.hours) if part.hours is not None else [_("At any hour: no rule is known.")]
    if not part.open_on_holidays:
        found.append(_("Not on public holidays"))
    for (month, day), spans in part.special_days:
        found.append(_("On %(day)s: %(hours)s") % {"day": day_words(month, day), "hours": _special(spans)})
    return found


def _special(spans: Spans) -> str:
    if len(spans) == 1 and spans[0][0] == 0:
        return _("until %(time)s") % {"time": clock(spans[0][1])}
    return _spans_or_never(spans)


def day_words(month: int, day: int) -> str:
    """A day of any year: "24 December"."""
    return date_format(dt.date(2000, month, day), "j F")


def limit_words(limit: NumberLimit) -> str:
    calls = ngettext("%(count)d call to a number", "%(count)d calls to a number", limit.calls) % {"count": limit.calls}
    if limit.days == 1:
        return _("%(calls)s in 24 hours") % {"calls": calls}
    return _("%(calls)s in %(days)d days") % {"calls": calls, "days": limit.days}


def silence_words(days: int | None) -> str:
    if days is None:
        return _("For as long as the person is on the do-not-call list.")
    return ngettext("%(count)d day after a refusal", "%(count)d days after a refusal", days) % {"count": days}


def consent_words(part: Part) -> str:
    if part.consent is None:
        return _("No consent is asked for.")
    text = _("Needed: %(kinds)s.") % {"kinds": kinds_words(part.consent)}
    extra = _("It may be attested for a whole campaign.") if part.attestation else _("It must be on file for each lead.")
    return f"{text} {extra}"


def kinds_words(kinds: Iterable[str]) -> str:
    """ "express consent or express written consent"."""
    names = [str(label).lower() for value, label in Lead.Consent.choices if value in set(kinds)]
    return str(get_text_list(names, _("or"))) if names else _("none that we know of")
