"""Portals and their domains for support: to read."""

from __future__ import annotations

from django.contrib import admin

from apps.branding.models import Brand, Domain
from apps.core.admin import ReadOnly


@admin.register(Brand)
class BrandAdmin(ReadOnly):
    list_display = ("name", "slug", "language", "is_open", "created_at")
    list_filter = ("is_open",)
    search_fields = ("name", "slug")


@admin.register(Domain)
class DomainAdmin(ReadOnly):
    list_display = ("host", "brand", "state", "verified_at", "checked_at", "failing_since", "tls_until", "tls_error")
    list_filter = ("state",)
    list_select_related = ("brand",)
    search_fields = ("host", "brand__name")
    exclude = ("token",)
