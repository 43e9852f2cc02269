"""The outbox for support: what was sent where and what went wrong; never what a mail says."""

from django.contrib import admin

from apps.core.admin import ReadOnly
from apps.mail.models import Message


@admin.register(Message)
class MessageAdmin(ReadOnly):
    list_display = ("created_at", "to", "key", "status", "attempts", "next_attempt_at", "error")
    list_filter = ("status", "transport")
    search_fields = ("to", "key")
    exclude = ("subject", "text", "html")
    ordering = ("-created_at",)
