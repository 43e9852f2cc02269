"""Who calls: an API key, or a person's program with an OAuth token. Judged anew at every request."""

from __future__ import annotations

from allauth.idp.oidc.models import Token
from django.http import HttpRequest

from apps.accounts.oauth import READ, WRITE, origin, resource
from apps.accounts.services import has_second_factor
from apps.branding.models import Brand
from apps.core.errors import Forbidden, RateLimited, Unauthorized
from apps.dashboard.mcp.connections import Grant, may_write, organization_at, workspace_of
from apps.organizations.api_middleware import Admitted, entry_of, live_entry, window_of
from apps.organizations.models import Organization
from apps.organizations.sql import KeyEntry

KEY = "fl_live_"
WHY = "Invalid or missing API key or access token"


def admit(request: HttpRequest) -> tuple[Admitted, Organization]:
    """Count the request and judge who sends it.

    Leaves the limit's window in `request.window`, also when it refuses. Raises RateLimited, Unauthorized, Forbidden.
    """
    secret = bearer(request)
    entry = entry_of(request) if secret.startswith(KEY) else entry_of_token(request, secret)
    window = window_of(request, entry)
    request.window = window  # type: ignore[attr-defined]
    if not window.allowed:
        seconds = window.retry_after
        raise RateLimited(f"Too many requests. Retry after {seconds} seconds.", retry_after=seconds)
    if entry is None:
        raise Unauthorized(WHY)
    live = live_entry(entry)
    organization = organization_at(live.organization_id)
    if organization.is_suspended:
        raise Forbidden("This organization is suspended.")
    if live.user and organization.requires_second_factor and not has_second_factor(live.user):
        raise Forbidden("This organization asks for two-factor sign-in: turn it on in your account, then go on.")
    return Admitted(live, window), organization


def refuse_foreign_page(request: HttpRequest) -> None:
    """A browser says which page sends: none but our own may (DNS rebinding). Raises Forbidden."""
    sender = request.headers.get("Origin")
    if sender is not None and sender != origin(request):
        raise Forbidden("Requests from pages of another address are refused.")


def bearer(request: HttpRequest) -> str:
    """The secret of the Authorization header, or nothing."""
    scheme, _space, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" else ""


def entry_of_token(request: HttpRequest, secret: str) -> KeyEntry | None:
    """An access token's way in: of this host, of a person of this brand, who is a member today. Else None."""
    if not secret:
        return None
    tokens = Token.objects.valid().by_value(secret).filter(type=Token.Type.ACCESS_TOKEN)
    token = tokens.select_related("user", "client").first()
    grant = Grant.of(token.data) if token else None
    if token is None or grant is None or token.user is None or token.client is None:
        return None
    scopes = set(token.get_scopes())
    if resource(request) not in token.get_resources() or not scopes & {READ, WRITE}:
        return None
    return _entry(token, grant, scopes, request.brand)  # type: ignore[attr-defined]


def _entry(token: Token, grant: Grant, scopes: set[str], brand: Brand) -> KeyEntry | None:
    assert token.user
    assert token.client
    found = workspace_of(token.user, grant.organization_id, brand)
    if found is None:
        return None
    return KeyEntry(
        organization_id=grant.organization_id,
        key_id=grant.connection_id,
        read_only=not may_write(found.role, scopes),
        requests_per_minute=None,
        state="live",
        user=token.user,
        role=found.role,
        label=token.client.name,
    )
