"""What must hold before a campaign dials (features 14): every problem, not only the first."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from django.db.models import Q, TextField, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.billing.models import CREDIT
from apps.campaigns.models import Campaign, Lead, LeadQuerySet
from apps.campaigns.rules.of import Rules
from apps.campaigns.rules.problems import verdict_of
from apps.campaigns.variants import why_not_second
from apps.core import variables
from apps.core.errors import Invalid
from apps.numbers.models import PhoneNumber
from apps.numbers.services import dial_number_for

MOST = 100


def launch_problems(campaign: Campaign, *, now: dt.datetime) -> list[str]:
    """Why the campaign cannot start, as sentences; empty when it can.

    The rules of a country hinder only when they leave nobody to call: else those who may not be called are skipped.
    """
    problems = []
    assistant = campaign.assistant
    if assistant.deleted_at:
        problems.append(_("The assistant %(name)s was deleted. Choose another one.") % {"name": assistant.name})
    elif not assistant.is_active:
        problems.append(_("The assistant %(name)s is not active.") % {"name": assistant.name})
    if problem := second_problem(campaign):
        problems.append(problem)
    if problem := number_problem(campaign):
        problems.append(problem)
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign)
    if not leads.pending().exists():
        problems.append(_("There is no lead to call. Add leads first."))
    return problems + verdict_of(Rules.of(campaign, now)).problems + template_problems(campaign)


def check_launch(campaign: Campaign, *, now: dt.datetime) -> None:
    """Raises Invalid with every problem in `details`."""
    if problems := launch_problems(campaign, now=now):
        about_leads = len(problems) == len(template_problems(campaign))
        raise Invalid(problems[0], details=problems, param="leads" if about_leads else "status")


def budget_warnings(campaign: Campaign) -> list[str]:
    """Why its budget would stop it before the first call; it hinders no start, as a budget can be raised while it runs."""
    if campaign.budget is None or campaign.budget >= CREDIT:
        return []
    return [_("The budget is less than one credit. A call needs one while it runs, so nobody would be called.")]


def second_problem(campaign: Campaign) -> str | None:
    """Why the other side of a comparison cannot talk; None when it can, or nothing is compared."""
    if not why_not_second(campaign):
        return None
    return _("What a share of the leads would talk to is switched off or not there any more. Change the comparison.")


def number_of(campaign: Campaign) -> PhoneNumber:
    """The number its calls leave from: its own, never replaced by another; without one any that the assistant may use.

    Raises Invalid with the reason when there is none.
    """
    if not campaign.has_own_number:
        return dial_number_for(organization=campaign.organization, assistant=campaign.assistant)
    if campaign.number_id is None:
        raise Invalid(_("The number of this campaign was deleted. Choose another one."), param="number_id")
    return dial_number_for(organization=campaign.organization, number_id=campaign.number_id)


def number_problem(campaign: Campaign) -> str | None:
    """Why there is no number to call from; None when there is one."""
    try:
        number_of(campaign)
    except Invalid as error:
        return error.text
    return None


def template_problems(campaign: Campaign) -> list[str]:
    """Pending leads that lack a value the template needs: each missing value with its lead, at most 100 of them."""
    needed = variables.names(campaign.system_message_template or "")
    if not needed:
        return []
    lacking = _lacking(campaign, needed)
    shown = lacking.oldest()[:MOST]
    problems = [problem for lead in shown for problem in lead_problems(campaign, lead.position, lead)]
    if len(shown) == MOST and (more := lacking.count() - MOST):
        problems.append(
            ngettext("%(count)d more lead lacks a value", "%(count)d more leads lack a value", more) % {"count": more}
        )
    return problems


def lead_problems(campaign: Campaign, position: int, lead: Lead) -> list[str]:
    """The template's variables that have no value for this lead, each as a sentence."""
    template = campaign.system_message_template or ""
    return [
        _('lead %(position)s (%(number)s): variable "%(name)s" has no value')
        % {"position": position, "number": lead.phone_number, "name": name}
        for name in variables.missing(template, lead.variables)
    ]


def _lacking(campaign: Campaign, needed: Iterable[str]) -> LeadQuerySet:
    leads = Lead.objects.for_organization(campaign.organization_id).filter(campaign=campaign).pending()
    lacks = Q()
    for number, name in enumerate(sorted(needed)):
        value = f"value_{number}"
        leads = leads.annotate(**{value: Coalesce(KeyTextTransform(name, "variables"), Value(""), output_field=TextField())})
        lacks |= ~Q(**{f"{value}__regex": r"\S"})
    return leads.filter(lacks)
