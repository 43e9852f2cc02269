"""An agency sells: its settings, packages, plans, and what its clients bought."""

from __future__ import annotations

import re
import uuid
from typing import Any

from apps.billing.models import CREDIT, Invoice, LedgerEntry, Package, Payment, Plan, Purchase, Seller
from apps.billing.services import balance
from apps.core import db
from tests import factories
from tests.billing.selling import Selling, make_invoice, make_package, make_purchase
from tests.cases import TenantCase
from tests.stripe.server import KEY, Reply

PORTAL, SALES = "/o/northwind-voice/portal/payments", "/o/northwind-voice/sales"
SELLER = {
    "legal_name": "Northwind Voice B.V.", "address": "Keizersgracht 1", "city": "Amsterdam", "country": "NL", "currency": "EUR",
    "credit_price_micros": "0.1", "invoice_prefix": "NV-", "credit_note_prefix": "NC-", "payment_days": "14", "vat_id": "NL004495445B01",
}  # fmt: skip


class SettingsTest(Selling, TenantCase):
    def setUp(self) -> None:
        self.sell()
        with self.acting_for(self.agency):
            Seller.objects.for_organization(self.agency).delete()
        self.browser = self.as_(self.ada)

    def seller_row(self) -> Seller:
        with self.acting_for(self.agency):
            return Seller.objects.for_organization(self.agency).get()

    def keys(self, **values: str) -> Any:
        data = {"publishable_key": "pk_test_51PgafStandIn", "secret_key": KEY, "webhook_secret": "whsec_1"} | values
        return self.browser.post(f"{PORTAL}/stripe", data)

    def test_first_who_then_keys_that_are_tried(self) -> None:
        self.assertContains(self.browser.get(PORTAL), "First save who you are")
        self.assertRedirects(self.browser.post(f"{PORTAL}/seller", SELLER), PORTAL)
        assert self.seller_row().credit_price_micros == 100_000
        self.assertContains(self.keys(secret_key="sk_test_wrong"), "refuses the secret key", status_code=422)
        self.assertContains(self.keys(secret_key="nonsense"), "begins with", status_code=422)
        self.assertContains(self.keys(publishable_key="pk_live_1"), "One key is for tests", status_code=422)
        assert not self.seller_row().stripe_secret_key
        self.assertRedirects(self.keys(), PORTAL)
        row = self.seller_row()
        assert (row.stripe_account, row.takes_cards) == ("acct_1PgafTEST0standin", True)
        page = self.browser.get(PORTAL)
        self.assertContains(page, f"/hooks/stripe/{row.stripe_hook}")
        self.assertNotContains(page, KEY)
        self.assertNotContains(page, "whsec_1")
        # Empty secrets keep what is stored; a page that cannot be asked changes nothing.
        self.stripe.refusal = Reply(503, {})
        assert self.keys(secret_key="", webhook_secret="").status_code == 422
        self.stripe.refusal = None
        self.assertRedirects(self.keys(secret_key="", webhook_secret=""), PORTAL)
        assert self.seller_row().stripe_webhook_secret == "whsec_1"
        self.browser.post(f"{PORTAL}/stripe/off")
        assert not self.seller_row().takes_cards

    def test_what_was_typed_wrong(self) -> None:
        answer = self.browser.post(f"{PORTAL}/seller", SELLER | {"iban": "NL91ABNA0417164301", "takes_transfers": "on", "vat_id": "NL1"})
        self.assertContains(answer, "IBAN is not valid", status_code=422)
        self.assertContains(answer, "VAT ID is not valid", status_code=422)
        self.assertContains(self.browser.post(f"{PORTAL}/seller", SELLER | {"takes_transfers": "on"}), "where to transfer", status_code=422)

    def test_only_owners_of_agencies(self) -> None:
        assert self.as_(self.ben).get(PORTAL).status_code == 403
        assert self.as_(self.cleo).get("/o/bakker-dental/portal/payments").status_code == 404
        assert self.as_(self.cleo).post("/o/bakker-dental/portal/payments/seller", SELLER).status_code == 404
        assert self.as_(self.cleo).get("/o/bakker-dental/sales").status_code == 404


