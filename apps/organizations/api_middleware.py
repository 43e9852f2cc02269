"""The way of an API request: key, limit, body size, scope; whatever comes back is JSON with the limit's headers."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.core.api import flat
from apps.core.client import client_address
from apps.core.errors import DomainError, Forbidden, NotFound, RateLimited, TooLarge, Unauthorized
from apps.core.scope import Scope, acting
from apps.organizations import rate
from apps.organizations.middleware import SAFE, in_snapshot
from apps.organizations.models import Organization
from apps.organizations.scopes import page_scope
from apps.organizations.sql import KeyEntry, organization_of_key

log = logging.getLogger(__name__)
WITHOUT_KEY = ("/api/v1/health", "/api/openapi.json")


@dataclass(frozen=True)
class Key:
    """The key of a request, as views may know it."""

    id: UUID
    read_only: bool


class ApiMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(("/api/", "/v1/")):
            return self.get_response(request)
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # keys only, never a session
        entry = _entry(request)
        window = _window(request, entry)
        request.window = window  # type: ignore[attr-defined]
        try:
            answer = self._answer(request, entry, window)
        except DomainError as error:
            answer = flat(error)
        return _dressed(answer, request.window)  # type: ignore[attr-defined]

    def _answer(self, request: HttpRequest, entry: KeyEntry | None, window: rate.Window) -> HttpResponse:
        if not window.allowed:
            seconds = window.retry_after
            raise RateLimited(f"Too many requests. Retry after {seconds} seconds.", retry_after=seconds)
        if request.path_info in WITHOUT_KEY:
            return _flattened(self.get_response(request))
        live = _live(request, entry)
        _read_body(request)
        with acting(Scope((live.organization_id,))):
            organization = Organization.objects.select_related("brand").get(pk=live.organization_id)
        request.organization = organization  # type: ignore[attr-defined]
        request.api_key = Key(live.key_id, live.read_only)  # type: ignore[attr-defined]
        rate.used(live.organization_id, live.key_id)
        if live.read_only and request.method not in SAFE:
            raise Forbidden("This API key is read-only.")
        with acting(page_scope(organization, reads=request.method in SAFE)):
            return _flattened(in_snapshot(request, self.get_response))


def _entry(request: HttpRequest) -> KeyEntry | None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.strip():
        return None
    return organization_of_key(hashlib.sha256(key.strip().encode()).digest())


def _window(request: HttpRequest, entry: KeyEntry | None) -> rate.Window:
    if entry is None or entry.state in ("revoked", "expired"):
        return rate.count(f"address:{client_address(request)}", settings.API_REQUESTS_PER_MINUTE)
    return rate.count(f"key:{entry.key_id}", entry.requests_per_minute or settings.API_REQUESTS_PER_MINUTE)


def _live(request: HttpRequest, entry: KeyEntry | None) -> KeyEntry:
    if entry is None:
        raise Unauthorized("Invalid or missing API key")
    if entry.state == "expired":
        raise Unauthorized("This API key has expired", type="api_key_expired")
    if entry.state == "revoked":
        raise Unauthorized("This API key was revoked", type="api_key_revoked")
    if entry.state == "suspended":
        raise Forbidden("This organization is suspended.")
    return entry


def _read_body(request: HttpRequest) -> None:
    """Count while reading, so that a body without Content-Length is bounded too."""
    limit = settings.MAX_API_BODY_BYTES
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        announced = 0
    if announced > limit:
        raise TooLarge("The body is larger than 1 MiB.")
    body = request.read(limit + 1)
    if len(body) > limit:
        raise TooLarge("The body is larger than 1 MiB.")
    request._body = body  # type: ignore[attr-defined]


def _flattened(answer: HttpResponse) -> HttpResponse:
    """Any error that is not JSON (unknown path, wrong method, a crash) in the one flat body."""
    if answer.status_code < 400 or answer.get("Content-Type", "").startswith("application/json"):
        return answer
    if answer.status_code == 404:
        return flat(NotFound("There is nothing at this address."))
    error = DomainError(answer.reason_phrase)
    error.status, error.title = answer.status_code, answer.reason_phrase
    error.type = {405: "method_not_allowed", 500: "server_error"}.get(answer.status_code, "invalid_request")
    return flat(error)


def _dressed(answer: HttpResponse, window: rate.Window) -> HttpResponse:
    for name, value in window.headers().items():
        answer[name] = value
    if answer.status_code == 401:
        answer["WWW-Authenticate"] = "Bearer"
    return answer
