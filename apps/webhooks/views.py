"""The settings page of the account webhook."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from apps.core import db
from apps.organizations.access import needs
from apps.organizations.forms import EVENTS
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor
from apps.organizations.views.settings import save_settings, show_settings
from apps.webhooks.account import account_target, save_account_webhook, switch_on, switch_secret
from apps.webhooks.endpoints import endpoint_of
from apps.webhooks.forms import AccountWebhookForm
from apps.webhooks.rotation import new_secret, pending_change

TEMPLATE = "organizations/webhook.html"


@never_cache
@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def webhook_settings(request: HttpRequest, org: str) -> HttpResponse:
    """The secret is write-only; one that we made is shown once, in the answer that made it."""
    organization = request.organization  # type: ignore[attr-defined]
    chosen = organization.webhook_events
    form = AccountWebhookForm(
        request.POST or None,
        initial={
            "webhook_url": organization.webhook_url,
            "all_events": chosen is None,
            "webhook_events": [name for name, _label in EVENTS] if chosen is None else chosen,
            "overlap": 24,
        },
    )
    context: dict[str, Any] = {"has_secret": bool(organization.webhook_secret)}
    if request.method != "POST" or not form.is_valid():
        return show_settings(request, form, TEMPLATE, context | _state(organization))
    values = form.values() | {"hours": (form.cleaned_data["overlap"] or 0) if context["has_secret"] else 0}
    if "generate" in request.POST:
        values["webhook_secret"] = context["new_secret"] = new_secret()
        context["overlap"] = values["hours"]
    return save_settings(request, form, values, TEMPLATE, context, save_account_webhook)


@require_POST
@needs(Role.ADMIN)
def webhook_switch(request: HttpRequest, org: str) -> HttpResponse:
    """Let the new secret sign alone, before the overlap is over."""
    organization = request.organization  # type: ignore[attr-defined]
    owner = str(organization.pk)
    if switch_secret(organization=organization, owner_id=owner, by=Actor.of(request), now=db.now()):
        messages.success(request, _("From now on only the new secret signs."))
    return redirect("webhook_settings", org=organization.slug)


@require_POST
@needs(Role.ADMIN)
def webhook_on(request: HttpRequest, org: str) -> HttpResponse:
    """Switch the account's URL on again."""
    organization = request.organization  # type: ignore[attr-defined]
    url = organization.webhook_url
    if url and switch_on(organization=organization, url=url, by=Actor.of(request), now=db.now()):
        messages.success(request, _("The address is switched on again."))
    return redirect("webhook_settings", org=organization.slug)


def _state(organization: Organization) -> dict[str, Any]:
    target, now = account_target(organization), db.now()
    return {
        "endpoint": endpoint_of(target, organization.pk) if target else None,
        "pending": pending_change(organization_id=organization.pk, owner_id=str(organization.pk), now=now),
    }
