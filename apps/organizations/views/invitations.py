"""The page behind an invitation's link: join, sign in first, or make an account."""

from __future__ import annotations

from allauth.account.utils import perform_login
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps.accounts.forms import NewPersonForm
from apps.accounts.people import person
from apps.accounts.services import Kind, note_security
from apps.core import db
from apps.core.client import client_address
from apps.organizations.invitations import Opened, accept, accept_as_new, open_invitation


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    opened = open_invitation(token, request.brand)  # type: ignore[attr-defined]
    if opened is None:
        return render(request, "organizations/invitation_gone.html", status=410)
    if request.user.is_authenticated:
        return _signed_in(request, opened)
    if opened.account:
        return _page(request, opened, "sign_in")
    return _new_person(request, opened)


def _signed_in(request: HttpRequest, opened: Opened) -> HttpResponse:
    user = person(request)
    if user.email.lower() != opened.invitation.email.lower():
        return _page(request, opened, "other", status=403 if request.method == "POST" else 200)
    if request.method != "POST":
        return _page(request, opened, "join")
    accept(opened=opened, user=user, address=client_address(request), now=db.now())
    return _welcome(request, opened)


def _new_person(request: HttpRequest, opened: Opened) -> HttpResponse:
    form = NewPersonForm(request.POST or None, email=opened.invitation.email)
    if request.method != "POST" or not form.is_valid():
        return _page(request, opened, "new", form=form, status=422 if form.errors else 200)
    user = accept_as_new(
        opened=opened, brand=request.brand, name=form.cleaned_data["name"], password=form.cleaned_data["password"],  # type: ignore[attr-defined]
        language=request.LANGUAGE_CODE, address=client_address(request), now=db.now(),  # type: ignore[attr-defined]
    )  # fmt: skip
    note_security(request=request, kind=Kind.ACCOUNT_MADE, user=user)
    answer = perform_login(request, user, redirect_url=f"/o/{opened.organization.slug}/")
    return answer if request.user.is_authenticated else redirect("account_login")


def _welcome(request: HttpRequest, opened: Opened) -> HttpResponse:
    messages.success(request, _("Welcome to %(name)s.") % {"name": opened.organization.name})
    return redirect(f"/o/{opened.organization.slug}/")


def _page(
    request: HttpRequest, opened: Opened, case: str, *, form: NewPersonForm | None = None, status: int = 200
) -> HttpResponse:
    row = opened.invitation
    context = {"case": case, "invitation": row, "organization_name": opened.organization.name, "form": form,
               "role": row.get_role_display(), "by": row.invited_by}  # fmt: skip
    return render(request, "organizations/invitation.html", context, status=status)
