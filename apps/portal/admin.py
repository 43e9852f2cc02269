"""Sign-ups for support: to read."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from django.contrib import admin, messages
from django.contrib.auth.models import Group
from django.db.models import Count, OuterRef, Q, QuerySet, Subquery, Sum
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.billing.metering import as_credits
from apps.billing.models import LedgerEntry
from apps.core import db
from apps.core.admin import ReadOnly
from apps.organizations.admin import Audited
from apps.organizations.models import Organization
from apps.organizations.services import Actor
from apps.portal.models import SignUp
from apps.portal.services.care import release_client, suspend_client

# Nothing here is done by groups, and an address is changed by its person only: it is her name at sign-in.
admin.site.unregister(Group)
admin.site.unregister(EmailAddress)


class LevelFilter(admin.SimpleListFilter):
    title = gettext_lazy("level")
    parameter_name = "level"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("agency", gettext_lazy("Agencies")), ("client", gettext_lazy("Clients"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Organization]) -> QuerySet[Organization]:
        return queryset.filter(parent__isnull=self.value() == "agency") if self.value() else queryset


@admin.register(Organization)
class OrganizationAdmin(Audited):
    """Agencies and their clients with balance; what is changed is noted in their own logs."""

    list_display = ("name", "slug", "parent", "clients", "credits", "brand", "suspended_at", "closed_at", "created_at")
    list_filter = (LevelFilter, ("suspended_at", admin.EmptyFieldListFilter), ("closed_at", admin.EmptyFieldListFilter))
    search_fields = ("name", "slug")
    list_select_related = ("parent", "brand")
    actions = ("suspend", "release")
    fields = (
        "name", "slug", "parent", "brand", "country", "timezone", "content_retention_days", "metadata_retention_days",
        "records_calls", "requires_second_factor", "has_wallet", "has_local_models_access", "is_demo", "suspended_at", "closed_at",
        "created_at",
    )  # fmt: skip
    readonly_fields = tuple(name for name in fields if name != "has_local_models_access")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Organization]:
        booked = LedgerEntry.objects.filter(organization=OuterRef("pk")).order_by().values("organization")
        rows = super().get_queryset(request).annotate(_clients=Count("children", filter=Q(children__closed_at=None)))
        return rows.annotate(_booked=Subquery(booked.annotate(total=Sum("amount")).values("total")))

    @admin.display(description=gettext_lazy("clients"), ordering="_clients")
    def clients(self, row: Any) -> str:
        return str(row._clients) if row.parent_id is None else ""

    @admin.display(description=gettext_lazy("credits"), ordering="_booked")
    def credits(self, row: Any) -> str:
        return f"{as_credits(row._booked or 0):.2f}" if row.parent_id is None or row.has_wallet else ""

    @admin.action(description=gettext_lazy("Suspend: no calls, no API"), permissions=["change"])
    def suspend(self, request: HttpRequest, rows: QuerySet[Organization]) -> None:
        done = sum(suspend_client(client=row, by=Actor.of(request), now=db.now(), reason="operator") for row in rows)
        messages.success(request, _("%(count)d suspended.") % {"count": done})

    @admin.action(description=gettext_lazy("End the suspension"), permissions=["change"])
    def release(self, request: HttpRequest, rows: QuerySet[Organization]) -> None:
        done = sum(release_client(client=row, by=Actor.of(request), now=db.now()) for row in rows)
        messages.success(request, _("%(count)d released.") % {"count": done})


@admin.register(SignUp)
class SignUpAdmin(ReadOnly):
    list_display = ("company", "user", "brand", "status", "error", "created_at", "decided_at")
    list_filter = ("status",)
    list_select_related = ("user", "brand")
    search_fields = ("company", "user__email")
