"""The report of a campaign as a PDF in the look of a brand."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from django.utils import translation
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.branding.looks import look_of
from apps.branding.models import Brand
from apps.campaigns.comparison import Comparison, compared
from apps.campaigns.comparison_words import points, seconds, verdict
from apps.campaigns.models import Campaign
from apps.campaigns.results.fields import Field, fields_of
from apps.campaigns.results.figures import Figures, figures_of
from apps.campaigns.results.outcomes import outcome_label, outcome_tone
from apps.campaigns.results.page import DAY_NAMES, answer_rows, length_rows
from apps.core.pdf import Bar, Document
from apps.core.templatetags.ui import credits, duration, number, percent


def report_of(campaign: Campaign, *, brand: Brand, language: str, now: dt.datetime) -> bytes:
    """The PDF as the campaign stands at `now`, in five statements. Nothing in it names another brand."""
    with translation.override(language):
        figures = figures_of(campaign)
        document = _document(campaign, brand, language, now)
        _summary(document, figures)
        _outcomes(document, figures)
        if figures.talk.calls:
            _times(document, campaign, figures)
            _talk(document, figures)
        for field in fields_of(campaign):
            _field(document, field)
        if comparison := compared(campaign, figures):
            _comparison(document, campaign, comparison)
        return document.content()


def _document(campaign: Campaign, brand: Brand, language: str, now: dt.datetime) -> Document:
    there = now.astimezone(campaign.window.zone)
    parts = [campaign.organization.name, campaign.assistant.name]
    if campaign.started_at:
        parts.append(_("started %(day)s") % {"day": date_format(campaign.started_at.astimezone(campaign.window.zone), "DATE_FORMAT")})
    parts.append(_("as of %(when)s (%(zone)s)") % {"when": f"{date_format(there, 'DATE_FORMAT')} {there:%H:%M}", "zone": campaign.timezone})
    return Document(
        look_of(brand), title=campaign.name, subtitle=" · ".join(parts), language=language,
        page_words=_("Page %(page)d"), now=now,
    )  # fmt: skip


def _summary(document: Document, figures: Figures) -> None:
    talk = figures.talk
    charged = _("credits, %(each)s per answer") % {"each": credits(talk.cost_per_answered)} if talk.cost else _("credits")
    document.figures([
        (_("Leads"), number(figures.total), ngettext("%(count)s called to the end", "%(count)s called to the end", figures.finished) % {"count": number(figures.finished)}),
        (_("Answer rate"), percent(figures.answer_rate), _("of leads called to the end")),
        (_("Average talk"), duration(talk.mean), _("median %(time)s") % {"time": duration(talk.median)}),
        (_("Cost"), credits(talk.cost), charged),
    ])  # fmt: skip
    if talk.unpaid:
        document.paragraph(_("Simulated calls are free; they would have cost %(cost)s credits.") % {"cost": credits(talk.unpaid)}, quiet=True)


def _outcomes(document: Document, figures: Figures) -> None:
    document.heading(_("Outcomes"))
    if not figures.total:
        document.paragraph(_("This campaign has no leads."))
        return
    document.bars([
        Bar(outcome_label(outcome), count, f"{number(count)} · {percent(count / figures.total)}", outcome_tone(outcome))
        for outcome, count in figures.in_order
    ])  # fmt: skip


def _times(document: Document, campaign: Campaign, figures: Figures) -> None:
    legend = (_("Answered"), _("Not answered"))
    document.heading(_("By hour of the day"))
    document.paragraph(_("Calls by the clock in %(zone)s.") % {"zone": campaign.timezone}, quiet=True)
    document.columns([f"{hour:02}" for hour in range(24)], figures.by_hour(), legend=legend)
    document.heading(_("By weekday"))
    document.columns([str(name) for name in DAY_NAMES], figures.by_weekday(), legend=legend)


def _talk(document: Document, figures: Figures) -> None:
    document.heading(_("Talk time"))
    answered = figures.talk.answered
    document.bars([
        Bar(label, count, f"{number(count)} · {percent(count / answered) if answered else '–'}")
        for label, count in length_rows(figures)
    ])  # fmt: skip


def _field(document: Document, field: Field) -> None:
    document.heading(_("Analysis: %(field)s") % {"field": field.title})
    if not field.total:
        document.paragraph(_("No call has an answer yet."), quiet=True)
        return
    if field.spread:
        low, mean, middle, high = (number(round(value, 2), 2) for value in field.spread)
        values = {"low": low, "mean": mean, "middle": middle, "high": high}
        document.paragraph(_("Least %(low)s, average %(mean)s, median %(middle)s, most %(high)s.") % values, quiet=True)
    document.bars([Bar(text, count, f"{number(count)} · {percent(count / field.total)}") for text, count in answer_rows(_common(field))])


def _common(field: Field) -> Field:
    """Of free texts those that several calls gave: a report travels further than what one person said should."""
    return replace(field, answers=[each for each in field.answers if each[1] > 1]) if field.kind == "text" else field


def _comparison(document: Document, campaign: Campaign, found: Comparison) -> None:
    document.heading(_("Comparison"))
    head = [
        "", _("A: %(name)s") % {"name": campaign.assistant.name}, _("B: %(name)s") % {"name": found.b_name},
        _("Difference (95 %)"),
    ]  # fmt: skip
    document.grid(head, [
        [_("Called to the end"), number(found.a.finished), number(found.b.finished), "–"],
        [_("Answered"), percent(found.a.answer_rate), percent(found.b.answer_rate), _between(points(found.answers))],
        [_("Completed"), percent(found.a.success_rate), percent(found.b.success_rate), _between(points(found.successes))],
        [_("Average talk"), duration(found.a.talk.mean), duration(found.b.talk.mean), _between(seconds(found.talk))],
    ], widths=(3, 3, 3, 4))  # fmt: skip
    document.paragraph(verdict(found))


def _between(found: dict[str, str] | None) -> str:
    return f"{found['difference']} ({found['low']} … {found['high']})" if found else "–"
