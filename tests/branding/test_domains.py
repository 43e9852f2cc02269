"""Domains of a portal: names, what the name system must say, who may answer where, and the proxy's question."""

from __future__ import annotations

import datetime as dt
import ssl
import tempfile
from pathlib import Path
from typing import ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.exceptions import ValidationError
from django.test import Client, SimpleTestCase, override_settings

from apps.branding.dns import Found, look_up
from apps.branding.hosts import clean_host
from apps.branding.middleware import brand_of_host
from apps.branding.models import Brand, Domain
from apps.branding.tls import read_certificate
from apps.core import db
from apps.core.errors import Conflict, Invalid, NotFound
from apps.core.scope import acting
from apps.mail.models import Message
from apps.organizations.models import AuditEntry, Notification
from apps.organizations.scopes import overview
from apps.portal.services import domains
from tests import factories
from tests.branding.server import TlsServer
from tests.cases import TenantCase
from tests.names import NameServer

HOST = "calls.bakker-dental.nl"
TARGET = "portal.example.net"
DAY = dt.timedelta(days=1)
OWN = {"voice.example.net"}


class HostNameTest(SimpleTestCase):
    def test_a_host_is_spelled_one_way(self) -> None:
        for typed in ("calls.acme.com", " CALLS.Acme.com. ", "https://calls.acme.com/sign-in?x=1", "http://calls.acme.com"):
            self.assertEqual(clean_host(typed, OWN), "calls.acme.com", typed)
        self.assertEqual(clean_host("Büro.example.de", OWN), "xn--bro-hoa.example.de")

    def test_what_is_no_host_of_ones_own_is_refused(self) -> None:
        refused = [
            "", "acme", "10.0.0.1", "::1", "[2001:db8::1]", "calls.acme.com:8443", "*.acme.com", "me@acme.com", "-a.acme.com", "a-.acme.com",
            "a..acme.com", "a_b.acme.com", "1.2.3", "x" * 64 + ".com", ".".join(["label"] * 60), "voice.example.net", "portals.test",
            "acme.portals.test", "app.localhost", "nas.local", "db.internal", "ex ample.com", "büro‮.de",
        ]  # fmt: skip
        with override_settings(PORTAL_BASE_DOMAIN="portals.test"):
            for typed in refused:
                with self.subTest(typed), self.assertRaises(ValidationError):
                    clean_host(typed, OWN)


class DomainCase(TenantCase):
    names: ClassVar[NameServer]

    def setUp(self) -> None:
        self.names = self.enterContext(NameServer())  # type: ignore[misc]
        self.enterContext(override_settings(DNS_SERVERS=[self.names.address], PORTAL_TARGET=TARGET, PORTAL_BASE_DOMAIN="portals.test"))
        self.brand = factories.make_brand()
        self.open(self.agency, self.brand)
        self.now = db.now()

    def open(self, organization, brand: Brand) -> None:
        with factories.acting(factories.Scope((organization.pk,))):
            organization.brand, organization.owns_brand = brand, True
            organization.save()

    def claim(self, organization=None, host: str = HOST) -> Domain:
        from_whom = organization or self.agency
        with acting(factories.Scope((from_whom.pk,))):
            return domains.claim(agency=from_whom, host=host, by=domains.SYSTEM, now=self.now)

    def check(self, domain: Domain, organization=None, after: dt.timedelta = dt.timedelta()) -> str:
        from_whom = organization or self.agency
        with acting(factories.Scope((from_whom.pk,))):
            return domains.check(agency=from_whom, domain=domain, now=self.now + after).state


