"""An agency that sells, a client that buys: rows for tests of buying."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import Any

from django.test import Client, override_settings

from apps.billing.models import Buyer, Invoice, Package, Purchase, Seller
from apps.billing.purchasing import new_reference, order_package
from apps.core import db
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM
from apps.portal.services.stripe_events import due_events, handle_event
from tests import factories
from tests.stripe import StripeServer
from tests.stripe.server import KEY, SECRET


def make_seller(agency: Organization, **fields: Any) -> Seller:
    values = {
        "legal_name": "Northwind Voice B.V.", "address": "Keizersgracht 1", "postal_code": "1015 CJ", "city": "Amsterdam", "country": "NL",
        "vat_id": "NL004495445B01", "takes_transfers": True, "iban": "NL91ABNA0417164300", "bic": "ABNANL2A",
        "stripe_publishable_key": "pk_test_51PgafStandIn", "stripe_secret_key": KEY, "stripe_webhook_secret": SECRET,
        "stripe_hook": uuid.uuid4().hex, "stripe_account": "acct_1PgafTEST0standin",
    }  # fmt: skip
    return factories._make(Seller, agency, **values | fields)


def make_buyer(client: Organization, **fields: Any) -> Buyer:
    values = {"company": "Bakker Dental B.V.", "address": "Dorpsstraat 2", "postal_code": "3011 AA", "city": "Rotterdam", "country": "NL", "email": "invoices@bakker.example"}
    return factories._make(Buyer, client, **values | fields)


def make_package(agency: Organization, **fields: Any) -> Package:
    values = {"name": "Starter", "credits": 500, "price_cents": 4999}
    return factories._make(Package, agency, **values | fields)


def make_purchase(client: Organization, **fields: Any) -> Purchase:
    """An order that nobody has paid."""
    values = {
        "key": uuid.uuid4().hex, "name": "Starter", "credits": 500, "currency": "EUR", "net_cents": 4999, "vat_rate": 2100, "vat_cents": 1050,
        "gateway": "stripe", "reference": new_reference(),
    }  # fmt: skip
    return factories._make(Purchase, client, **values | fields)


def make_invoice(client: Organization, **fields: Any) -> Invoice:
    """An open invoice of a plan's month."""
    line = {"text": "Plan", "quantity": "1", "unit_micros": 9_000_000, "net_cents": 900, "vat_rate": 2100, "vat_cents": 189, "entries": []}
    values = {
        "key": uuid.uuid4().hex, "seller_id": uuid.uuid4(), "kind": "invoice", "series": "invoice", "sequence": 1, "number": "INV-00001",
        "language": "en", "currency": "EUR", "issued_on": factories.NOW.date(), "due_on": factories.NOW.date(), "lines": [line],
        "seller": {"legal_name": "Northwind Voice B.V."}, "buyer": {"company": "Secret-canary buyer"}, "net_cents": 900, "vat_cents": 189,
    }  # fmt: skip
    return factories._make(Invoice, client, **values | fields)


def give_wallet(client: Organization) -> None:
    with acting(Scope((client.pk, client.parent_id))):  # type: ignore[arg-type]
        client.has_wallet = True
        client.save()


class Selling:
    """For a TenantCase: Northwind Voice sells to Bakker Dental; the stand-in runs, its events reach the product's hook."""

    def sell(self, **fields: Any) -> None:
        case: Any = self
        self.seller = make_seller(case.agency, **fields)
        self.buyer = make_buyer(case.client_org)
        self.package = make_package(case.agency)
        give_wallet(case.client_org)
        self.stripe = case.enterContext(StripeServer(deliver=self.deliver))
        case.enterContext(override_settings(STRIPE_API_URL=self.stripe.url))

    def deliver(self, body: bytes, headers: dict[str, str]) -> int:
        """As over the wire: the hook answers first, the workers do the rest."""
        answer = Client().post(f"/hooks/stripe/{self.seller.stripe_hook}", body, content_type="application/json", headers=headers)
        self.work()
        return int(answer.status_code)

    def work(self, minutes: int = 0) -> None:
        now = db.now() + dt.timedelta(minutes=minutes)
        for agency_id, event_id in due_events(now):
            with acting(Scope((agency_id,))):
                handle_event(agency_id=agency_id, event_pk=event_id, now=now)

    def order(self, gateway: str = "stripe", key: str = "") -> Purchase:
        case: Any = self
        with case.acting_for(case.client_org):
            return order_package(
                client=case.client_org, package_id=self.package.pk, gateway=gateway, key=key or uuid.uuid4().hex, by=SYSTEM, now=db.now()
            )

    def again(self, row: Any) -> Any:
        case: Any = self
        with case.acting_for(case.client_org):
            return type(row).objects.get(pk=row.pk)
