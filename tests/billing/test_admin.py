"""Credits by hand in the operator's admin."""

from __future__ import annotations

import uuid
from typing import Any

from apps.billing.models import LedgerEntry
from apps.organizations.models import AuditEntry
from tests import factories
from tests.cases import TenantCase

LEDGER = "/admin/billing/ledgerentry/"


class AdminTest(TenantCase):
    def setUp(self) -> None:
        self.operator = factories.make_user("Olga", is_superuser=True, is_staff=True)

    def post(self, **values: Any) -> Any:
        data = {
            "organization": str(self.agency.pk),
            "credits": "250.5",
            "note": "Invoice 7",
            "key": str(uuid.uuid4()),
        } | values
        return self.as_(self.operator).post(f"{LEDGER}add/", data)

    def test_credits_are_booked_once_and_audited(self) -> None:
        key = str(uuid.uuid4())
        assert [self.post(key=key).status_code for _count in range(2)] == [302, 302]
        with self.acting_for(self.agency):
            entry = LedgerEntry.objects.get()
            assert (entry.amount, entry.note, entry.actor) == (250_500_000, "Invoice 7", "Olga")
            assert AuditEntry.objects.get().action == "credits.add"

    def test_the_form_and_the_list_work_for_every_organization(self) -> None:
        factories.add_credits(self.agency, 5)
        factories.add_credits(self.stranger, 6)
        browser = self.as_(self.operator)
        answer = browser.get(f"{LEDGER}add/")
        self.assertContains(answer, "Dove and Co")
        self.assertNotContains(answer, "Bakker Dental")
        listed = browser.get(LEDGER)
        self.assertContains(listed, "5.0000")
        self.assertContains(listed, "6.0000")
        with self.acting_for(self.agency):
            entry = LedgerEntry.objects.get()
        assert browser.get(f"{LEDGER}{entry.pk}/change/").status_code == 200
        assert browser.post(f"{LEDGER}{entry.pk}/change/", {"amount": 1}).status_code == 403
        assert browser.post(f"{LEDGER}{entry.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_bad_input_stays_in_the_form(self) -> None:
        for values in ({"credits": "0"}, {"credits": "x"}, {"note": ""}, {"organization": str(self.client_org.pk)}):
            answer = self.post(**values)
            assert answer.status_code == 422, values
            self.assertContains(answer, "errorlist", status_code=422)
        with self.acting_for(self.agency):
            assert not LedgerEntry.objects.exists()

    def test_nobody_else_gets_in(self) -> None:
        for user in (self.ada, self.dov):
            assert self.as_(user).get(f"{LEDGER}add/", follow=True).status_code == 404
            assert self.as_(user).post(f"{LEDGER}add/", {}, follow=True).status_code == 404
