"""Mounts, nothing else."""

from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import TemplateView

from apps.branding.views import brand_css

urlpatterns: list[URLPattern | URLResolver] = [
    path("brand/<str:version>.css", brand_css, name="brand_css"),
    path("api/v1/", include("config.api")),
    path("o/<slug:org>/api/v1/", include(("config.api", "browsable"))),
    path("o/<slug:org>/", include("apps.dashboard.urls")),
    path("o/<slug:org>/", include("apps.portal.urls")),
    path("admin/", admin.site.urls),
]
if settings.DEVELOPMENT:
    urlpatterns += [path("styleguide/", TemplateView.as_view(template_name="styleguide.html"), name="styleguide")]
