"""Parts of the usage page that are billing's own: what it shows of the ledger, the CSV, the warning's threshold."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from apps.billing import selectors
from apps.billing.forms import LowBalanceForm, UsageFilter
from apps.billing.metering import as_credits
from apps.billing.models import LedgerEntry
from apps.billing.services import set_low_balance
from apps.core import db
from apps.core.spreadsheet import write_csv
from apps.organizations.access import needs, sees_costs
from apps.organizations.models import Role

EXPORTED = 100_000


def ledger_context(request: HttpRequest, now: Any) -> dict[str, Any]:
    """The ledger's part of the usage page: figures, filters, one page of entries, and an agency's workspaces."""
    organization = request.organization  # type: ignore[attr-defined]
    wanted = UsageFilter.of(request.GET.dict())
    entries, older = selectors.page_of(selectors.filtered(organization, wanted), wanted.before)
    figures = selectors.summary(organization, now)
    return {
        "summary": figures,
        "has_balance": selectors.has_balance(organization),
        "worth_cents": figures.balance * settings.CREDIT_PRICE_CENTS // 1_000_000,
        "currency": settings.CURRENCY,
        "entries": entries,
        "older": older,
        "wanted": wanted,
        "months": selectors.months(organization, now),
        "workspaces": selectors.workspaces(organization, now) if organization.is_agency else [],
        "by_workspace": selectors.by_workspace(organization, wanted, now) if organization.is_agency else [],
        "low_form": LowBalanceForm(initial={"credits": figures.low_below // 1_000_000}),
    }


@require_GET
def usage_csv(request: HttpRequest, org: str) -> HttpResponse:
    """The entries that the filters name, newest first, as a file."""
    organization = request.organization  # type: ignore[attr-defined]
    wanted = UsageFilter.of(request.GET.dict())
    name = f"usage-{organization.slug}{f'-{wanted.month:%Y-%m}' if wanted.month else ''}.csv"
    content = b"".join(write_csv(_rows(selectors.filtered(organization, wanted)[:EXPORTED].iterator(2000), with_amounts=sees_costs(request))))
    return HttpResponse(
        content,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"},
    )


@require_POST
@needs(Role.ADMIN)
def usage_warning(request: HttpRequest, org: str) -> HttpResponse:
    """Below which balance the owners are mailed; without a wallet, a client's payer decides that for itself."""
    organization = request.organization  # type: ignore[attr-defined]
    form = LowBalanceForm(request.POST)
    if not selectors.has_balance(organization):
        messages.error(request, _("Your agency pays for this workspace and chooses when it is warned."))
    elif form.is_valid():
        set_low_balance(organization=organization, credits=form.cleaned_data["credits"], now=db.now())
        messages.success(request, _("Saved."))
    else:
        return render(request, "billing/warning.html", {"form": form}, status=422)
    return redirect("usage", org=organization.slug)


def _rows(entries: Iterator[LedgerEntry], *, with_amounts: bool) -> Iterator[list[object]]:
    yield [
        _("Time (UTC)"), _("Entry"), _("Workspace"), _("Call"), _("Seconds"), _("Credits used"), _("Credits added"),
        _("Note"), _("Booked by"),
    ]  # fmt: skip
    for entry in entries:
        # Used and added stand apart, so that no number begins with a minus sign, which would be escaped.
        amount = f"{as_credits(abs(entry.amount)):.4f}" if with_amounts else ""
        used, added = (amount, "") if entry.amount <= 0 else ("", amount)
        yield [
            f"{entry.created_at:%Y-%m-%d %H:%M:%S}", entry.get_kind_display(), entry.used_by_name, entry.call_id,
            entry.seconds, used, added, entry.note, entry.actor,
        ]  # fmt: skip
