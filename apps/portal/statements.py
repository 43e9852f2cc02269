"""A client's month: what it had, what came, what calls took, what is left; and whether usage, ledger and invoices agree.

Read in a scope that holds the client and its agency. Amounts are micro-credits of the client's wallet, months are in UTC.
"""

from __future__ import annotations

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate
from django.utils.translation import gettext as _

from apps.billing.metering import as_credits
from apps.billing.models import Invoice, LedgerEntry, LedgerQuerySet
from apps.billing.services import balance
from apps.calls.models import Call
from apps.organizations.models import Organization

Kind = LedgerEntry.Kind
# What is sold for money: each of these bookings stands on exactly one document.
SOLD = (Kind.PURCHASE, Kind.REFUND, Kind.OVERAGE)


@dataclass(frozen=True)
class Day:
    """The calls of a day."""

    day: dt.date
    calls: int
    seconds: int
    amount: int


@dataclass(frozen=True)
class Check:
    """Two ways to the same figure, as they are shown."""

    name: str
    left: str
    right: str
    problem: str = ""

    @property
    def is_right(self) -> bool:
        return self.left == self.right and not self.problem


@dataclass(frozen=True)
class Statement:
    """`entries`: bookings that are no calls, oldest first. `closing` is opening, entries and calls."""

    client: Organization
    start: dt.datetime
    end: dt.datetime
    opening: int
    entries: list[LedgerEntry]
    days: list[Day]
    invoices: list[Invoice]
    checks: list[Check] = field(default_factory=list)

    @property
    def came(self) -> int:
        return sum(each.amount for each in self.entries)

    @property
    def used(self) -> int:
        return sum(each.amount for each in self.days)

    @property
    def seconds(self) -> int:
        return sum(each.seconds for each in self.days)

    @property
    def calls(self) -> int:
        return sum(each.calls for each in self.days)

    @property
    def closing(self) -> int:
        return self.opening + self.came - self.used

    @property
    def net_cents(self) -> int:
        return sum(each.net_cents for each in self.invoices)

    @property
    def vat_cents(self) -> int:
        return sum(each.vat_cents for each in self.invoices)

    @property
    def gross_cents(self) -> int:
        return self.net_cents + self.vat_cents

    @property
    def currency(self) -> str:
        return self.invoices[0].currency if self.invoices else ""

    @property
    def is_right(self) -> bool:
        return all(each.is_right for each in self.checks)


def statement_of(client: Organization, start: dt.datetime, end: dt.datetime) -> Statement:
    """The month of a client with a wallet; of one without, its calls as its agency pays for them, and no balance."""
    ledger = ledger_of(client)
    month = ledger.between(start, end)
    days = month.calls().annotate(day=TruncDate("created_at", tzinfo=dt.UTC)).values("day").order_by("day")
    found = Statement(
        client=client, start=start, end=end,
        opening=_sum(ledger.filter(created_at__lt=start)) if client.has_wallet else 0,
        entries=list(month.exclude(kind=Kind.CALL).order_by("created_at", "pk")),
        days=[
            Day(row["day"], row["count"], row["time"] or 0, -row["amount"])
            for row in days.annotate(count=Count("pk"), time=Sum("seconds"), amount=Sum("amount"))
        ],
        invoices=list(Invoice.objects.for_organization(client).filter(issued_on__gte=start.date(), issued_on__lt=end.date()).order_by("sequence", "kind")),
    )  # fmt: skip
    found.checks.extend(_checks(found, ledger, month))
    return found


def ledger_of(client: Organization) -> LedgerQuerySet:
    """The bookings that a statement is about."""
    entries: LedgerQuerySet = LedgerEntry.objects.for_organization(client.wallet_id)
    return entries if client.has_wallet else entries.calls().filter(used_by=client.pk)


def call_lines(client: Organization, start: dt.datetime, end: dt.datetime) -> LedgerQuerySet:
    """Each call of the month, oldest first: what the file lists."""
    return ledger_of(client).calls().between(start, end).order_by("created_at", "pk")


