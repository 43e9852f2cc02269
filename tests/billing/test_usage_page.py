"""The usage page: works, is the organization's own, keeps its filters, and counts its queries."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.billing.forms import UsageFilter
from apps.billing.models import CREDIT, Account, LedgerEntry
from apps.core import db
from apps.core.scope import Scope, acting
from tests import factories
from tests.cases import TenantCase


class UsageCase(TenantCase):
    def book(
        self, key: str, *, used_by: Any = None, seconds: int | None = 60, days_ago: float = 0, **fields: Any
    ) -> LedgerEntry:
        user = used_by or self.agency
        values = {
            "key": key, "kind": "call", "amount": -(seconds or 0) * CREDIT // 60, "used_by": user.pk, "used_by_name": user.name,
            "call_id": f"call-{key}", "seconds": seconds, "created_at": db.now() - dt.timedelta(days=days_ago),
        }  # fmt: skip
        with acting(Scope((self.agency.pk,))):
            return LedgerEntry.objects.create(organization=self.agency, **(values | fields))

    def page(self, user: Any, organization: Any, query: str = "") -> Any:
        return self.as_(user).get(f"/o/{organization.slug}/usage{query}")

    def keys(self, answer: Any) -> list[str]:
        return [entry.key for entry in answer.context["entries"]]


class PageTest(UsageCase):
    def test_an_agency_sees_all_it_pays_for_by_workspace(self) -> None:
        factories.add_credits(self.agency, 100)
        self.book("own", seconds=90)
        self.book("theirs", used_by=self.client_org, seconds=600)
        answer = self.page(self.ada, self.agency)
        assert answer.status_code == 200
        assert set(self.keys(answer)[:2]) == {"own", "theirs"}
        assert [(each.name, each.seconds) for each in answer.context["by_workspace"]] == [
            ("Bakker Dental", 600), ("Northwind Voice", 90),
        ]  # fmt: skip
        figures = answer.context["summary"]
        assert (figures.balance, figures.month_amount, figures.month_seconds) == (88_500_000, 11_500_000, 690)
        assert answer.context["worth_cents"] == 88_500_000 * 7 // 1_000_000
        self.assertContains(answer, "call-own")
        self.assertNotContains(answer, "call-theirs")

    def test_a_client_sees_its_own_calls_only(self) -> None:
        factories.add_credits(self.agency, 100)
        self.book("own")
        self.book("theirs", used_by=self.client_org)
        answer = self.page(self.cleo, self.client_org)
        assert self.keys(answer) == ["theirs"]
        assert answer.context["by_workspace"] == []
        assert answer.context["summary"].balance == 98 * CREDIT
        self.assertNotContains(answer, "Northwind")
        exported = self.as_(self.cleo).get(f"/o/{self.client_org.slug}/usage/export").content.decode("utf-8-sig")
        assert "call-theirs" in exported
        assert "call-own" not in exported

    def test_a_client_cannot_ask_for_its_agencys_entries(self) -> None:
        self.book("own")
        assert self.keys(self.page(self.cleo, self.client_org, f"?workspace={self.agency.pk}")) == []

    def test_strangers_get_404(self) -> None:
        for path in ("usage", "usage/export"):
            assert self.as_(self.dov).get(f"/o/{self.agency.slug}/{path}").status_code == 404
        assert self.as_(self.dov).post(f"/o/{self.agency.slug}/usage/warning", {"credits": 1}).status_code == 404

    def test_simulated_calls_show_what_they_would_have_cost(self) -> None:
        now = db.now()
        factories.make_call(
            self.agency, is_charged=False, cost=2 * CREDIT, started_at=now, ended_at=now, duration_seconds=120
        )
        answer = self.page(self.ada, self.agency)
        assert (answer.context["free_amount"], answer.context["free_seconds"]) == (2 * CREDIT, 120)
        assert [series["data"][-1] for series in answer.context["chart"]["series"]] == [0, 2.0]

    def test_the_chart_counts_each_day(self) -> None:
        self.book("a", seconds=30)
        self.book("b", seconds=60, days_ago=1)
        self.book("c", seconds=60, days_ago=40)
        credits = self.page(self.ada, self.agency).context["chart"]
        assert (len(credits["labels"]), credits["series"][0]["data"][-2:]) == (30, [1.0, 0.5])
        minutes = self.page(self.ada, self.agency, "?show=minutes").context["chart"]
        assert (sum(minutes["series"][0]["data"]), minutes["unit"]) == (1.5, "min")

    def test_nothing_yet(self) -> None:
        answer = self.page(self.ada, self.agency)
        self.assertContains(answer, "Nothing was booked yet")
        self.assertContains(answer, "No credits left")

    def test_one_and_three_entries_ask_the_same(self) -> None:
        browser = self.as_(self.ada)
        counts = []
        for keys in ("a", "bc"):
            for key in keys:
                self.book(key, used_by=self.client_org)
            browser.get(f"/o/{self.agency.slug}/usage")
            with CaptureQueriesContext(
                connection,
            ) as found:
                browser.get(f"/o/{self.agency.slug}/usage")
            counts.append(len(found))
        assert counts[0] == counts[1]


class FilterTest(UsageCase):
    def test_month_and_workspace(self) -> None:
        for key, day in (
            ("june", dt.datetime(2026, 6, 30, 23, 59, 59, tzinfo=dt.UTC)),
            ("july", dt.datetime(2026, 7, 1, tzinfo=dt.UTC)),
        ):
            self.book(key, created_at=day, used_by=self.client_org)
        self.book("own", created_at=dt.datetime(2026, 7, 2, tzinfo=dt.UTC))
        assert self.keys(self.page(self.ada, self.agency, "?month=2026-06")) == ["june"]
        assert self.keys(self.page(self.ada, self.agency, f"?month=2026-07&workspace={self.client_org.pk}")) == ["july"]
        assert self.keys(self.page(self.ada, self.agency)) == ["own", "july", "june"]

    def test_nonsense_in_the_address_is_left_out(self) -> None:
        self.book("a")
        for query in ("?month=2026-13", "?month=x", "?workspace=1", "?before=zzz", "?before=%00", "?month=%00&show=9"):
            assert self.keys(self.page(self.ada, self.agency, query)) == ["a"], query

    def test_pages_follow_each_other_without_gap_or_repeat(self) -> None:
        moment = db.now()
        for number in range(120):
            self.book(f"{number:03}", created_at=moment - dt.timedelta(seconds=number // 7))
        seen: list[str] = []
        query = ""
        for _page in range(5):
            answer = self.page(self.ada, self.agency, query)
            seen += self.keys(answer)
            query = f"?before={answer.context['older']}"
        assert answer.context["older"] is None
        assert len(seen) == len(set(seen)) == 120

    def test_december_ends_in_january(self) -> None:
        start, end = UsageFilter.of({"month": "2026-12"}).period or (None, None)
        assert (start, end) == (dt.datetime(2026, 12, 1, tzinfo=dt.UTC), dt.datetime(2027, 1, 1, tzinfo=dt.UTC))


class ExportTest(UsageCase):
    def test_the_file_is_safe_to_open(self) -> None:
        self.book("a", seconds=84, note="=HYPERLINK(1)", used_by=self.client_org)
        self.book("b", kind="credit", amount=5 * CREDIT, seconds=None, call_id="", note="Invoice 7", actor="ops")
        answer = self.as_(self.ada).get(f"/o/{self.agency.slug}/usage/export")
        assert answer["Content-Disposition"] == 'attachment; filename="usage-northwind-voice.csv"'
        head, *rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
        found = [dict(zip(head, row, strict=True)) for row in rows]
        by_note = {row["Note"]: row for row in found}
        assert (by_note["'=HYPERLINK(1)"]["Credits used"], by_note["'=HYPERLINK(1)"]["Workspace"]) == (
            "1.4000",
            "Bakker Dental",
        )
        assert (by_note["Invoice 7"]["Credits added"], by_note["Invoice 7"]["Seconds"]) == ("5.0000", "")

    def test_it_keeps_the_filters(self) -> None:
        self.book("a", created_at=dt.datetime(2026, 6, 3, tzinfo=dt.UTC))
        self.book("b")
        answer = self.as_(self.ada).get(f"/o/{self.agency.slug}/usage/export?month=2026-06")
        assert "2026-06.csv" in answer["Content-Disposition"]
        assert b"call-a" in answer.content
        assert b"call-b" not in answer.content


class WarningTest(UsageCase):
    def post(self, user: Any, organization: Any, credits: str) -> Any:
        return self.as_(user).post(f"/o/{organization.slug}/usage/warning", {"credits": credits})

    def test_an_admin_chooses_the_threshold(self) -> None:
        assert self.post(self.ada, self.agency, "25").status_code == 302
        with self.acting_for(self.agency):
            assert Account.objects.get().low_balance_credits == 25
        assert self.page(self.ada, self.agency).context["summary"].low_below == 25 * CREDIT

    def test_bad_input_comes_back_with_its_reason(self) -> None:
        for text in ("", "-1", "x", "1000001"):
            answer = self.post(self.ada, self.agency, text)
            assert answer.status_code == 422
            self.assertContains(answer, f'value="{text}"' if text else "required", status_code=422)

    def test_members_and_clients_cannot(self) -> None:
        assert self.post(self.ben, self.agency, "25").status_code in (302, 403)
        assert self.post(self.cleo, self.client_org, "25").status_code == 302
        with self.acting_for(self.client_org):
            assert not Account.objects.exists()