class StateTest(DomainCase):
    def test_it_answers_once_both_records_are_right(self) -> None:
        row = self.claim()
        self.assertEqual((row.state, brand_of_host(HOST)), ("pending", None))
        self.names.records[(HOST, "CNAME")] = [f"{TARGET}."]
        self.assertEqual((self.check(row), brand_of_host(HOST)), ("pending", None))
        self.names.records = {(f"_portal-verify.{HOST}", "TXT"): [f'"{row.token}"']}
        self.assertEqual((self.check(row), brand_of_host(HOST)), ("pending", None))
        self.names.prove(HOST, TARGET, row.token)
        self.assertEqual((self.check(row), brand_of_host(HOST)), ("active", self.brand))
        row.refresh_from_db()
        self.assertEqual((row.verified_at, row.next_check_at), (self.now, self.now + DAY))
        self.assertEqual(row.found["cname"], [TARGET])

    def test_the_top_of_a_zone_points_by_address(self) -> None:
        row = self.claim(host="bakker-dental.nl")
        self.names.records = {
            ("bakker-dental.nl", "A"): ["192.0.2.7"], ("_portal-verify.bakker-dental.nl", "TXT"): [f'"{row.token}"'],
            (TARGET, "A"): ["192.0.2.7", "192.0.2.8"],
        }  # fmt: skip
        self.assertEqual(self.check(row), "active")
        self.names.records[("bakker-dental.nl", "A")] = ["192.0.2.7", "198.51.100.1"]
        self.assertEqual(self.check(row), "failing")

    def test_seven_days_of_grace_then_off_then_back_by_itself(self) -> None:
        row = self.claim()
        self.names.prove(HOST, TARGET, row.token)
        self.check(row)
        self.names.records = {}
        states = [self.check(row, after=day * DAY) for day in range(1, 10)]
        self.assertEqual(states, ["failing"] * 7 + ["off"] * 2)
        self.assertIsNone(brand_of_host(HOST))
        self.names.prove(HOST, TARGET, row.token)
        self.assertEqual((self.check(row, after=10 * DAY), brand_of_host(HOST)), ("active", self.brand))

    def test_name_servers_that_fail_change_nothing(self) -> None:
        row = self.claim()
        self.names.prove(HOST, TARGET, row.token)
        self.check(row)
        self.names.is_broken = True
        self.assertEqual([self.check(row, after=day * DAY) for day in (1, 30)], ["active", "active"])
        row.refresh_from_db()
        self.assertNotEqual(row.found["error"], "")

    def test_the_owners_hear_of_it_once(self) -> None:
        row = self.claim()
        self.names.prove(HOST, TARGET, row.token)
        self.check(row)
        self.names.records = {}
        for hours in (1, 2, 3):
            self.check(row, after=dt.timedelta(hours=hours))
        with acting(overview("test")):
            notes = list(Notification.objects.order_by("created_at", "id").values_list("title", "level", "is_banner"))
            mails = [(each.to, each.subject) for each in Message.objects.filter(organization_id=self.agency.pk)]
            actions = list(AuditEntry.objects.order_by("created_at", "id").values_list("action", flat=True))
        title = f"{HOST} is about to stop working"
        self.assertEqual(notes, [(f"{HOST} is active", "success", False), (title, "warning", True)])
        self.assertEqual(mails, [("ada@example.com", title)])
        self.assertEqual(actions, ["domain.add", "domain.active", "domain.failing"])


class TakeoverTest(DomainCase):
    def setUp(self) -> None:
        super().setUp()
        self.theirs = factories.make_brand("dove", "Dove Calls")
        self.open(self.stranger, self.theirs)

    def test_a_claim_alone_takes_nothing(self) -> None:
        ours, late = self.claim(), self.claim(self.stranger)
        self.names.prove(HOST, TARGET, ours.token)
        self.assertEqual((self.check(ours), self.check(late, self.stranger)), ("active", "pending"))
        self.assertEqual(brand_of_host(HOST), self.brand)

    def test_while_the_first_proof_stands_a_second_one_gets_nothing(self) -> None:
        ours, late = self.claim(), self.claim(self.stranger)
        self.names.prove(HOST, TARGET, ours.token)
        self.check(ours)
        self.names.records[(f"_portal-verify.{HOST}", "TXT")] = [f'"{ours.token}"', f'"{late.token}"']
        self.assertEqual((self.check(late, self.stranger), brand_of_host(HOST)), ("pending", self.brand))

    def test_the_zones_owner_moves_it_by_replacing_the_proof(self) -> None:
        ours, late = self.claim(), self.claim(self.stranger)
        self.names.prove(HOST, TARGET, ours.token)
        self.check(ours)
        self.names.prove(HOST, TARGET, late.token)
        self.assertEqual((self.check(late, self.stranger), brand_of_host(HOST)), ("active", self.theirs))
        ours.refresh_from_db()
        self.assertEqual(ours.state, "off")
        self.assertEqual(self.check(ours), "off")

    def test_a_released_domain_that_still_points_here_is_nobodys(self) -> None:
        ours = self.claim()
        self.names.prove(HOST, TARGET, ours.token)
        self.check(ours)
        with acting(factories.Scope((self.agency.pk,))):
            domains.release(agency=self.agency, domain=ours, by=domains.SYSTEM, now=self.now)
        self.assertIsNone(brand_of_host(HOST))
        late = self.claim(self.stranger)
        self.assertNotEqual(late.token, ours.token)
        self.assertEqual((self.check(late, self.stranger), brand_of_host(HOST)), ("pending", None))

    def test_a_stranger_reaches_no_domain_of_ours(self) -> None:
        ours = self.claim()
        with acting(factories.Scope((self.stranger.pk,))), self.assertRaises(NotFound):
            domains.domain_of(self.stranger, ours.pk)

    def test_the_same_twice_too_many_and_no_host(self) -> None:
        self.claim()
        with self.assertRaises(Conflict):
            self.claim()
        for number in range(4):
            self.claim(host=f"c{number}.acme.com")
        with self.assertRaises(Conflict):
            self.claim(host="c9.acme.com")
        with self.assertRaises(Invalid):
            self.claim(host="acme.portals.test")


