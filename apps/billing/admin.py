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
from apps.billing.models import Account, Invoice, LedgerEntry, Plan, Purchase, RateCard
from apps.billing.services import add_credits
from apps.billing.wallets import set_rate
from apps.core import db
from apps.core.admin import AddOnly, ReadOnly
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
class LedgerEntryAdmin(AddOnly):
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

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Add credits through the service, which books once per key and writes the audit log."""
        form = CreditsForm(request.POST or None, initial={"key": uuid.uuid4()})
        if request.method == "POST" and form.is_valid() and _added(request, form):
            return redirect("admin:billing_ledgerentry_changelist")
        context = {**self.admin_site.each_context(request), "title": _("Add credits"), "form": form, "opts": self.opts, "button": _("Add credits")}
        return render(request, "billing/admin_form.html", context, status=422 if form.errors else 200)


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


class RateForm(forms.Form):
    """The wholesale rate of one agency, typed in credits."""

    organization = forms.ModelChoiceField(label=_lazy("agency"), queryset=Organization.objects.none())
    credits = forms.DecimalField(
        label=_lazy("credits per minute"), required=False, max_digits=10, decimal_places=4, min_value=0,
        help_text=_lazy("Empty: the rate card's. It holds for calls that are booked from now on."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = Organization.objects.live().filter(parent=None).order_by("name", "id")  # type: ignore[attr-defined]


@admin.register(Account)
class AccountAdmin(AddOnly):
    """What a minute costs an agency. A client's rate is its agency's to set."""

    list_display = ("organization", "credits_per_minute", "low_balance_credits", "low_balance_mailed_at")
    list_select_related = ("organization",)
    search_fields = ("organization__name",)

    @admin.display(description=_lazy("credits per minute"))
    def credits_per_minute(self, row: Account) -> str:
        return "" if row.micro_per_minute is None else f"{as_credits(row.micro_per_minute):.4f}"

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Set a rate through the service, which writes the audit log."""
        form = RateForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            values = form.cleaned_data
            set_rate(organization=values["organization"], credits=values["credits"], by=Actor.of(request), now=db.now())
            messages.success(request, _("The rate of %(name)s is set.") % {"name": values["organization"]})
            return redirect("admin:billing_account_changelist")
        context = {**self.admin_site.each_context(request), "title": _("Wholesale rate"), "form": form, "opts": self.opts, "button": _("Set the rate")}
        return render(request, "billing/admin_form.html", context, status=422 if form.errors else 200)


@admin.register(RateCard)
class RateCardAdmin(AddOnly):
    """What a minute costs who has no rate of its own. Rows are added, never changed: bills of the past must add up."""

    list_display = ("valid_from", "micro_per_minute", "created_at")
    ordering = ("-valid_from",)


class OfOrganization(ReadOnly):
    list_select_related = ("organization",)


@admin.register(Plan)
class PlanAdmin(OfOrganization):
    list_display = ("name", "organization", "price_cents", "included_credits", "is_active", "is_public")
    list_filter = ("is_active",)
    search_fields = ("name", "organization__name")


@admin.register(Purchase)
class PurchaseAdmin(OfOrganization):
    list_display = ("created_at", "organization", "name", "credits", "net_cents", "currency", "gateway", "status", "reference")
    list_filter = ("status", "gateway")
    search_fields = ("reference", "organization__name")


@admin.register(Invoice)
class InvoiceAdmin(OfOrganization):
    list_display = ("number", "kind", "organization", "issued_on", "net_cents", "vat_cents", "currency")
    list_filter = ("kind",)
    search_fields = ("number", "organization__name")
