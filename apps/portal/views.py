"""Limits and engine accounts of an agency's clients, and the button that removes the demo."""

from __future__ import annotations

from contextlib import nullcontext

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import needs
from apps.organizations.limits import set_limits
from apps.organizations.models import Limits, Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal.forms import ClientLimitsForm, RemoveDemoForm
from apps.portal.services.demo import remove_demo
from apps.portal.services.engine_accounts import give_account


@require_POST
@needs(Role.ADMIN)
def client_account(request: HttpRequest, org: str) -> HttpResponse:
    """Give one client an account of its own at the agency's engine."""
    organization = request.organization  # type: ignore[attr-defined]
    with acting_for(organization, with_children=True):
        client = Organization.objects.children_of(organization).filter(slug=request.POST.get("client", "")).first()
    if client is None:
        raise NotFound(_("There is no such client."))
    give_account(client=client, agency=organization, by=Actor.of(request), now=db.now())
    messages.success(
        request, _("%(name)s has its own account at the voice engine. Its assistants and numbers follow within seconds.") % {"name": client.name}
    )
    return redirect("clients", org)


@needs(Role.ADMIN)
def client_limits(request: HttpRequest, org: str) -> HttpResponse:
    """What one client may use. Its own rows: read and written in its own scope."""
    organization = request.organization  # type: ignore[attr-defined]
    # A page that is read holds the clients' rows already; after a form was sent they are asked for.
    with acting_for(organization, with_children=True) if request.method == "POST" else nullcontext():
        slug = request.POST.get("client") or request.GET.get("client", "")
        client = Organization.objects.children_of(organization).filter(slug=slug).first()
        if client is None:
            raise NotFound(_("There is no such client."))
        limits = Limits.objects.for_organization(client).first() or Limits(organization=client)
    form = ClientLimitsForm(request.POST if request.method == "POST" else None, limits)
    if not form.is_valid():
        context = {"form": form, "client": client}
        return render(request, "portal/client_limits.html", context, status=422 if form.errors else 200)
    with acting_for(client):
        set_limits(organization=client, values=form.cleaned_data, by=Actor.of(request), now=db.now())
    messages.success(request, _("The limits of %(name)s hold from now on.") % {"name": client.name})
    return redirect("clients", org)


@needs(Role.OWNER)
def demo_remove(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    if not organization.is_demo:
        raise NotFound
    form = RemoveDemoForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        remove_demo(organization=organization, by=Actor.of(request), now=db.now())
        messages.success(request, _("The demo is gone."))
        return redirect("home")
    return render(request, "portal/demo_remove.html", {"form": form}, status=422 if form.errors else 200)
