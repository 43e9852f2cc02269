"""A client's wallet as its agency sees it: credits by hand, what a minute costs, the plan it pays for."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from apps.billing import subscriptions, wallets
from apps.billing.metering import as_credits
from apps.billing.models import LedgerEntry, Plan
from apps.billing.services import account_of, balance
from apps.core import db
from apps.core.errors import Conflict, DomainError, NotFound
from apps.organizations.access import agency_of, needs
from apps.organizations.models import Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal.forms_wallet import CreditsForm, PlanForm, RateForm
from apps.portal.services.plans import assign_plan

SHOWN = 8


@needs(Role.OWNER)
@require_http_methods(["GET", "POST"])
def client_wallet(request: HttpRequest, org: str, client: str) -> HttpResponse:
    """The page; a form on it names itself by `do`."""
    found = client_of(request, client)
    forms = _forms(request, found)
    if request.method == "POST":
        do = ACTIONS.get(request.POST.get("do", ""))
        if do is None:
            raise NotFound
        if _done(request, found, do, forms):
            return redirect("client_wallet", org, found.slug)
    with acting_for(found, with_parent=True) if request.method == "POST" else nullcontext():
        context = wallet_context(found) | forms | {"client": found}
        status = 422 if any(form.errors for form in forms.values()) else 200
        return render(request, "portal/client_wallet.html", context, status=status)


def client_of(request: HttpRequest, slug: str) -> Organization:
    """A live client of the agency whose page this is. A client has none: 404."""
    agency = agency_of(request)
    with acting_for(agency, with_children=True) if request.method == "POST" else nullcontext():
        found = Organization.objects.children_of(agency).select_related("brand", "parent").filter(slug=slug).first()
    if found is None:
        raise NotFound(_("There is no such client."))
    return found


def wallet_context(client: Organization) -> dict[str, Any]:
    """The figures of the page. In a scope that holds the client's rows."""
    account = account_of(client.pk)
    return {
        "client": client,
        "wallet_balance": balance(client.pk) if client.has_wallet else None,
        "wallet_rate": account.micro_per_minute,
        "wallet_line": account.credit_line,
        "wallet_entries": LedgerEntry.objects.for_organization(client).newest()[:SHOWN],  # type: ignore[attr-defined]
        "subscription": subscriptions.subscription_of(client.pk),
    }


def _forms(request: HttpRequest, client: Organization) -> dict[str, Any]:
    """Only the form that was sent is filled with what was sent."""
    sent, do = request.POST if request.method == "POST" else None, request.POST.get("do", "")
    with acting_for(client, with_parent=True) if request.method == "POST" else nullcontext():
        rate = account_of(client.pk).micro_per_minute
        plans = list(Plan.objects.for_organization(client.parent_id).filter(is_active=True).order_by("position", "name"))
    return {
        "credits_form": CreditsForm(sent if do == "credits" else None),
        "rate_form": RateForm(sent if do == "rate" else None, initial={"rate": None if rate is None else as_credits(rate)}),
        "plan_form": PlanForm(sent if do in ("start", "change") else None, plans),
    }


def _done(request: HttpRequest, client: Organization, do: Callable[..., str], forms: dict[str, Any]) -> bool:
    """Whether it was done; else the form says why not."""
    filled = next((form for form in forms.values() if form.is_bound), None)
    if filled is not None and not filled.is_valid():
        return False
    try:
        with acting_for(client, with_parent=True):
            said = do(client, filled, Actor.of(request), db.now())
    except DomainError as problem:
        if filled is None:
            raise
        filled.add_error(next(iter(filled.fields)), problem.text)
        return False
    messages.success(request, said)
    return True


def _give(client: Organization, _form: Any, by: Actor, now: Any) -> str:
    wallets.give_wallet(client=client, by=by, now=now)
    return _("%(name)s has a wallet. Add credits, or sell some.") % {"name": client.name}


def _credits(client: Organization, form: Any, by: Actor, now: Any) -> str:
    values = form.cleaned_data
    wallets.change_credits(client=client, credits=values["credits"], note=values["note"], by=by, key=f"hand:{values['key']}", now=now)
    return _("The credits are booked.")


def _rate(client: Organization, form: Any, by: Actor, now: Any) -> str:
    wallets.set_rate(organization=client, credits=form.cleaned_data["rate"], by=by, now=now)
    return _("The rate holds from now on.")


def _start(client: Organization, form: Any, by: Actor, now: Any) -> str:
    subscriptions.start_subscription(client=client, plan=form.chosen, by=by, now=now)
    assign_plan(client=client, plan=form.chosen, by=by, now=now)
    return _("%(plan)s has begun.") % {"plan": form.chosen.name}


def _change(client: Organization, form: Any, by: Actor, now: Any) -> str:
    _not_by_card(client)
    subscriptions.change_subscription(client=client, plan=form.chosen, by=by, now=now)
    assign_plan(client=client, plan=form.chosen, by=by, now=now)
    return _("%(plan)s has begun.") % {"plan": form.chosen.name}


def _cancel(client: Organization, _form: Any, by: Actor, now: Any) -> str:
    _not_by_card(client)
    subscriptions.cancel_subscription(client=client, by=by, now=now)
    return _("The plan ends with its period.")


def _resume(client: Organization, _form: Any, by: Actor, now: Any) -> str:
    subscriptions.resume_subscription(client=client, by=by, now=now)
    return _("The plan goes on.")


def _not_by_card(client: Organization) -> None:
    """Here it would end while the card goes on being charged."""
    found = subscriptions.subscription_of(client.pk)
    if found and found.gateway == "stripe":
        raise Conflict(_("The client pays this plan by card and changes it itself."))


ACTIONS: dict[str, Callable[..., str]] = {
    "give": _give, "credits": _credits, "rate": _rate, "start": _start, "change": _change, "cancel": _cancel, "resume": _resume,
}  # fmt: skip
