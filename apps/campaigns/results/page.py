"""What the results page shows: the figures in words, tables and charts."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.campaigns.comparison import Comparison, compared
from apps.campaigns.comparison_words import points, seconds, verdict
from apps.campaigns.models import Campaign
from apps.campaigns.results.fields import Field, fields_of
from apps.campaigns.results.figures import LENGTHS, Figures, figures_of
from apps.campaigns.results.outcomes import outcome_label, outcome_tone
from apps.campaigns.results.sql import MOST_VALUES

DAY_NAMES = [
    gettext_lazy("Mon"), gettext_lazy("Tue"), gettext_lazy("Wed"), gettext_lazy("Thu"), gettext_lazy("Fri"),
    gettext_lazy("Sat"), gettext_lazy("Sun"),
]  # fmt: skip


def results_context(campaign: Campaign, success: str = "") -> dict[str, Any]:
    """Everything of the page; `success` is the analysis field by which a comparison is judged."""
    figures = figures_of(campaign)
    comparison = compared(campaign, figures, success)
    return {
        "campaign": campaign, "figures": figures, "outcomes": outcome_rows(campaign, figures),
        "outcome_chart": outcome_chart(figures), "length_rows": length_rows(figures), "length_chart": length_chart(figures),
        "hour_chart": time_chart([f"{hour:02}" for hour in range(24)], figures.by_hour()),
        "day_chart": time_chart([str(name) for name in DAY_NAMES], figures.by_weekday()),
        "fields": [_with_chart(number, field) for number, field in enumerate(fields_of(campaign))],
        "comparison": comparison, "comparison_words": _words(comparison), "children": _children(campaign), "parent": _parent(campaign),
    }  # fmt: skip


def outcome_rows(campaign: Campaign, figures: Figures) -> list[dict[str, Any]]:
    """Label, count, share of all leads, and where the leads behind it are listed."""
    base = reverse("campaign", args=[campaign.organization.slug, campaign.pk])
    return [
        {
            "outcome": outcome, "label": outcome_label(outcome), "count": count, "tone": outcome_tone(outcome),
            "share": count / figures.total, "url": f"{base}?{urlencode({'outcome': outcome})}#lead-list",
        }
        for outcome, count in figures.in_order
    ]  # fmt: skip


def outcome_chart(figures: Figures) -> dict[str, Any]:
    rows = figures.in_order
    series = {"label": _("Leads"), "data": [count for _outcome, count in rows], "tones": [outcome_tone(outcome) for outcome, _count in rows]}
    return {"labels": [outcome_label(outcome) for outcome, _count in rows], "series": [series]}


def length_rows(figures: Figures) -> list[tuple[str, int]]:
    """How long people talked, in words, with how many calls did."""
    ends = [*LENGTHS[1:], None]
    return list(zip([_length(start, end) for start, end in zip(LENGTHS, ends, strict=True)], figures.talk.lengths, strict=True))


def length_chart(figures: Figures) -> dict[str, Any]:
    rows = length_rows(figures)
    return {"labels": [label for label, _count in rows], "series": [{"label": _("Answered calls"), "data": [count for _label, count in rows]}]}


def time_chart(labels: list[str], pairs: list[tuple[int, int]]) -> dict[str, Any]:
    """Answered calls and the others, on top of each other."""
    return {
        "labels": labels,
        "series": [
            {"label": _("Answered"), "data": [answered for _calls, answered in pairs], "tone": "good"},
            {"label": _("Not answered"), "data": [calls - answered for calls, answered in pairs], "tone": "plain"},
        ],
    }


def answer_rows(field: Field) -> list[tuple[str, int]]:
    """The commonest answers in words, then how many were others; none of a number that has many values."""
    if field.kind == "number" and field.different > MOST_VALUES:
        return []
    words = {"true": _("Yes"), "false": _("No")} if field.kind == "boolean" else {}
    rows = [(words.get(text, text), count) for text, count in field.answers]
    return rows + ([(_("other answers"), field.rest)] if field.rest else [])


def _with_chart(number: int, field: Field) -> dict[str, Any]:
    rows = answer_rows(field)
    tones = ["good", "plain"] if field.kind == "boolean" else None
    series = {"label": _("Calls"), "data": [count for _text, count in rows]} | ({"tones": tones} if tones else {})
    return {
        "field": field, "id": f"field-{number}", "rows": [(text, count, count / field.total if field.total else 0) for text, count in rows],
        "chart": {"labels": [_short(text) for text, _count in rows], "series": [series]},
        "spread": dict(zip(("low", "mean", "middle", "high"), field.spread, strict=True)) if field.spread else None,
    }  # fmt: skip


def _words(comparison: Comparison | None) -> dict[str, Any]:
    if comparison is None:
        return {}
    return {
        "verdict": verdict(comparison), "answers": points(comparison.answers), "successes": points(comparison.successes),
        "talk": seconds(comparison.talk),
    }  # fmt: skip


def _short(text: str) -> str:
    return text if len(text) <= 24 else f"{text[:23]}…"


def _length(start: int, end: int | None) -> str:
    if end is None:
        return _("over %(minutes)d min") % {"minutes": start // 60}
    if start == 0:
        return _("under %(seconds)d s") % {"seconds": end}
    if end <= 60:
        return _("%(start)d–%(end)d s") % {"start": start, "end": end}
    return _("%(start)d–%(end)d min") % {"start": start // 60, "end": end // 60}


def _children(campaign: Campaign) -> list[Campaign]:
    own = Campaign.objects.for_organization(campaign.organization_id).live()
    return list(own.filter(parent=campaign).newest().only("pk", "name", "status", "created_at", "organization_id"))


def _parent(campaign: Campaign) -> Campaign | None:
    if campaign.parent_id is None:
        return None
    own = Campaign.objects.for_organization(campaign.organization_id).live()
    return own.filter(pk=campaign.parent_id).only("pk", "name", "organization_id").first()
