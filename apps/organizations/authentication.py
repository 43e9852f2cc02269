"""DRF's classes hand over what the middleware decided."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import SessionAuthentication
from rest_framework.permissions import BasePermission

from apps.organizations.models import RANK, Organization, Role


class KeyAuthentication(SessionAuthentication):
    """The key was read by ApiMiddleware, a signed-in person by the page's middleware; a person's write needs CSRF."""

    def authenticate(self, request: Any) -> tuple[Any, Any] | None:
        inner = request._request
        if key := getattr(inner, "api_key", None):
            return inner.organization, key
        user = getattr(inner, "user", None)
        if getattr(inner, "organization", None) and user is not None and user.is_authenticated:
            self.enforce_csrf(request)
            inner.browsable = True
            return user, None
        return None

    def authenticate_header(self, request: Any) -> str:
        return "Bearer"


def organization_of(request: Any) -> Organization:
    """The organization a DRF request acts for."""
    return request._request.organization  # type: ignore[no-any-return]


class MayCall(BasePermission):
    """Keys act by their own right; people by their role: a viewer reads, a member writes."""

    def has_permission(self, request: Any, view: Any) -> bool:
        inner = request._request
        key = getattr(inner, "api_key", None)
        if (key and key.user is None) or getattr(view, "is_public", False):
            return True
        role = getattr(inner, "role", None)
        if role is None:
            return False
        return request.method in ("GET", "HEAD", "OPTIONS") or RANK[Role(role)] >= RANK[Role.MEMBER]
