"""The account area that allauth does not bring: profile, sessions, turning the second factor off, language."""

from __future__ import annotations

from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import flows as totp_flows
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from apps.accounts.agents import agent_name, is_phone
from apps.accounts.forms import ProfileForm, SecondFactorOffForm
from apps.accounts.middleware import LANGUAGES
from apps.accounts.people import person
from apps.accounts.services import Kind, end_sessions, live_sessions, note_security, save_language, save_profile
from apps.core import db
from apps.core.zones import ZONES

YEAR = 365 * 24 * 3600


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: HttpRequest) -> HttpResponse:
    user = person(request)
    form = ProfileForm(request.POST or None, instance=user)
    if request.method == "POST" and form.is_valid():
        save_profile(user=user, now=db.now(), **form.cleaned_data)
        messages.success(request, _("Your profile was saved."))
        return _remember_language(redirect("profile"), form.cleaned_data["language"])
    zones = sorted(ZONES)
    status = 422 if form.errors else 200
    return render(request, "accounts/profile.html", {"form": form, "zones": zones}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def sessions(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in; one of them, or all others, can be ended."""
    user, now = person(request), db.now()
    if request.method == "POST":
        only = request.POST.get("session", "")
        ended = end_sessions(request=request, user=user, only=int(only) if only.isdigit() else None)
        note_security(request=request, kind=Kind.SESSIONS_ENDED, user=user)
        messages.success(
            request,
            _("The session was ended.") if only else _("%(count)d other sessions were ended.") % {"count": ended},
        )
        return redirect("usersessions_list")
    rows = [
        {"row": row, "name": agent_name(row.user_agent), "is_phone": is_phone(row.user_agent),
         "is_current": row.session_key == request.session.session_key}
        for row in live_sessions(user, now)
    ]  # fmt: skip
    rows.sort(key=lambda each: not each["is_current"])
    return render(request, "accounts/sessions.html", {"sessions": rows, "now": now})


@sensitive_post_parameters("password", "code")
@login_required
@require_http_methods(["GET", "POST"])
def second_factor_off(request: HttpRequest) -> HttpResponse:
    authenticator = get_object_or_404(Authenticator, user=request.user, type=Authenticator.Type.TOTP)
    form = SecondFactorOffForm(request.POST or None, user=request.user)
    if request.method == "POST" and form.is_valid():
        reauthenticate_by_password(request)
        totp_flows.deactivate_totp(request, authenticator)
        return redirect("mfa_index")
    return render(request, "mfa/totp/deactivate_form.html", {"form": form}, status=422 if form.errors else 200)


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    """The language of this browser, and of the person when she is signed in."""
    language = request.POST.get("language", "")
    if language in LANGUAGES and request.user.is_authenticated:
        save_language(user=person(request), language=language, now=db.now())
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure())
    return _remember_language(redirect(target if safe else "/"), language)


def _remember_language(answer: HttpResponse, language: str) -> HttpResponse:
    if language in LANGUAGES:
        answer.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, secure=settings.LANGUAGE_COOKIE_SECURE,
            httponly=True, samesite="Lax",
        )  # fmt: skip
    return answer
