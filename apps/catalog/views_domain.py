"""The page of the e-mail domain: from the key over the DNS records to the verified sender."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.catalog.forms import DomainForm
from apps.catalog.models import SenderDomain
from apps.catalog.services.domains import (
    account_domains,
    account_key,
    add_domain,
    delete_domain,
    domain_of,
    pick_domain,
    refresh_domain,
    verify_domain,
)
from apps.core import db
from apps.core.errors import DomainError
from apps.organizations.access import needs
from apps.organizations.middleware import unwrapped
from apps.organizations.models import Organization, Role
from apps.organizations.services import Actor

KEY, DOMAIN, RECORDS, DONE = 1, 2, 3, 4


@needs(Role.ADMIN)
@require_GET
def email_domain(request: HttpRequest, org: str) -> HttpResponse:
    return _page(request, DomainForm())


@needs(Role.ADMIN)
@require_POST
def email_domain_add(request: HttpRequest, org: str) -> HttpResponse:
    form = DomainForm(request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    organization, name = request.organization, form.cleaned_data["domain_name"]  # type: ignore[attr-defined]
    try:
        add_domain(organization=organization, name=name, by=Actor.of(request), now=db.now())
    except DomainError as error:
        # What Resend says stands beside what was typed.
        form.add_error("domain_name", error.text)
        return _page(request, form, status=422)
    messages.success(request, _("%(domain)s is added. Set the DNS records next.") % {"domain": name})
    return redirect("email_domain", org)


@unwrapped
@needs(Role.ADMIN)
@require_http_methods(["GET", "POST"])
def email_domain_pick(request: HttpRequest, org: str) -> HttpResponse:
    """The domains of the account, read at Resend; one is taken over."""
    organization = request.organization  # type: ignore[attr-defined]
    if request.method == "POST":
        ident, by = request.POST.get("resend_id", ""), Actor.of(request)
        domain = pick_domain(organization=organization, resend_id=ident[:100] or "-", by=by, now=db.now())
        messages.success(request, _("E-mail now uses %(domain)s.") % {"domain": domain.domain_name})
        return redirect("email_domain", org)
    chosen, found, problem = domain_of(organization), [], ""
    try:
        found = account_domains(organization=organization, now=db.now())
    except DomainError as error:
        problem = error.text
    context = {"domains": found, "chosen": chosen.resend_domain_id if chosen else None, "problem": problem}
    return render(request, "catalog/email_domain_pick.html", context)


@needs(Role.ADMIN)
@require_POST
def email_domain_verify(request: HttpRequest, org: str) -> HttpResponse:
    domain = verify_domain(organization=request.organization, now=db.now())  # type: ignore[attr-defined]
    return _checked(request, org, domain)


@needs(Role.ADMIN)
@require_POST
def email_domain_refresh(request: HttpRequest, org: str) -> HttpResponse:
    domain = refresh_domain(organization=request.organization, now=db.now())  # type: ignore[attr-defined]
    return _checked(request, org, domain)


@needs(Role.ADMIN)
@require_POST
def email_domain_delete(request: HttpRequest, org: str) -> HttpResponse:
    """Without a working key it can still be given up here."""
    organization = request.organization  # type: ignore[attr-defined]
    key = account_key(organization)
    only_here = key is None or key.broken_at is not None
    delete_domain(organization=organization, by=Actor.of(request), now=db.now(), only_here=only_here)
    messages.success(request, _("The domain is deleted. Reports come from the platform's address again."))
    return redirect("email_domain", org)


def _checked(request: HttpRequest, org: str, domain: SenderDomain) -> HttpResponse:
    words = {"domain": domain.domain_name}
    if domain.is_verified:
        messages.success(request, _("%(domain)s is verified. Reports come from it from now on.") % words)
    elif domain.status == SenderDomain.Status.PENDING:
        messages.info(request, _("Resend is looking at the DNS records of %(domain)s. That may take a while.") % words)
    else:
        messages.warning(request, _("%(domain)s is not verified yet. Check the DNS records below.") % words)
    return redirect("email_domain", org)


def _page(request: HttpRequest, form: DomainForm, *, status: int = 200) -> HttpResponse:
    organization = request.organization  # type: ignore[attr-defined]
    context = _state(organization) | {"form": form}
    return render(request, "catalog/email_domain.html", context, status=status)


def _state(organization: Organization) -> dict[str, Any]:
    key, domain = account_key(organization), domain_of(organization)
    if domain is None:
        step = DOMAIN if key else KEY
    elif domain.is_verified:
        step = DONE
    else:
        step = RECORDS
    names = [_("Resend key"), _("Domain"), _("DNS records"), _("Ready")]
    return {
        "key": key,
        "domain": domain,
        "step": step,
        # Without a working key nothing works, however far the domain was.
        "current": _current(step, is_open=key is not None and key.broken_at is None),
        "steps": names,
        "works": bool(domain and domain.is_verified and key and not key.broken_at),
    }


def _current(step: int, *, is_open: bool) -> int:
    """The step of the progress bar; one past the last when all is done."""
    if not is_open:
        return KEY
    return step + 1 if step == DONE else step
