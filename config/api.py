"""The one list of API routes: the whole public API on one screen. Mounted at /api/v1 (keys) and /o/<org>/api/v1 (people)."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
