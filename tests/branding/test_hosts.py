"""Which host answers for whom: every spelling, every forged header, and sessions that stay where they were made."""

from __future__ import annotations

from django.test import Client, override_settings

from apps.branding.models import Domain
from tests import factories
from tests.cases import TenantCase

DOMAIN = "calls.northwind.example"


@override_settings(PORTAL_BASE_DOMAIN="portals.test")
class HostTest(TenantCase):
    def setUp(self) -> None:
        self.brand = factories.make_brand(name="Northwind Voice")
        self.other = factories.make_brand("dove", "Dove Calls")
        Domain.objects.create(brand=self.brand, host=DOMAIN, token="t", state="active")
        Domain.objects.create(brand=self.brand, host="old.northwind.example", token="t", state="off")
        Domain.objects.create(brand=self.brand, host="new.northwind.example", token="t", state="pending")
        Domain.objects.create(brand=self.brand, host="late.northwind.example", token="t", state="failing")

    def title(self, host: str, **headers: str) -> str:
        """Whose sign-in page a host shows; the status of every other answer."""
        answer = Client().get("/accounts/login", HTTP_HOST=host, **headers)  # type: ignore[arg-type]
        if answer.status_code != 200:
            return str(answer.status_code)
        page = answer.content.decode()
        names = [name for name in ("Northwind Voice", "Dove Calls", "Switchboard") if name in page]
        return " + ".join(names)

    def test_each_spelling_of_a_host(self) -> None:
        ours = [
            "northwind.portals.test", "NorthWind.Portals.TEST", "northwind.portals.test.", "northwind.portals.test:8443", DOMAIN,
            f"{DOMAIN.upper()}.", f"{DOMAIN}:443", "late.northwind.example",
        ]  # fmt: skip
        self.assertEqual({host: self.title(host) for host in ours}, dict.fromkeys(ours, "Northwind Voice"))
        self.assertEqual(self.title("dove.portals.test"), "Dove Calls")

    def test_a_host_of_nobody_gets_421_and_no_name(self) -> None:
        nobody = [
            "nobody.portals.test", "portals.test", "a.northwind.portals.test", "installation.portals.test", "northwind.example",
            "old.northwind.example", "new.northwind.example", "xn--nrthwind-s3a.portals.test", "northwind.portals.test.evil.example",
            "northwind.portals.test@evil.example", "evil.example", "203.0.113.7", "[2001:db8::1]", "[2001:db8::1]:8000", "northwind..portals.test",
            "northwind_.portals.test",
        ]  # fmt: skip
        for host in nobody:
            with self.subTest(host):
                answer = Client().get("/accounts/login", HTTP_HOST=host)
                self.assertEqual(answer.status_code, 421)
                page = (answer.content.decode() + str(answer.headers)).lower()
                self.assertEqual([name for name in ("northwind voice", "dove calls", "switchboard") if name in page], [])
                self.assertEqual(answer.cookies.keys(), set())

    def test_the_page_of_a_host_of_nobody_has_its_style_sheet(self) -> None:
        answer = Client().get("/static/css/app.css", HTTP_HOST="evil.example")
        self.assertEqual((answer.status_code, answer.headers["Content-Type"]), (200, 'text/css; charset="utf-8"'))
        missing = Client().get("/static/css/none.css", HTTP_HOST="evil.example")
        self.assertEqual(missing.status_code, 421)
        self.assertNotIn("switchboard", missing.content.decode().lower())

    def test_forged_headers_change_nothing(self) -> None:
        forged = {
            "HTTP_X_FORWARDED_HOST": "dove.portals.test", "HTTP_FORWARDED": "host=dove.portals.test", "HTTP_X_HOST": "dove.portals.test",
            "HTTP_X_ORIGINAL_HOST": "dove.portals.test", "SERVER_NAME": "dove.portals.test",
        }  # fmt: skip
        for name, value in forged.items():
            with self.subTest(name):
                self.assertEqual(self.title(DOMAIN, **{name: value}), "Northwind Voice")
                self.assertEqual(self.title("evil.example", **{name: value}), "421")

    def test_a_session_of_one_brand_is_nothing_on_another(self) -> None:
        organization = factories.make_organization("Cedar", brand=self.brand)
        person = factories.make_user("Cedric", brand=self.brand)
        factories.make_member(organization, person, "owner")
        browser = Client()
        browser.force_login(person)
        answers = {
            host: browser.get("/o/cedar/calls", HTTP_HOST=host).status_code
            for host in (DOMAIN, "northwind.portals.test", "dove.portals.test", "localhost")
        }
        self.assertEqual(answers, {DOMAIN: 200, "northwind.portals.test": 200, "dove.portals.test": 302, "localhost": 302})

    def test_cookies_are_kept_to_their_host(self) -> None:
        factories.make_user("Cedric", brand=self.brand)
        browser = Client()
        page = browser.get("/accounts/login", HTTP_HOST=DOMAIN)
        browser.post(
            "/accounts/login", {"login": "cedric@example.com", "password": factories.PASSWORD}, HTTP_HOST=DOMAIN
        )
        self.assertGreaterEqual(set(browser.cookies), {"session"})
        self.assertEqual({cookie["domain"] for cookie in browser.cookies.values()}, {""})
        self.assertEqual(page.status_code, 200)

    def test_one_address_has_an_account_at_each_brand(self) -> None:
        for brand in (self.brand, self.other):
            factories.make_user("Cedric", brand=brand)
        found = {}
        for host in (DOMAIN, "dove.portals.test", "localhost"):
            answer = Client().post(
                "/accounts/login", {"login": "cedric@example.com", "password": factories.PASSWORD}, HTTP_HOST=host
            )
            found[host] = answer.status_code
        self.assertEqual(found, {DOMAIN: 302, "dove.portals.test": 302, "localhost": 200})
