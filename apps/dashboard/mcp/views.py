"""The server's address, and the documents by which a program finds out how to sign in (RFC 8414, RFC 9728)."""

from __future__ import annotations

from typing import Any

from allauth.idp.oidc import app_settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.csrf import csrf_exempt

from apps.accounts.oauth import DEFAULT_SCOPES, GRANTS, SCOPES, origin, resource
from apps.dashboard.mcp.protocol import INVALID_REQUEST, Refused, failure
from apps.dashboard.mcp.server import Exchange

MINUTES = 10


@csrf_exempt
def mcp(request: HttpRequest) -> HttpResponse:
    """POST only: nothing is sent unasked, and there is no session to end (streamable HTTP)."""
    if request.method == "POST":
        return Exchange(request).respond()
    refused = failure(None, Refused(INVALID_REQUEST, "Send one JSON-RPC message by POST."))
    return JsonResponse(refused, status=405, headers={"Allow": "POST"})


def protected_resource(request: HttpRequest) -> HttpResponse:
    return _public(
        {
            "resource": resource(request),
            "authorization_servers": [origin(request)],
            "scopes_supported": DEFAULT_SCOPES,
            "bearer_methods_supported": ["header"],
            "resource_name": request.brand.name,  # type: ignore[attr-defined]
        }
    )


def authorization_server(request: HttpRequest) -> HttpResponse:
    """For OAuth and for OpenID Connect: what is true for both."""
    return _public(
        {
            "issuer": origin(request),
            "authorization_endpoint": _url(request, "authorization"),
            "token_endpoint": _url(request, "token"),
            "registration_endpoint": _url(request, "client_registration"),
            "revocation_endpoint": _url(request, "revoke"),
            "jwks_uri": _url(request, "jwks"),
            "scopes_supported": list(SCOPES),
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": GRANTS,
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": list(app_settings.AUTH_METHODS),
            "revocation_endpoint_auth_methods_supported": list(app_settings.AUTH_METHODS),
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "authorization_response_iss_parameter_supported": True,
        }
    )


def _url(request: HttpRequest, name: str) -> str:
    return origin(request) + reverse(f"idp:oidc:{name}")


def _public(data: dict[str, Any]) -> HttpResponse:
    """Readable from any page: it says nothing that is not for everybody."""
    headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": f"public, max-age={MINUTES * 60}"}
    return JsonResponse(data, headers=headers)
