"""Portals and their domains for support: to read."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.branding.models import Brand, Domain


class Seen(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Brand)
class BrandAdmin(Seen):
    list_display = ("name", "slug", "language", "is_open", "created_at")
    list_filter = ("is_open",)
    search_fields = ("name", "slug")


@admin.register(Domain)
class DomainAdmin(Seen):
    list_display = ("host", "brand", "state", "verified_at", "checked_at", "failing_since", "tls_until", "tls_error")
    list_filter = ("state",)
    list_select_related = ("brand",)
    search_fields = ("host", "brand__name")
    exclude = ("token",)