def _checks(found: Statement, ledger: LedgerQuerySet, month: LedgerQuerySet) -> list[Check]:
    checks = [_calls_check(found, month)]
    if found.client.has_wallet:
        checks += [_balance_check(found, ledger), _seconds_check(found, month), *_sold_checks(found, month)]
    checks += [_documents_check(found)] if found.invoices else []
    return checks


def _calls_check(found: Statement, month: LedgerQuerySet) -> Check:
    """What the list of calls says each cost, against what was booked; and that no charged call was forgotten."""
    client = found.client
    calls = Call.objects.for_organization(client)
    booked = calls.filter(public_id__in=month.calls().values("call_id")).aggregate(cost=Sum("cost"), count=Count("pk"))
    every = LedgerEntry.objects.filter(organization_id__in=client.payer_ids, used_by=client.pk).exclude(call_id="")
    settled = calls.filter(is_charged=True, cost__gt=0, settled_at__gte=found.start, settled_at__lt=found.end)
    forgotten = settled.exclude(public_id__in=every.values("call_id")).count()
    return Check(
        _("Calls in the list, and in the ledger"), _calls_words(booked["count"], booked["cost"] or 0),
        _calls_words(found.calls, found.used), _("%(count)d charged calls are not booked") % {"count": forgotten} if forgotten else "",
    )  # fmt: skip


def _balance_check(found: Statement, ledger: LedgerQuerySet) -> Check:
    """The lines of the month against the running balance, which goes by checkpoints, less what came after."""
    at_end = balance(found.client.pk) - _sum(ledger.filter(created_at__gte=found.end))
    return Check(_("Opening balance and lines, and the balance of the wallet"), _credits(found.closing), _credits(at_end))


def _seconds_check(found: Statement, month: LedgerQuerySet) -> Check:
    """Both payers were charged for the same seconds."""
    client = found.client
    agencys = LedgerEntry.objects.for_organization(client.payer_id).calls().filter(used_by=client.pk)  # type: ignore[attr-defined]
    same = agencys.filter(key__in=month.calls().values("key")).aggregate(time=Sum("seconds"))["time"] or 0
    return Check(_("Seconds of talk, on both accounts"), str(found.seconds), str(same))


def _sold_checks(found: Statement, month: LedgerQuerySet) -> list[Check]:
    """Credits that were sold or taken back, against the documents that name their bookings."""
    sold = {each.key: each.amount for each in found.entries if each.kind in SOLD}
    named: Counter[str] = Counter()
    cents = 0
    documents = Invoice.objects.for_organization(found.client).filter(created_at__gte=found.start)
    for invoice in documents:
        for line in invoice.lines:
            keys = [key for key in line["entries"] if key in sold]
            named.update(keys)
            cents += sum(_difference(line) for key in keys if key.startswith("overage:"))
    listed = sum(amount for key, amount in sold.items() if named[key])
    twice = sum(count > 1 for count in named.values())
    problem = _("%(count)d bookings are invoiced twice") % {"count": twice} if twice else ""
    return [
        Check(_("Credits sold, and credits on invoices"), _credits(sum(sold.values())), _credits(listed), problem),
        Check(_("Price of credits beyond the plan, worked out again"), "0", str(cents)),
    ]


def _documents_check(found: Statement) -> Check:
    """The lines of each document against its totals, to the cent."""
    lines = [line for each in found.invoices for line in each.lines]
    added = sum(line["net_cents"] + line["vat_cents"] for line in lines)
    return Check(_("Lines and totals of invoices, in cents"), str(added), str(found.gross_cents))


def _difference(line: dict[str, Any]) -> int:
    """Cents by which a line differs from its quantity times its price, half up."""
    micros = Decimal(line["quantity"]) * line["unit_micros"]
    return abs(line["net_cents"] - int((micros + 5000) // 10_000))


def _calls_words(count: int, amount: int) -> str:
    return _("%(count)d calls, %(credits)s credits") % {"count": count, "credits": _credits(amount)}


def _credits(amount: int) -> str:
    return f"{as_credits(amount):.4f}"


def _sum(rows: Any) -> int:
    return int(rows.aggregate(total=Sum("amount"))["total"] or 0)


