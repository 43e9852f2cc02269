"""People and security events for support: to read, and to switch an account off."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from apps.accounts.models import SecurityEvent, User
from apps.core.admin import ReadOnly


@admin.register(User)
class UserAdmin(ReadOnly):
    list_display = ("email", "name", "brand", "is_active", "is_superuser", "last_login", "created_at")
    list_filter = ("is_active", "is_superuser")
    search_fields = ("email", "name")
    list_select_related = ("brand",)
    fields = ("email", "name", "brand", "language", "timezone", "is_active", "is_superuser", "last_login", "created_at")
    readonly_fields = tuple(name for name in fields if name != "is_active")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True


@admin.register(SecurityEvent)
class SecurityEventAdmin(ReadOnly):
    list_display = ("created_at", "kind", "email", "address", "agent", "brand")
    list_filter = ("kind",)
    search_fields = ("email", "address")
    list_select_related = ("brand",)
    ordering = ("-created_at",)