class OffersTest(Selling, TenantCase):
    def setUp(self) -> None:
        self.sell()
        self.browser = self.as_(self.ada)

    def test_packages_are_made_changed_moved_and_archived(self) -> None:
        values = {"name": "Big", "credits": "5000", "price_cents": "399.50", "is_active": "on"}
        self.assertRedirects(self.browser.post(f"{SALES}/packages/new", values), f"{SALES}/packages")
        with self.acting_for(self.agency):
            big = Package.objects.for_organization(self.agency).get(name="Big")
        assert (big.price_cents, big.credits) == (39950, 5000)
        self.browser.post(f"{SALES}/packages/{big.pk}/do", {"do": "up"})
        page = self.browser.get(f"{SALES}/packages").content.decode()
        assert page.index("Big") < page.index("Starter")
        self.browser.post(f"{SALES}/packages/{big.pk}", values | {"name": "Bigger", "price_cents": "1"})
        self.browser.post(f"{SALES}/packages/{big.pk}/do", {"do": "archive"})
        with self.acting_for(self.agency):
            big.refresh_from_db()
        assert (big.name, big.price_cents, big.is_active) == ("Bigger", 100, False)
        for wrong in ({"credits": "0"}, {"price_cents": "0"}, {"price_cents": "1.234"}, {"name": ""}):
            assert self.browser.post(f"{SALES}/packages/new", values | wrong).status_code == 422, wrong

    def test_plans_with_prices_limits_and_features(self) -> None:
        values = {
            "name": "Practice", "price_cents": "49", "included_credits": "300", "overage_micros": "0.1250", "overage_credits": "500",
            "trial_days": "14", "is_public": "on", "is_active": "on", "access-assistants": "3", "access-features": ["numbers", "place_calls", "campaigns"],
        }  # fmt: skip
        self.assertRedirects(self.browser.post(f"{SALES}/plans/new", values), f"{SALES}/plans")
        with self.acting_for(self.agency):
            plan = Plan.objects.for_organization(self.agency).get()
        assert (plan.price_cents, plan.overage_micros, plan.trial_days) == (4900, 125_000, 14)
        assert (plan.limits["assistants"], sorted(plan.features)) == (3, ["campaigns", "numbers", "place_calls"])
        self.assertContains(self.browser.get(f"{SALES}/plans/{plan.pk}"), "0.125")
        self.assertContains(self.browser.get(f"{SALES}/plans"), "49.00 EUR")
        self.assertContains(self.as_(self.cleo).get("/o/bakker-dental/billing"), "Practice")
        wrong = self.browser.post(f"{SALES}/plans/new", values | {"overage_credits": "0"})
        self.assertContains(wrong, "Say how many at most", status_code=422)