class CertificateQuestionTest(DomainCase):
    def ask(self, domain: str, **headers: str) -> int:
        return Client().get("/internal/certificate", {"domain": domain}, HTTP_HOST="pages:8000", **headers).status_code  # type: ignore[arg-type]

    def test_yes_only_to_hosts_that_a_portal_answers_on(self) -> None:
        row = self.claim()
        self.assertEqual(self.ask(HOST), 404)
        self.names.prove(HOST, TARGET, row.token)
        self.check(row)
        yes = [HOST, HOST.upper(), f"{HOST}.", "northwind.portals.test", "localhost"]
        no = ["", "x.portals.test", "portals.test", f"a.{HOST}", "bakker-dental.nl", "installation.portals.test", "x" * 300, "127.0.0.2"]
        self.assertEqual({each: self.ask(each) for each in yes}, dict.fromkeys(yes, 200))
        self.assertEqual({each: self.ask(each) for each in no}, dict.fromkeys(no, 404))

    def test_nobody_asks_from_outside(self) -> None:
        row = self.claim()
        self.names.prove(HOST, TARGET, row.token)
        self.check(row)
        outside = {"REMOTE_ADDR": "203.0.113.9"}
        answers = {
            (host, asked): Client().get("/internal/certificate", {"domain": asked}, HTTP_HOST=host, **outside).status_code  # type: ignore[arg-type]
            for host in (HOST, "localhost", "pages")
            for asked in (HOST, "nobody.example")
        }
        self.assertEqual({answers[host, HOST] for host in (HOST, "localhost")}, {404})
        for host in (HOST, "localhost", "pages"):
            self.assertEqual(answers[host, HOST], answers[host, "nobody.example"], host)
        self.assertEqual(answers["pages", HOST], 421)

    @override_settings(TRUSTED_PROXIES=["172.30.7.0/24"], INTERNAL_NETWORKS=["172.30.7.0/24"])
    def test_a_visitor_behind_the_proxy_is_outside(self) -> None:
        asked = {"domain": "northwind.portals.test"}
        proxy = {"REMOTE_ADDR": "172.30.7.2"}
        self.assertEqual(Client().get("/internal/certificate", asked, HTTP_HOST="pages:8000", **proxy).status_code, 200)  # type: ignore[arg-type]
        visitor = proxy | {"HTTP_X_FORWARDED_FOR": "172.30.7.9, 203.0.113.9"}
        self.assertEqual(Client().get("/internal/certificate", asked, HTTP_HOST="northwind.portals.test", **visitor).status_code, 404)  # type: ignore[arg-type]


class LookUpTest(DomainCase):
    def test_what_is_there_and_what_is_not(self) -> None:
        self.assertEqual(look_up(HOST), Found())
        self.names.records = {(HOST, "A"): ["192.0.2.7"], (f"_portal-verify.{HOST}", "TXT"): ['"ab" "cd"', '"other"']}
        self.assertEqual(look_up(HOST), Found(addresses=["192.0.2.7"], txt=["abcd", "other"]))

    def test_a_certificate_is_read_as_a_browser_does(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        until = dt.datetime(2031, 2, 3, 4, 5, 6, tzinfo=dt.UTC)
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Authority")])
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC)).not_valid_after(until)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256())
        )  # fmt: skip
        folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        pem = folder / "both.pem"
        pem.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + made.public_bytes(serialization.Encoding.PEM)
        )
        with TlsServer(pem) as port, override_settings(PORTAL_TLS_PORT=port, WEBHOOK_ALLOWED_NETWORKS=["127.0.0.0/8", "::1/128"]):
            trusting = ssl.create_default_context(cafile=str(pem))
            found = read_certificate("localhost", trusting)
            self.assertEqual((found.until, found.issuer, found.error), (until, "Test Authority", ""))
            self.assertIn("self-signed", read_certificate("localhost").error)
        with override_settings(WEBHOOK_ALLOWED_NETWORKS=[]):
            self.assertIn("no address", read_certificate("localhost").error)
