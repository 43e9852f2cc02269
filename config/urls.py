"""Mounts, nothing else."""

from django.urls import path

from apps.branding.views import brand_css

urlpatterns = [
    path("brand/<str:version>.css", brand_css, name="brand_css"),
]
