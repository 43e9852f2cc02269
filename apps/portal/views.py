"""An agency's clients, and the button that removes the demo."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.core import db
from apps.core.errors import NotFound
from apps.organizations.access import needs
from apps.organizations.models import Organization, Role
from apps.organizations.scopes import acting_for
from apps.organizations.services import Actor
from apps.portal.forms import ClientForm, RemoveDemoForm
from apps.portal.selectors import clients_of
from apps.portal.services.clients import create_client
from apps.portal.services.demo import remove_demo
from apps.portal.services.engine_accounts import clients_with_account, give_account, parent_connection


def clients(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    if not organization.is_agency:
        raise NotFound
    gives = parent_connection(organization) is not None
    context = {
        "clients": clients_of(organization, db.now()), "gives_accounts": gives,
        "with_account": clients_with_account(organization) if gives else set(),
    }  # fmt: skip
    return render(request, "portal/clients.html", context)


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
def client_create(request: HttpRequest, org: str) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    if not organization.is_agency:
        raise NotFound
    form = ClientForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        made, _secret = create_client(agency=organization, name=form.cleaned_data["name"], by=Actor.of(request))
        messages.success(
            request, _("%(name)s is ready. Invite its people under Settings > Members.") % {"name": made.name}
        )
        return redirect("members", org=made.slug)
    return render(request, "portal/client_form.html", {"form": form}, status=422 if form.errors else 200)


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
