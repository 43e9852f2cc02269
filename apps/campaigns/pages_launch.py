"""The launch checks of a campaign in words, each problem with the page that mends it."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.campaigns.models import Campaign
from apps.campaigns.rules.problems import verdict_of
from apps.campaigns.selectors import State
from apps.campaigns.services.launch import budget_warnings, number_problem, second_problem, template_problems
from apps.core.templatetags.ui import number

SHOWN = 5


@dataclass(frozen=True)
class Check:
    """A launch check: `problems` in words (none: it holds), and where to mend them; `warnings` hinder nothing."""

    label: str
    problems: list[str] = field(default_factory=list)
    url: str = ""
    action: str = ""
    more: int = 0
    warnings: list[str] = field(default_factory=list)


def launch_checks(state: State, pending: int) -> list[Check]:
    """Every launch check of features 14, and what the rules and the money say."""
    campaign = state.campaign
    slug = campaign.organization.slug
    edit, leads = reverse("campaign_edit", args=[slug, campaign.pk]), reverse("lead_import", args=[slug, campaign.pk])
    missing = template_problems(campaign)
    return [
        Check(_("Assistant is active"), _assistant_problems(campaign), edit, _("Choose another")),
        _number_check(campaign, edit),
        Check(
            ngettext("%(count)s lead is waiting", "%(count)s leads are waiting", pending) % {"count": number(pending)}
            if pending else _("Leads are waiting"),
            [] if pending else [_("There is no lead to call.")], leads, _("Import leads"),
        ),
        Check(
            _("The message has every value it needs"), missing[:SHOWN], edit, _("Change the message"),
            max(0, len(missing) - SHOWN),
        ),
        *([_rules_check(state, edit)] if pending else []),
        _money_check(state, edit),
    ]  # fmt: skip


def _rules_check(state: State, edit: str) -> Check:
    verdict = verdict_of(state.rules)
    label = _("Some leads may not be called") if verdict.warnings else _("Every lead may be called at some time")
    return Check(
        label, verdict.problems[:SHOWN], edit, _("Change the rules"), max(0, len(verdict.problems) - SHOWN),
        warnings=verdict.warnings[:SHOWN],
    )  # fmt: skip


def _money_check(state: State, edit: str) -> Check:
    slug = state.campaign.organization.slug
    empty = [] if state.has_balance else [_("There is less than one credit left: it would wait for more.")]
    budget = budget_warnings(state.campaign)
    url, action = (reverse("usage", args=[slug]), _("Credits")) if empty else (edit, _("Change the budget"))
    label = _("Credits and budget") if empty or budget else _("There are credits to call with")
    return Check(label, url=url, action=action, warnings=empty + budget)


def _number_check(campaign: Campaign, edit: str) -> Check:
    lost = number_problem(campaign)
    own = campaign.has_own_number
    return Check(
        _("A number can call out"), [lost] if lost else [],
        edit if own else reverse("numbers", args=[campaign.organization.slug]),
        _("Choose another") if own else _("Phone numbers"),
    )  # fmt: skip


def _assistant_problems(campaign: Campaign) -> list[str]:
    names = {"name": campaign.assistant.name}
    if campaign.assistant.deleted_at:
        return [_("The assistant %(name)s was deleted. Choose another one.") % names]
    if not campaign.assistant.is_active:
        return [_("The assistant %(name)s is not active.") % names]
    problem = second_problem(campaign)
    return [problem] if problem else []