class SalesTest(Selling, TenantCase):
    def setUp(self) -> None:
        self.sell()
        self.browser = self.as_(self.ada)

    def url(self, purchase: Purchase, what: str = "") -> str:
        return f"{SALES}/of/bakker-dental/{purchase.pk}{what}"

    def rows(self, model: Any) -> list[Any]:
        with self.acting_for(self.client_org):
            return list(model.objects.for_organization(self.client_org).order_by("created_at", "id"))

    def key_in(self, url: str) -> str:
        found = re.search(r'name="key" value="([0-9a-f-]+)"', self.browser.get(url).content.decode())
        assert found is not None
        return found[1]

    def test_a_transfer_is_marked_once_and_refunded_once(self) -> None:
        purchase = self.order("transfer")
        self.assertContains(self.browser.get(SALES), "1 order by transfer waits")
        url = self.url(purchase, "/paid")
        values = {"key": self.key_in(url), "amount": "60.49", "received_on": "2026-01-01"}
        self.assertContains(self.browser.post(url, values | {"received_on": "2020-01-01"}), "Choose a day", status_code=422)
        values["received_on"] = f"{self.today():%Y-%m-%d}"
        for _twice in range(2):
            self.assertRedirects(self.browser.post(url, values), self.url(purchase))
        assert [each.amount_cents for each in self.rows(Payment)] == [6049]
        with self.acting_for(self.client_org):
            assert balance(self.client_org.pk) == 500 * CREDIT
        self.assertContains(self.browser.get(self.url(purchase)), "INV-00001")
        self.assertContains(self.browser.get(f"{SALES}/invoices"), "INV-00001")
        [invoice] = self.rows(Invoice)
        assert self.browser.get(f"{SALES}/of/bakker-dental/invoices/{invoice.pk}").content[:5] == b"%PDF-"
        url = self.url(purchase, "/refund")
        values = {"key": self.key_in(url), "amount": "60.49", "refunded_on": f"{self.today():%Y-%m-%d}"}
        for _twice in range(2):
            assert self.browser.post(url, values).status_code in (302, 422)
        assert [each.amount_cents for each in self.rows(Payment)] == [6049, -6049]
        assert [each.number for each in self.rows(Invoice)] == ["INV-00001", "CN-00001"]
        assert self.again(purchase).status == "refunded"

    def test_too_much_and_used_credits_are_said_in_the_form(self) -> None:
        purchase = self.order("transfer")
        paid = {"key": str(uuid.uuid4()), "amount": "60.49", "received_on": f"{self.today():%Y-%m-%d}"}
        self.browser.post(self.url(purchase, "/paid"), paid)
        factories._make(LedgerEntry, self.client_org, key="used", kind="correction", amount=-400 * CREDIT, used_by=self.client_org.pk)
        url = self.url(purchase, "/refund")
        self.assertContains(self.browser.get(url), "Credits are used already")
        values = {"key": str(uuid.uuid4()), "amount": "60.49"}
        self.assertContains(self.browser.post(url, values), "used already", status_code=422)
        self.assertContains(self.browser.post(url, values | {"amount": "60.50"}), "at most what was paid", status_code=422)
        self.assertRedirects(self.browser.post(url, values | {"takes_used": "on"}), self.url(purchase))

    def test_an_invoice_of_a_plan_is_marked(self) -> None:
        invoice = make_invoice(self.client_org)
        self.assertContains(self.browser.get(f"{SALES}/invoices"), "Not paid")
        url = f"{SALES}/of/bakker-dental/invoices/{invoice.pk}/paid"
        values = {"key": self.key_in(url), "amount": "10.89", "received_on": f"{self.today():%Y-%m-%d}"}
        for _twice in range(2):
            self.assertRedirects(self.browser.post(url, values), f"{SALES}/invoices")
        assert [each.amount_cents for each in self.rows(Payment)] == [1089]
        self.assertNotContains(self.browser.get(f"{SALES}/invoices"), "Not paid")

    def test_somebody_elses_sale_is_not_there(self) -> None:
        theirs = factories.make_organization("Dove Client", parent=self.stranger)
        purchase = make_purchase(theirs)
        for url in (f"{SALES}/of/dove-client/{purchase.pk}", self.url(purchase), f"{SALES}/of/dove-client/{purchase.pk}/paid"):
            assert self.browser.get(url).status_code == 404
        values = {"key": str(uuid.uuid4()), "amount": "60.49", "received_on": f"{self.today():%Y-%m-%d}"}
        assert self.browser.post(f"{SALES}/of/dove-client/{purchase.pk}/paid", values).status_code == 404

    def test_as_many_statements_for_three_as_for_one(self) -> None:
        for path, make, queries in ((SALES, make_purchase, LIST), (f"{SALES}/invoices", make_invoice, LIST), (f"{SALES}/packages", None, PACKAGES)):
            for count in (1, 3):
                while make and len(self.rows(Purchase if make is make_purchase else Invoice)) < count:
                    make(self.client_org, **({"sequence": count} if make is make_invoice else {}))
                if make is None:
                    for _more in range(count - 1):
                        make_package(self.agency)
                self.browser.get(path)
                with self.assertNumQueries(queries):
                    self.browser.get(path)

    def today(self) -> Any:
        return db.now().date()


LIST, PACKAGES = 16, 16
