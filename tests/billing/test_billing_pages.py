"""A client's billing pages: what it can buy, and what it bought."""

from __future__ import annotations

import re
import uuid
from typing import Any

from apps.billing.models import Buyer, Purchase
from apps.mail.models import Message
from tests import factories
from tests.billing.selling import Selling, make_package, make_purchase
from tests.cases import TenantCase
from tests.pdf import words_of
from tests.stripe.server import Reply

PAGE = "/o/bakker-dental/billing"


class BillingPageTest(Selling, TenantCase):
    def setUp(self) -> None:
        self.sell()
        self.browser = self.as_(self.cleo)

    def buy(self, gateway: str, **values: Any) -> Any:
        data = {"package": str(self.package.pk), "way": gateway, "key": str(uuid.uuid4())}
        return self.browser.post(f"{PAGE}/buy", data | values)

    def purchase(self) -> Purchase:
        with self.acting_for(self.client_org):
            return Purchase.objects.for_organization(self.client_org).get()

    def test_prices_with_tax_before_paying(self) -> None:
        answer = self.browser.get(PAGE)
        for text in ("49.99 EUR", "VAT 21%", "10.50 EUR", "60.49 EUR", "Pay by card", "Pay by bank transfer"):
            self.assertContains(answer, text)
        self.assertNotContains(answer, "tripe")

    def test_reverse_charge_says_so(self) -> None:
        with self.acting_for(self.client_org):
            self.buyer.change(factories.NOW, country="DE", vat_id="DE136695976")
        answer = self.browser.get(PAGE)
        self.assertContains(answer, "Reverse charge")
        self.assertNotContains(answer, "60.49")

    def test_by_card_to_the_payment_page_and_back(self) -> None:
        answer = self.buy("card")
        purchase = self.purchase()
        self.assertRedirects(answer, f"{PAGE}/purchases/{purchase.pk}/pay", fetch_redirect_response=False)
        leave = self.browser.get(answer["Location"])
        url = re.search(r'http-equiv="refresh" content="0; url=([^"]+)"', leave.content.decode())
        assert url is not None
        assert url[1].startswith(f"{self.stripe.url}/pay/cs_test_")
        session = self.stripe.sessions[url[1].rpartition("/")[2]]
        assert session["success_url"].endswith(f"{PAGE}?paid={purchase.pk}")
        self.assertContains(self.browser.get(f"{PAGE}?paid={purchase.pk}"), "being confirmed")
        self.stripe.pay(session["id"])
        self.assertContains(self.browser.get(f"{PAGE}?paid={purchase.pk}"), "500 credits are on your balance")
        self.assertContains(self.browser.get(f"{PAGE}/purchases/{purchase.pk}"), "INV-00001")
        self.assertRedirects(self.browser.get(f"{PAGE}/purchases/{purchase.pk}/pay"), f"{PAGE}/purchases/{purchase.pk}")

    def test_the_payment_page_is_not_there(self) -> None:
        self.buy("card")
        self.stripe.refusal = Reply(500, {})
        answer = self.browser.get(f"{PAGE}/purchases/{self.purchase().pk}/pay")
        assert answer.status_code == 503
        self.assertNotContains(answer, "tripe", status_code=503)

    def test_by_transfer(self) -> None:
        key = str(uuid.uuid4())
        assert [self.buy("transfer", key=key).status_code for _twice in range(2)] == [302, 302]
        purchase = self.purchase()
        answer = self.browser.get(f"{PAGE}/purchases/{purchase.pk}")
        for text in (purchase.reference, "NL91ABNA0417164300", "60.49 EUR", "Cancel this order"):
            self.assertContains(answer, text)
        self.browser.post(f"{PAGE}/purchases/{purchase.pk}/cancel")
        assert self.again(purchase).status == "expired"

    def test_without_details_first_the_details(self) -> None:
        with self.acting_for(self.client_org):
            Buyer.objects.for_organization(self.client_org).delete()
        self.assertRedirects(self.buy("card"), f"{PAGE}/details")
        wrong = {"company": "Bakker", "address": "Dorpsstraat 2", "city": "Rotterdam", "country": "NL", "vat_id": "NL004495446B01"}
        answer = self.browser.post(f"{PAGE}/details", wrong)
        self.assertContains(answer, "check digits are wrong", status_code=422)
        self.assertContains(self.browser.post(f"{PAGE}/details", wrong | {"country": "DE", "vat_id": "NL004495445B01"}), "another country", status_code=422)
        right = wrong | {"vat_id": "nl 0044.95.445 b01", "is_business": "on"}
        self.assertRedirects(self.browser.post(f"{PAGE}/details", right), PAGE)
        with self.acting_for(self.client_org):
            assert Buyer.objects.for_organization(self.client_org).get().vat_id == "NL004495445B01"

    def test_the_invoice_as_a_pdf(self) -> None:
        self.buy("card")
        self.browser.get(f"{PAGE}/purchases/{self.purchase().pk}/pay")
        self.stripe.pay(next(iter(self.stripe.sessions)))
        link = re.search(rf"{PAGE}/invoices/[0-9a-f-]+", self.browser.get(PAGE).content.decode())
        assert link is not None
        answer = self.browser.get(link[0])
        assert answer["Content-Type"] == "application/pdf"
        words = words_of(answer.content)
        for text in ("INV-00001", "Bakker Dental B.V.", "Northwind Voice B.V.", "49.99 EUR", "10.50 EUR", "60.49 EUR", "21%", "NL004495445B01"):
            assert text in words, text
        with self.acting_for(self.client_org):
            mail = Message.objects.of(self.client_org.pk).get()
        assert mail.to == "invoices@bakker.example"
        assert mail.file is not None
        assert mail.file.content[:5] == b"%PDF-"

    def test_a_member_and_an_agency_have_no_such_page(self) -> None:
        factories.make_member(self.client_org, self.dov, "admin")
        assert self.as_(self.dov).get(PAGE).status_code == 403
        assert self.as_(self.ada).get("/o/northwind-voice/billing").status_code == 404

    def test_as_many_statements_for_three_as_for_one(self) -> None:
        make_purchase(self.client_org)
        self.browser.get(PAGE)
        with self.assertNumQueries(QUERIES):
            self.browser.get(PAGE)
        for _more in range(2):
            make_purchase(self.client_org)
            make_package(self.agency)
        with self.assertNumQueries(QUERIES):
            self.browser.get(PAGE)


QUERIES = 22
