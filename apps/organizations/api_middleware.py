"""The way of an API request: key, limit, body size, scope; whatever comes back is JSON with the limit's headers."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.core import rate
from apps.core.api import dress, flat, flattened
from apps.core.api_request import check_address, is_api, read_body
from apps.core.errors import DomainError, Forbidden, RateLimited, ServerError, Unauthorized
from apps.core.scope import Scope, acting
from apps.organizations import key_use
from apps.organizations.features import features_of, with_features
from apps.organizations.middleware import SAFE, check_features, in_snapshot
from apps.organizations.models import Organization
from apps.organizations.scopes import page_scope
from apps.organizations.sql import KeyEntry, organization_of_key

log = logging.getLogger(__name__)
WITHOUT_KEY = ("/api/v1/health", "/api/openapi.json", "/api/docs")
DOCS = "/api/docs/"


@dataclass(frozen=True)
class Key:
    """The key of a request, as views may know it. A person's program (OAuth) has her role and acts in her name."""

    id: UUID
    read_only: bool
    user: User | None = None
    label: str = ""


@dataclass(frozen=True)
class Admitted:
    """A request of ours to the API that another door has judged and counted, in place of the Authorization header."""

    entry: KeyEntry
    window: rate.Window


class ApiMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not is_api(request.path_info):
            return self.get_response(request)
        request._dont_enforce_csrf_checks = True  # type: ignore[attr-defined]  # keys only, never a session
        try:
            answer = flattened(request, self._answer(request))
        except DomainError as error:
            answer = flat(error)
        except Exception:
            log.exception("%s %s failed", request.method, request.path_info)
            answer = flat(ServerError())
        return _dressed(request, answer)

    def _answer(self, request: HttpRequest) -> HttpResponse:
        admitted: Admitted | None = getattr(request, "admitted", None)
        entry = admitted.entry if admitted else entry_of(request)
        window = admitted.window if admitted else window_of(request, entry)
        request.window = window  # type: ignore[attr-defined]
        if not window.allowed:
            seconds = window.retry_after
            raise RateLimited(f"Too many requests. Retry after {seconds} seconds.", retry_after=seconds)
        if request.path_info in WITHOUT_KEY or request.path_info.startswith(DOCS):
            return self.get_response(request)
        live = live_entry(entry)
        check_address(request)
        read_body(request)
        with acting(Scope((live.organization_id,))):
            organization = with_features(Organization.objects.select_related("brand")).get(pk=live.organization_id)
        request.organization = organization  # type: ignore[attr-defined]
        request.features = features_of(organization)  # type: ignore[attr-defined]
        request.api_key = Key(live.key_id, live.read_only, live.user, live.label)  # type: ignore[attr-defined]
        if live.user:
            request.role = live.role  # type: ignore[attr-defined]
        else:
            key_use.used(live.organization_id, live.key_id)
        if live.read_only and request.method not in SAFE:
            raise Forbidden("This connection may only read." if live.user else "This API key is read-only.")
        check_features(request)
        with acting(page_scope(organization, reads=request.method in SAFE)):
            return in_snapshot(request, self.get_response)


def entry_of(request: HttpRequest) -> KeyEntry | None:
    """What is known of the API key that the request carries; None for none and for an unknown one."""
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not key.strip():
        return None
    return organization_of_key(hashlib.sha256(key.strip().encode(errors="replace")).digest())


def window_of(request: HttpRequest, entry: KeyEntry | None) -> rate.Window:
    """Count the request: for its key, without one for its address."""
    if entry is None or entry.state in ("revoked", "expired"):
        return rate.count_address(request)
    return rate.count(f"key:{entry.key_id}", entry.requests_per_minute or settings.API_REQUESTS_PER_MINUTE)


def live_entry(entry: KeyEntry | None) -> KeyEntry:
    """The entry when it may act; raises Unauthorized or Forbidden."""
    if entry is None:
        raise Unauthorized("Invalid or missing API key")
    if entry.state == "expired":
        raise Unauthorized("This API key has expired", type="api_key_expired")
    if entry.state == "revoked":
        raise Unauthorized("This API key was revoked", type="api_key_revoked")
    if entry.state == "suspended":
        raise Forbidden("This organization is suspended.")
    return entry


def _dressed(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    window: rate.Window = getattr(request, "window", None) or rate.count_address(request)
    for name, value in window.headers().items():
        answer[name] = value
    dress(request, answer)
    if answer.status_code == 401:
        answer["WWW-Authenticate"] = "Bearer"
    return answer
