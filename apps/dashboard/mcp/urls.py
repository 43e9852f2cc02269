"""Outside of an organization: the server, what leads to it, and sign-in for programs."""

from allauth.idp.oidc import views as oidc
from django.urls import include, path

from apps.dashboard.mcp import pages, views
from apps.dashboard.mcp.consent import ConsentView
from apps.dashboard.mcp.tokens import BoundTokenView, WholeRevokeView

# Of allauth's provider only what is offered here: no device codes, no introspection, nothing about a person.
provider = [
    path(".well-known/jwks.json", oidc.jwks, name="jwks"),
    path("identity/o/authorize", ConsentView.as_view(), name="authorization"),
    path("identity/o/api/token", BoundTokenView.as_view(), name="token"),
    path("identity/o/api/revoke", WholeRevokeView.as_view(), name="revoke"),
    path("identity/o/api/clients", oidc.client_registration, name="client_registration"),
]
outside = [
    path("mcp", views.mcp, name="mcp"),
    path(".well-known/oauth-protected-resource", views.protected_resource, name="oauth_resource"),
    path(".well-known/oauth-protected-resource/mcp", views.protected_resource, name="oauth_resource_mcp"),
    path(".well-known/oauth-authorization-server", views.authorization_server, name="oauth_server"),
    path(".well-known/openid-configuration", views.authorization_server, name="oauth_openid"),
    path("", include(([path("", include((provider, "oidc")))], "idp"))),
    # Where programs look that forgot, or never read, the documents above (MCP 2025-03-26, "fallbacks").
    path("authorize", ConsentView.as_view(), name="oauth_authorize"),
    path("token", BoundTokenView.as_view(), name="oauth_token"),
    path("register", oidc.client_registration, name="oauth_register"),
    path("profile/apps", pages.connected_apps, name="profile_apps"),
]
urlpatterns = [
    path("settings/apps", pages.organization_apps, name="organization_apps"),
    path(
        "settings/apps/<uuid:connection_id>/disconnect",
        pages.organization_app_disconnect,
        name="organization_app_disconnect",
    ),
]
