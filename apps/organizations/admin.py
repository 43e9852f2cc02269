"""Organizations for support, read-mostly: the operator sees, grants local models, sets limits."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import transaction
from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from apps.core.admin import ReadOnly
from apps.organizations.forms_limits import FeatureDefaultForm, LimitsForm
from apps.organizations.models import ApiKey, AuditEntry, FeatureDefault, Limits, Membership, Organization
from apps.organizations.services import Actor, record_audit

# Django makes plurals by an s; said here, it is no migration.
Limits._meta.verbose_name_plural = gettext_lazy("limits")
AuditEntry._meta.verbose_name_plural = gettext_lazy("audit entries")


class Audited(ReadOnly):
    """What an operator changes is noted in the organization's own log."""

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return True

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        with transaction.atomic():
            super().save_model(request, obj, form, change)
            organization = obj if isinstance(obj, Organization) else obj.organization
            record_audit(
                organization=organization, by=Actor.of(request), action="organization.operator", target=obj,
                data={"fields": form.changed_data},
            )  # fmt: skip


@admin.register(Limits)
class LimitsAdmin(Audited):
    """Of agencies; what its clients may do is the agency's to say."""

    form = LimitsForm
    list_display = ("organization", "concurrent_calls", "starts", "countries", "spend_per_hour", "updated_at")
    list_select_related = ("organization",)
    fields = tuple(LimitsForm.Meta.fields)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return True


@admin.register(FeatureDefault)
class FeatureDefaultAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """What new agencies and new clients begin with; who is there already keeps what it has."""

    form = FeatureDefaultForm
    list_display = ("level", "updated_at")


@admin.register(Membership)
class MembershipAdmin(ReadOnly):
    list_display = ("organization", "user", "role", "created_at")
    list_select_related = ("organization", "user")
    search_fields = ("user__email", "organization__name")


@admin.register(ApiKey)
class ApiKeyAdmin(Audited):
    list_display = ("organization", "name", "prefix", "read_only", "requests_per_minute", "last_used_at", "revoked_at")
    list_select_related = ("organization",)
    search_fields = ("prefix", "name", "organization__name")
    fields = ("organization", "name", "prefix", "read_only", "requests_per_minute", "expires_at", "revoked_at")
    readonly_fields = tuple(name for name in fields if name != "requests_per_minute")


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnly):
    list_display = ("created_at", "organization", "actor", "action", "target", "address")
    list_select_related = ("organization",)
    search_fields = ("actor", "action", "target")
    ordering = ("-created_at",)
