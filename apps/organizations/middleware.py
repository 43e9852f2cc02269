"""The organization of the address, the tenant's scope around the rest of the request, and refusals made visible."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db import connection, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import Resolver404, resolve, reverse
from django.utils.translation import gettext as _

from apps.accounts.people import person
from apps.accounts.services import has_second_factor
from apps.core.api import dress, flat, flattened
from apps.core.api_request import check_address, is_browsable, read_body, wants_json
from apps.core.error_views import not_found
from apps.core.errors import DomainError, Forbidden, Unauthorized
from apps.core.scope import Scope, acting
from apps.organizations.api_offer import is_hidden
from apps.organizations.feature_table import needed_for
from apps.organizations.features import features_of, require_features, with_features
from apps.organizations.models import Organization
from apps.organizations.scopes import operator, page_scope
from apps.organizations.sql import Entry, member_of
from apps.organizations.visit_gate import enter

PATH = re.compile(r"^/o/([^/]+)(?:/|$)")
SAFE = ("GET", "HEAD", "OPTIONS")
LAST = "last_organization"  # in the session: where the person lands after sign-in
OPERATOR = ("/admin/", "/mailbox")
Next = Callable[[HttpRequest], HttpResponse]


class OrganizationMiddleware:
    """`/o/<slug>/…`: no membership, or a brand that is not the host's, is 404."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        found = PATH.match(request.path_info)
        if not found:
            return self._outside(request)
        if is_browsable(request.path_info):
            return self._operation(request, found[1])
        return self._page(request, found[1])

    def _operation(self, request: HttpRequest, slug: str) -> HttpResponse:
        """The API for signed-in people: bounded like the one for keys, and as flat unless a page is asked for."""
        try:
            check_address(request)
            read_body(request)
            answer = flattened(request, self._page(request, slug))
        except DomainError as error:
            answer = refusal(request, error)
        dress(request, answer)
        return answer

    def _page(self, request: HttpRequest, slug: str) -> HttpResponse:
        if not request.user.is_authenticated:
            return self._sign_in(request)
        entry = member_of(request.user.pk, slug)
        if entry is None or not _wears(request, entry):
            return not_found(request)
        return self._inside(request, entry)

    def _inside(self, request: HttpRequest, entry: Entry) -> HttpResponse:
        with acting(Scope((entry.organization_id, *([entry.via] if entry.via else [])))):
            rows = with_features(Organization.objects.select_related("brand", "parent" if entry.via else "brand"))
            organization = rows.get(pk=entry.organization_id)
        request.organization = organization  # type: ignore[attr-defined]
        request.role = entry.role  # type: ignore[attr-defined]
        request.via = entry.via  # type: ignore[attr-defined]
        # The agency's people in a client's workspace are not bound by what the client may.
        request.features = None if entry.via else features_of(organization)  # type: ignore[attr-defined]
        if organization.requires_second_factor and not has_second_factor(person(request)):
            return self._second_factor(request, organization)
        if request.session.get(LAST) != organization.slug:
            request.session[LAST] = organization.slug
        with_deleted = _is_marked(request, "with_deleted_clients")
        with acting(page_scope(organization, reads=request.method in SAFE, with_deleted=with_deleted)):
            if entry.via and (answer := enter(request, organization)):
                return answer
            try:
                check_features(request)
            except DomainError as error:
                return answered(request, error)
            return in_snapshot(request, self.get_response)

    def _outside(self, request: HttpRequest) -> HttpResponse:
        """The operator's pages see all organizations; everything else outside of one sees none."""
        if request.path_info.startswith(OPERATOR) and request.user.is_superuser:
            with operator("admin"):
                return self.get_response(request)
        return not_found(request) if is_hidden(request) else self.get_response(request)

    def _second_factor(self, request: HttpRequest, organization: Organization) -> HttpResponse:
        text = _("%(name)s asks its members for two-factor sign-in. Turn it on to continue.") % {
            "name": organization.name
        }
        if wants_json(request):
            return flat(Forbidden(text))
        messages.warning(request, text)
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Redirect": reverse("mfa_activate_totp")})
        return redirect("mfa_activate_totp")

    def _sign_in(self, request: HttpRequest) -> HttpResponse:
        if wants_json(request):
            return flat(Unauthorized(_("Sign in first, or use an API key at /api/v1.")))
        answer = redirect_to_login(request.get_full_path())
        if request.headers.get("HX-Request"):
            return HttpResponse(status=204, headers={"HX-Redirect": answer["Location"]})
        return answer


def check_features(request: HttpRequest) -> None:
    """Raises Forbidden when what this address needs is not switched on; `request.features` None is bound by nothing."""
    needed = needed_for(request.path_info, changes=request.method not in SAFE)
    require_features(request.features, *needed)  # type: ignore[attr-defined]


def in_snapshot(request: HttpRequest, get_response: Next) -> HttpResponse:
    """GET: the rest of the request is one READ ONLY transaction, one snapshot; a view marked `unwrapped` goes without."""
    if request.method not in SAFE or _is_marked(request, "unwrapped"):
        return get_response(request)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION READ ONLY")
        return get_response(request)


def unwrapped(view: Any) -> Any:
    """Mark a GET view that speaks to the outside: it reads statement by statement."""
    view.unwrapped = True
    return view


def with_deleted_clients(view: Any) -> Any:
    """Mark a GET view of an agency that shows money of the past: that of clients it has deleted belongs to it."""
    view.with_deleted_clients = True
    return view


def _is_marked(request: HttpRequest, name: str) -> bool:
    try:
        view = resolve(request.path_info).func
    except Resolver404:
        return False
    return bool(getattr(view, name, False) or getattr(getattr(view, "cls", None), name, False))


def _wears(request: HttpRequest, entry: Entry) -> bool:
    brand = request.brand  # type: ignore[attr-defined]
    return bool(brand.is_installation or entry.brand_id == brand.pk)


class ErrorMiddleware:
    """A refusal becomes a flat body, a toast or a page; it uses only what the request already holds."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return answered(request, exception) if isinstance(exception, DomainError) else None


def answered(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A refusal as this request can show it. Raises Http404 for a page that is not there."""
    if wants_json(request):
        return flat(error)
    if request.headers.get("HX-Request"):
        return toast(error.text, level="error", status=error.status)
    if request.method == "POST" and error.status != 404 and (back := _back(request)):
        messages.error(request, error.text)
        return redirect(back)
    if error.status == 404:
        raise Http404
    return refusal(request, error)


def refusal(request: HttpRequest, error: DomainError) -> HttpResponse:
    """A page that says what was refused, or the flat body where JSON is spoken."""
    if wants_json(request):
        return flat(error)
    context = {"error": error, "title": _("That did not work")}
    return render(request, "errors/refused.html", context, status=error.status)


def toast(text: str, *, level: str = "success", status: int = 200, **triggers: Any) -> HttpResponse:
    """An answer that only shows a toast. 4xx answers are swapped by htmx 4: nothing is swapped here."""
    return HttpResponse(
        status=status,
        headers={"HX-Reswap": "none", "HX-Trigger": trigger(toast={"level": level, "text": text}, **triggers)},
    )


def trigger(**events: Any) -> str:
    """The value of HX-Trigger, kept in ASCII because it is a header."""
    return json.dumps(events, default=str)


def _back(request: HttpRequest) -> str:
    referer = request.headers.get("Referer", "")
    own = f"{request.scheme}://{request.get_host()}/"
    return referer.removeprefix(own.rstrip("/")) if referer.startswith(own) else ""
