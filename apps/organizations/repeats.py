"""Every POST of the API, on both mounts, runs once per Idempotency-Key (api 6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from rest_framework.authentication import CSRFCheck

from apps.core.api_request import is_api, is_browsable
from apps.core.errors import DomainError
from apps.core.strict_json import read_object
from apps.organizations.access import may
from apps.organizations.idempotency import HEADER, answer_once
from apps.organizations.middleware import refusal
from apps.organizations.models import Role


class RepeatMiddleware:
    """Stands behind whatever decides who asks. What the view would refuse anyway goes to it without a claim.

    A view with `merges_repeats = True` is also protected without the header: the same body within 30 s is a repeat.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        owner_id = _owner_id(request)
        merges = owner_id is not None and _merges(request)
        if owner_id is None or not (merges or HEADER in request.headers) or not _is_readable(request):
            return self.get_response(request)
        try:
            return answer_once(request, owner_id, lambda: self.get_response(request), merges=merges)
        except DomainError as error:
            return refusal(request, error)


def _owner_id(request: HttpRequest) -> UUID | None:
    """The key's id or the person's; None for whoever may not send this."""
    if request.method != "POST":
        return None
    if is_api(request.path_info):
        key = getattr(request, "api_key", None)
        return key.id if key else None
    if is_browsable(request.path_info) and may(request, Role.MEMBER) and _has_csrf_token(request):
        return request.user.pk  # type: ignore[return-value]
    return None


def _has_csrf_token(request: HttpRequest) -> bool:
    check = CSRFCheck(lambda _request: HttpResponse())
    check.process_request(request)
    return check.process_view(request, None, (), {}) is None  # type: ignore[arg-type]


def _merges(request: HttpRequest) -> bool:
    try:
        view: Any = resolve(request.path_info).func
    except Resolver404:
        return False
    return bool(getattr(getattr(view, "cls", None), "merges_repeats", False))


def _is_readable(request: HttpRequest) -> bool:
    try:
        read_object(request.body)
    except DomainError:
        return False
    return True
