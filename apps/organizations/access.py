"""What a role may do, as one decorator for pages."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from apps.core.errors import Forbidden, NotFound
from apps.organizations.models import RANK, Organization, Role


def may(request: HttpRequest, role: Role | str) -> bool:
    """Whether the person's role in this organization is at least `role`."""
    own = getattr(request, "role", None)
    return own is not None and RANK[Role(own)] >= RANK[Role(role)]


def allows(request: HttpRequest, *features: str) -> bool:
    """Whether all of these are switched on for whoever asks; the agency's people in a client's workspace are not bound."""
    held: frozenset[str] | None = getattr(request, "features", None)
    return held is None or held.issuperset(features)


def sees_costs(request: HttpRequest) -> bool:
    """Whether amounts of credits are hers to see: of an agency, or of a client that pays from a wallet of its own. What the
    agency pays for a client without one is the agency's."""
    organization: Organization | None = getattr(request, "organization", None)
    return organization is None or organization.is_agency or organization.has_wallet or getattr(request, "via", None) is not None


def agency_of(request: HttpRequest) -> Organization:
    """The agency whose page this is. A client has no such page: NotFound."""
    organization: Organization = request.organization  # type: ignore[attr-defined]
    if not organization.is_agency:
        raise NotFound
    return organization


def needs(role: Role) -> Callable[[Callable[..., HttpResponse]], Callable[..., HttpResponse]]:
    """A page for `role` and above. Others of the organization get 403 with the reason; strangers never get here."""

    def decorate(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        @wraps(view)
        def run(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not may(request, role):
                raise Forbidden(_("Your role does not allow this. Ask an owner or admin of this organization."))
            return view(request, *args, **kwargs)

        return run

    return decorate
