"""Kinds of admin pages: rows that are only read, and rows that are added and then stay as they are."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest


class AddOnly(admin.ModelAdmin):  # type: ignore[type-arg]
    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ReadOnly(AddOnly):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
