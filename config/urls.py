"""Mounts, nothing else."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from apps.branding import views as branding
from apps.branding.views_certificate import certificate
from apps.calls.api_web import WebCallView
from apps.calls.hooks import engine_hook
from apps.calls.recordings import recording
from apps.campaigns.hooks import lead_hook
from apps.core.styleguide import styleguide
from apps.dashboard.docs_views import browsable_index, docs, openapi
from apps.dashboard.mcp import urls as mcp
from apps.organizations import urls as organizations
from apps.portal import urls_embeds as embeds
from apps.portal import urls_sign_up as sign_up
from apps.portal.hooks import stripe_hook

urlpatterns: list[URLPattern | URLResolver] = [
    path("brand/<str:version>.css", branding.brand_css, name="brand_css"),
    path("brand/pictures/<slug:kind>/<slug:digest>", branding.brand_picture, name="brand_picture"),
    path("favicon.ico", branding.favicon, name="favicon"),
    path("manifest.webmanifest", branding.manifest, name="manifest"),
    path("robots.txt", branding.robots, name="robots"),
    path("internal/certificate", certificate, name="certificate"),
    path("hooks/engine/<str:hook_id>", engine_hook, name="engine_hook"),
    path("hooks/leads/<uuid:organization>/<str:hook_id>", lead_hook, name="lead_hook"),
    path("hooks/stripe/<str:hook>", stripe_hook, name="stripe_hook"),
    path("recordings/<str:token>", recording, name="recording"),
    path("api/openapi.json", openapi, name="openapi"),
    path("api/docs", docs, name="api_docs"),
    path("api/docs/<slug:name>", docs, name="api_docs_page"),
    path("api/v1/", include("config.api")),
    path("v1/web-calls", WebCallView.as_view(), name="api_web_call"),
    path("o/<slug:org>/api/v1/", browsable_index, name="browsable_index"),
    path("o/<slug:org>/api/v1/", include(("config.api", "browsable"))),
    path("o/<slug:org>", RedirectView.as_view(pattern_name="overview", http_method_names=["get", "head"]), name="workspace"),
    path("o/<slug:org>/", include("apps.assistants.urls")),
    path("o/<slug:org>/", include("apps.numbers.urls")),
    path("o/<slug:org>/", include("apps.catalog.urls")),
    path("o/<slug:org>/", include("apps.calls.urls")),
    path("o/<slug:org>/", include("apps.calls.urls_deliveries")),
    path("o/<slug:org>/", include("apps.campaigns.urls")),
    path("o/<slug:org>/", include("apps.billing.urls")),
    path("o/<slug:org>/", include("apps.dashboard.urls_objects")),
    path("o/<slug:org>/", include("apps.dashboard.urls")),
    path("o/<slug:org>/", include("apps.dashboard.mcp.urls")),
    path("o/<slug:org>/", include("apps.portal.urls")),
    path("o/<slug:org>/", include("apps.portal.urls_sales")),
    path("o/<slug:org>/", include("apps.portal.urls_sign_up")),
    path("o/<slug:org>/", include("apps.portal.urls_embeds")),
    path("o/<slug:org>/", include("apps.webhooks.urls")),
    path("o/<slug:org>/", include("apps.organizations.urls")),
    path("", include(sign_up.outside)),
    path("", include(embeds.outside)),
    path("", include("apps.accounts.urls")),
    path("", include("apps.mail.urls")),
    path("", include(organizations.outside)),
    path("", include(mcp.outside)),
    path("admin/", admin.site.urls),
]
if settings.DEVELOPMENT:
    urlpatterns += [path("styleguide/", styleguide, name="styleguide")]

handler400 = "apps.core.error_views.bad_request"
handler403 = "apps.core.error_views.forbidden"
handler404 = "apps.core.error_views.not_found"
handler500 = "apps.core.error_views.failed"
