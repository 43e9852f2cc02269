"""On a reseller's host the API is there for those who may use it; for everybody else it does not exist."""

from __future__ import annotations

from django.test import Client

from apps.core import db
from apps.organizations.features import ALL, closed
from apps.organizations.services import SYSTEM
from apps.portal.services.plans import set_exceptions
from tests import factories
from tests.cases import Api, TenantCase

DOCUMENTS = ("/api/docs", "/api/openapi.json")
PROGRAMS = ("/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json")


class OfferTest(TenantCase):
    def setUp(self) -> None:
        self.brand = factories.make_brand()
        with self.acting_for(self.agency):
            self.agency.change(db.now(), brand=self.brand, owns_brand=True)
        self.kim = factories.make_user("Kim", brand=self.brand)
        self.shop = factories.make_organization("Kim's shop", parent=self.agency, brand=self.brand)
        factories.make_member(self.shop, self.kim, "owner")
        self.host = {"host": "northwind.localhost"}

    def switch(self, *, on: bool) -> None:
        set_exceptions(client=self.shop, limits={}, features=closed(ALL if on else ALL - {"api_keys"}), by=SYSTEM, now=db.now())

    def answers(self, browser: Client, paths: tuple[str, ...]) -> set[int]:
        return {browser.get(path, headers=self.host).status_code for path in paths}

    def test_on_the_installations_host_it_is_for_all(self) -> None:
        self.assertEqual({Client().get(path).status_code for path in (*DOCUMENTS, *PROGRAMS)}, {200})

    def test_a_visitor_of_a_resellers_host_finds_nothing(self) -> None:
        self.assertEqual(self.answers(Client(), DOCUMENTS), {404})

    def test_a_client_reads_it_when_it_may_use_it(self) -> None:
        kim = self.as_(self.kim)
        self.switch(on=True)
        self.assertEqual(self.answers(kim, DOCUMENTS), {200})
        self.assertEqual(self.answers(Client(), PROGRAMS), {200})
        self.switch(on=False)
        self.assertEqual(self.answers(kim, DOCUMENTS), {404})
        self.assertEqual(self.answers(Client(), (*PROGRAMS, "/mcp", "/authorize")), {404})

    def test_a_key_reads_the_description(self) -> None:
        self.switch(on=True)
        key = Api(self.shop).client
        self.assertEqual(key.get("/api/openapi.json", headers=self.host).status_code, 200)
