"""The outbox for support: what was sent where and what went wrong; never what a mail says."""

from django.contrib import admin
from django.http import HttpRequest

from apps.mail.models import Message


@admin.register(Message)
class MessageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = ("created_at", "to", "key", "status", "attempts", "next_attempt_at", "error")
    list_filter = ("status", "transport")
    search_fields = ("to", "key")
    exclude = ("subject", "text", "html")
    ordering = ("-created_at",)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Message | None = None) -> bool:
        return False
