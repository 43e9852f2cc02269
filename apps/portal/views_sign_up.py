"""Signing up at a brand's host, and the first page: whoever signed up lands where the sign-up stands."""

from __future__ import annotations

from allauth.account.internal.flows.signup import complete_signup, prevent_enumeration
from allauth.core.ratelimit import consume_or_429
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_safe

from apps.accounts.people import person
from apps.accounts.services import Kind, note_security
from apps.core import db
from apps.organizations.views.home import home as organizations_home
from apps.organizations.views.home import reachable
from apps.portal.forms_sign_up import SignUpForm
from apps.portal.models import SignUp
from apps.portal.services.sign_up_steps import go_on, sign_up_of
from apps.portal.services.sign_ups import offer_at, register

LONGEST = 254
PAGES = {
    SignUp.Status.WAITING: "portal/sign_up_waiting.html",
    SignUp.Status.REFUSED: "portal/sign_up_refused.html",
    SignUp.Status.MAKING: "portal/sign_up_making.html",
}


@sensitive_post_parameters("password")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def sign_up(request: HttpRequest) -> HttpResponse:
    """The form. Whether the address has an account here is told only to who reads its mail."""
    brand = request.brand  # type: ignore[attr-defined]
    if request.user.is_authenticated:
        return redirect("home")
    offer = offer_at(brand)
    if offer is None:
        return render(request, "account/signup_closed.html")
    form = SignUpForm(request.POST or None, brand=brand, initial=_from_address(request))
    if request.method != "POST" or not form.is_valid():
        context = {"form": form, "offer": offer}
        return render(request, "portal/sign_up.html", context, status=422 if form.errors else 200)
    return consume_or_429(request, action="signup") or _register(request, form.cleaned_data)


def _from_address(request: HttpRequest) -> dict[str, str]:
    """What somebody wrote in a sign-up form on another website: a beginning, judged like anything typed here."""
    return {name: request.GET.get(name, "").replace("\x00", "")[:LONGEST] for name in ("name", "company", "email")}


def _register(request: HttpRequest, values: dict[str, str]) -> HttpResponse:
    user = register(
        brand=request.brand, name=values["name"], company=values["company"], email=values["email"],  # type: ignore[attr-defined]
        password=values["password"], language=request.LANGUAGE_CODE, accepts_terms=bool(values.get("terms")), now=db.now(),  # type: ignore[attr-defined]
    )  # fmt: skip
    if user is None:
        return prevent_enumeration(request, email=values["email"])
    note_security(request=request, kind=Kind.ACCOUNT_MADE, user=user)
    return complete_signup(request, user=user, redirect_url="/")


@require_safe
@login_required
def home(request: HttpRequest) -> HttpResponse:
    """Where a person lands: in a workspace, or on the page that says how far the sign-up is."""
    found = sign_up_of(person(request))
    if found is not None:
        found = go_on(sign_up=found, now=db.now())
    page = PAGES.get(found.status) if found else None  # type: ignore[call-overload]
    if page is None or reachable(request):
        return _go_home(request)
    return render(request, page, {"sign_up": found})


def _go_home(request: HttpRequest) -> HttpResponse:
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": "/"})
    return organizations_home(request)
