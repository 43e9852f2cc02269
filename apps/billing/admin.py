"""The ledger for the operator: to read, and to add credits by hand."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from apps.billing.metering import as_credits
from apps.billing.models import LedgerEntry
from apps.billing.services import add_credits
from apps.core import db
from apps.core.errors import DomainError
from apps.organizations.models import Organization
from apps.organizations.services import Actor


class CreditsForm(forms.Form):
    """Credits for an agency. The hidden key makes a form that is sent twice book once."""

    organization = forms.ModelChoiceField(label=_lazy("organization"), queryset=Organization.objects.none())
    credits = forms.DecimalField(
        label=_lazy("credits"),
        max_digits=12,
        decimal_places=4,
        help_text=_lazy("A negative number takes credits away."),
    )
    note = forms.CharField(label=_lazy("note"), max_length=500, help_text=_lazy("Shown on the usage page."))
    key = forms.UUIDField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = Organization.objects.live().filter(parent=None).order_by("name", "id")
        self.fields["organization"].queryset = choices  # type: ignore[attr-defined]


@admin.register(LedgerEntry)
class LedgerEntryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    list_display = (
        "created_at",
        "organization",
        "kind",
        "credits",
        "used_by_name",
        "seconds",
        "call_id",
        "note",
        "actor",
    )
    list_filter = ("kind",)
    search_fields = ("organization__name", "call_id", "note", "used_by_name")
    list_select_related = ("organization",)
    ordering = ("-created_at", "-id")
    show_full_result_count = False

    @admin.display(description=_lazy("credits"))
    def credits(self, entry: LedgerEntry) -> str:
        return f"{as_credits(entry.amount):.4f}"

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Add credits through the service, which books once per key and writes the audit log."""
        form = CreditsForm(request.POST or None, initial={"key": uuid.uuid4()})
        if request.method == "POST" and form.is_valid() and _added(request, form):
            return redirect("admin:billing_ledgerentry_changelist")
        context = {**self.admin_site.each_context(request), "title": _("Add credits"), "form": form, "opts": self.opts}
        return render(request, "billing/admin_credits.html", context, status=422 if form.errors else 200)


def _added(request: HttpRequest, form: CreditsForm) -> bool:
    values = form.cleaned_data
    try:
        add_credits(
            organization=values["organization"], credits=values["credits"], note=values["note"],
            actor=Actor.of(request), key=f"admin:{values['key']}", now=db.now(),
        )  # fmt: skip
    except DomainError as error:
        form.add_error("credits", error.text)
        return False
    messages.success(request, _("The credits are booked."))
    return True
