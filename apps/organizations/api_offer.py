"""Whether a reseller's host shows that there is an API: its documents, and what lets programs sign in.

On the installation's own host everybody may read them. On a reseller's host they exist for people and keys of workspaces with
API keys switched on, and the doors for programs, which nobody signs in at, while one of its clients has them.
"""

from __future__ import annotations

import hashlib
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest

from apps.branding.models import Brand
from apps.core.scope import Scope, acting
from apps.organizations.features import closed
from apps.organizations.models import Limits, Organization
from apps.organizations.scopes import overview
from apps.organizations.sql import organization_of_key, organizations_of

NAME = "api_keys"
DOCUMENTS = ("/api/docs", "/api/openapi.json", "/profile/apps")
PROGRAMS = ("/mcp", "/.well-known/o", "/.well-known/jwks.json", "/identity/", "/authorize", "/token", "/register")


def is_hidden(request: HttpRequest) -> bool:
    """Whether this address does not exist for whoever asks."""
    path, brand = request.path_info, request.brand  # type: ignore[attr-defined]
    if brand.is_installation or not path.startswith((*DOCUMENTS, *PROGRAMS)):
        return False
    return not (reads_documents(request) if path.startswith(DOCUMENTS) else programs_may_sign_in(brand))


def programs_may_sign_in(brand: Brand) -> bool:
    """Whether one of the brand's clients has API keys switched on."""
    with acting(overview("whether a brand's clients may use programs")):
        clients = Organization.objects.live().filter(brand=brand, parent__isnull=False, suspended_at=None)
        limited = Limits.objects.filter(organization__in=clients, features__isnull=False)
        rows = list(limited.values_list("organization_id", "features"))
        if any(NAME in closed(names or ()) for _pk, names in rows):
            return True
        return clients.exclude(Q(pk__in=[pk for pk, _names in rows])).exists()


def reads_documents(request: HttpRequest) -> bool:
    """Whether whoever asks may know of the API on this host."""
    brand = request.brand  # type: ignore[attr-defined]
    if brand.is_installation:
        return True
    if request.user.is_authenticated:
        found = [each.organization_id for each in organizations_of(request.user.pk) if each.brand_id == brand.pk]
    else:
        found = _of_key(request)
    if not found:
        return False
    with acting(Scope(tuple(found))):
        rows = dict(Limits.objects.filter(organization_id__in=found).values_list("organization_id", "features"))
    held = [rows.get(pk) for pk in found]
    return any(names is None or NAME in closed(names) for names in held)


def _of_key(request: HttpRequest) -> list[UUID]:
    scheme, _space, key = request.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or not key.strip():
        return []
    entry = organization_of_key(hashlib.sha256(key.strip().encode(errors="replace")).digest())
    return [entry.organization_id] if entry and entry.state == "live" else []
