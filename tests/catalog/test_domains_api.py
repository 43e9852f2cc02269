"""The sender domain on the wire (api 8.9), against Resend's API played on loopback."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

from django.test import override_settings

from apps.catalog import tasks
from apps.catalog.models import ProviderKey, SenderDomain
from apps.core import db
from apps.core.scope import acting
from apps.mail.models import Message
from apps.organizations.models import AuditEntry
from apps.organizations.scopes import overview
from tests import factories
from tests.cases import CommittedCase, TenantCase
from tests.receivers import Reply
from tests.resend import KEY, Resend

OLDER = {"user-agent": "hmsovereign-node/1.4.2"}
FIELDS = {
    "id", "org_id", "created_at", "updated_at", "domain_name", "resend_domain_id", "status", "region", "records", "verified_at",
}  # fmt: skip
MIRRORS = {"id", "org_id", "domain_name", "status", "verified", "created_at"}
OPERATIONS: list[tuple[str, str, Any]] = [
    ("post", "/domains", {"domain_name": "mail.example.org"}),
    ("get", "/domains/sync", None),
    ("post", "/domains/sync", {"resendDomainId": "d-1"}),
    ("post", "/domains/verify", {}),
    ("post", "/domains/refresh", {}),
    ("delete", "/domains", {}),
]


class DomainCase(TenantCase):
    def setUp(self) -> None:
        self.resend = self.enterContext(Resend())
        self.enterContext(override_settings(RESEND_API_URL=self.resend.url))
        self.cleo_api = self.api(self.client_org)

    def give_key(self) -> None:
        factories.make_provider_key(self.client_org, "resend", KEY)

    def added(self, name: str = "mail.example.org") -> dict[str, Any]:
        answer = self.cleo_api.post("/domains", {"domain_name": name})
        self.assertEqual(answer.status_code, 201, answer.content)
        return answer.json()

    def at_resend(self) -> dict[str, Any]:
        return next(iter(self.resend.account().domains.values()))

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return self.cleo_api.get(path) if method == "get" else getattr(self.cleo_api, method)(path, body)

    def own(self) -> SenderDomain | None:
        with self.acting_for(self.client_org):
            return SenderDomain.objects.for_organization(self.client_org).first()


class DomainApiTest(DomainCase):
    def test_without_a_domain_the_answer_is_null(self) -> None:
        self.assertEqual(
            self.cleo_api.get("/domains").json(),
            {"domain": None, "id": None, "org_id": None, "domain_name": None, "status": None, "verified": False, "created_at": None},
        )
        self.assertEqual(self.resend.received, [])

    def test_without_a_resend_key_every_operation_is_400(self) -> None:
        factories.make_provider_key(self.agency, "resend", KEY)  # an agency's key is no sender of its client's mail
        factories.make_sender_domain(self.client_org, resend_domain_id="d-1")
        for method, path, body in OPERATIONS:
            answer = self.ask(method, path, body)
            self.assertEqual(answer.status_code, 400, (method, path))
            self.assertIn("resend", answer.json()["message"])
        self.assertEqual(self.resend.received, [])

    def test_without_a_domain_delete_verify_and_refresh_are_404(self) -> None:
        self.give_key()
        for method, path, body in OPERATIONS[3:]:
            self.assertEqual(self.ask(method, path, body).status_code, 404, (method, path))
        self.assertEqual(self.resend.received, [])

    def test_adding_answers_the_object_and_its_mirrors(self) -> None:
        self.give_key()
        answer = self.added()
        domain = answer["domain"]
        self.assertEqual(set(domain), FIELDS)
        self.assertEqual(set(answer), {"domain"} | MIRRORS)
        for name in MIRRORS - {"verified"}:
            self.assertEqual(answer[name], domain[name])
        self.assertEqual(
            (domain["domain_name"], domain["status"], domain["region"], domain["org_id"], domain["verified_at"], answer["verified"]),
            ("mail.example.org", "not_started", "eu-west-1", str(self.client_org.pk), None, False),
        )
        self.assertEqual(domain["resend_domain_id"], self.at_resend()["id"])
        self.assertEqual(
            domain["records"][0],
            {"record": "SPF", "name": "send", "type": "MX", "ttl": "Auto", "status": "not_started",
             "value": "feedback-smtp.eu-west-1.amazonses.com", "priority": 10},
        )  # fmt: skip
        self.assertEqual((domain["records"][2]["ttl"], domain["records"][2]["priority"]), ("3600", None))
        self.assertEqual(self.cleo_api.get("/domains").json(), answer)
        sent = self.resend.received[0]
        self.assertEqual((sent.method, sent.path, sent.json), ("POST", "/domains", {"name": "mail.example.org", "region": "eu-west-1"}))

    def test_the_older_spelling_and_the_older_sdk(self) -> None:
        self.give_key()
        none = self.cleo_api.get("/domains", **OLDER)
        self.assertEqual((none.status_code, none.json()["type"]), (404, "not_found"))
        made = self.cleo_api.post("/domains", {"domain": "Mail.Example.org."}, **OLDER)
        flat = made.json()
        self.assertEqual((made.status_code, flat["domain"], flat["domain_name"]), (201, "mail.example.org", "mail.example.org"))
        self.assertEqual(set(flat), FIELDS | {"domain", "verified"})
        self.assertEqual(self.cleo_api.get("/domains", **OLDER).json(), flat)
        again = self.cleo_api.post("/domains/refresh", {}, **OLDER).json()
        self.assertEqual(again | {"updated_at": None}, flat | {"updated_at": None})
        listed = self.cleo_api.get("/domains/sync", **OLDER).json()
        self.assertEqual([each["name"] for each in listed], ["mail.example.org"])
        self.assertIsInstance(self.cleo_api.get("/domains", **{"user-agent": "hmsovereign-node/2.0.0"}).json()["domain"], dict)

    def test_a_name_must_be_a_full_domain(self) -> None:
        self.give_key()
        for name in ("localhost", "a b.org", "-a.org", "a-.org", "https://example.org", "a@example.org", "1.2.3.4", "x" * 250 + ".org", 5, ["a.org"], "a..org"):
            answer = self.cleo_api.post("/domains", {"domain_name": name})
            self.assertEqual((answer.status_code, answer.json()["param"], answer.json()["type"]), (400, "domain_name", "invalid_value"), name)
        self.assertEqual(self.cleo_api.post("/domains", {}).json()["type"], "missing_field")
        self.assertEqual((self.resend.received, self.own()), ([], None))
        self.assertEqual(self.added("Müller.example.org")["domain_name"], "xn--mller-kva.example.org")

    def test_a_second_domain_is_409(self) -> None:
        self.give_key()
        self.added()
        answer = self.cleo_api.post("/domains", {"domain_name": "other.example.org"})
        self.assertEqual((answer.status_code, answer.json()["type"]), (409, "already_exists"))
        self.assertEqual(len(self.resend.account().domains), 1)

    def test_a_domain_that_the_account_has_is_taken_as_it_is(self) -> None:
        """The answer of an earlier request may have been lost."""
        self.give_key()
        self.resend.page_size = 1
        self.resend.add("first.example.org")
        there = self.resend.add("mail.example.org", "verified")
        answer = self.added()
        self.assertEqual((answer["domain"]["resend_domain_id"], answer["verified"]), (there, True))
        self.assertIsNotNone(answer["domain"]["verified_at"])
        self.assertEqual(len(answer["domain"]["records"]), 3)

    def test_a_domain_of_somebody_elses_account_is_refused(self) -> None:
        self.give_key()
        self.resend.add("mail.example.org", key="re_other")
        answer = self.cleo_api.post("/domains", {"domain_name": "mail.example.org"})
        self.assertEqual(answer.status_code, 400)
        self.assertIn("registered already", answer.json()["message"])
        self.assertIsNone(self.own())

    def test_verifying_and_refreshing_follow_resend(self) -> None:
        self.give_key()
        self.added()
        answer = self.cleo_api.post("/domains/verify", {}).json()
        self.assertEqual((set(answer), answer["verified"], answer["domain"]["status"]), ({"domain", "verified"}, False, "pending"))
        self.at_resend()["status"] = "verified"
        found = self.cleo_api.post("/domains/refresh", {})
        self.assertEqual((found.status_code, found.json()["verified"], set(found.json())), (200, True, {"domain"} | MIRRORS))
        since = found.json()["domain"]["verified_at"]
        asked = len(self.resend.received)
        again = self.cleo_api.post("/domains/verify", {}).json()
        self.assertEqual((again["verified"], again["domain"]["verified_at"]), (True, since))
        self.assertEqual(self.resend.asked()[asked:], [f"GET /domains/{self.at_resend()['id']}"])  # verifying would make it pending
        self.at_resend()["status"] = "partially_failed"
        lost = self.cleo_api.post("/domains/refresh", {}).json()
        self.assertEqual((lost["status"], lost["verified"], lost["domain"]["verified_at"]), ("partially_failed", False, None))

    def test_deleting_takes_it_from_resend_too(self) -> None:
        self.give_key()
        self.added()
        self.assertEqual(self.cleo_api.delete("/domains", {}).json(), {"success": True})
        self.assertEqual((self.resend.account().domains, self.own()), ({}, None))
        self.assertEqual(self.cleo_api.delete("/domains", {}).status_code, 404)
        self.added()
        self.resend.account().domains.clear()  # gone there already
        self.assertEqual(self.cleo_api.delete("/domains").json(), {"success": True})
        with self.acting_for(self.client_org):
            actions = list(AuditEntry.objects.filter(action__startswith="sender_domain").order_by("pk").values_list("action", flat=True))
        self.assertEqual(actions, ["sender_domain.add", "sender_domain.delete"] * 2)

    def test_the_accounts_domains_are_listed_and_one_is_picked(self) -> None:
        self.give_key()
        self.resend.page_size = 2
        ids = [self.resend.add(f"{name}.example.org", "verified") for name in ("a", "b", "c")]
        listed = self.cleo_api.get("/domains/sync").json()
        self.assertEqual(listed["selected_domain_id"], None)
        self.assertEqual([each["id"] for each in listed["domains"]], ids)
        self.assertEqual(listed["domains"][0], {"id": ids[0], "name": "a.example.org", "status": "verified", "region": "eu-west-1"})
        picked = self.cleo_api.post("/domains/sync", {"resendDomainId": ids[1]})
        self.assertEqual(picked.status_code, 200)
        self.assertEqual(
            (set(picked.json()), picked.json()["message"], picked.json()["success"], picked.json()["domain"]["domain_name"]),
            ({"domain", "message", "success"}, "Domain synced successfully from Resend", True, "b.example.org"),
        )
        other = self.cleo_api.post("/domains/sync", {"domain_id": ids[2]}).json()["domain"]
        self.assertEqual((other["id"], other["domain_name"]), (picked.json()["domain"]["id"], "c.example.org"))
        self.assertEqual(self.cleo_api.get("/domains/sync").json()["selected_domain_id"], ids[2])

    def test_a_picked_domain_stays_at_resend(self) -> None:
        self.give_key()
        there = self.resend.add("shop.example.org", "verified")
        self.cleo_api.post("/domains/sync", {"resendDomainId": there})
        self.assertEqual(self.cleo_api.delete("/domains", {}).json(), {"success": True})
        self.assertEqual((list(self.resend.account().domains), self.own()), ([there], None))

    def test_picking_what_the_account_does_not_have_is_404_and_no_id_400(self) -> None:
        self.give_key()
        for ident in ("nothing", "../emails", "a/b?c"):
            self.assertEqual(self.cleo_api.post("/domains/sync", {"resendDomainId": ident}).status_code, 404, ident)
        for body, kind in (({}, "missing_field"), ({"resendDomainId": 5}, "invalid_value"), ({"resendDomainId": "x" * 101}, "invalid_value")):
            answer = self.cleo_api.post("/domains/sync", body)
            self.assertEqual((answer.status_code, answer.json()["type"], answer.json()["param"]), (400, kind, "resendDomainId"))
        self.assertIsNone(self.own())

    def test_what_resend_answers_becomes_our_own_words(self) -> None:
        self.give_key()
        self.added()
        for status, name, wanted, kind in (
            (401, "missing_api_key", 400, "invalid_value"),
            (401, "restricted_api_key", 400, "invalid_value"),
            (403, "invalid_api_key", 400, "invalid_value"),
            (400, "validation_error", 400, "invalid_value"),
            (422, "validation_error", 400, "invalid_value"),
            (404, "not_found", 404, "not_found"),
            (409, "conflict", 409, "already_exists"),
            (429, "rate_limit_exceeded", 503, "backend_unavailable"),
            (500, "application_error", 503, "backend_unavailable"),
            (302, "", 503, "backend_unavailable"),
        ):
            self.resend.refuse(status, name)
            answer = self.cleo_api.post("/domains/refresh", {})
            self.assertEqual((answer.status_code, answer.json()["type"]), (wanted, kind), (status, name))
            self.assertNotIn(KEY, answer.content.decode())
            if status in (401, 403):
                self.assertIn("resend", answer.json()["message"])
        self.resend.refuse(429, "rate_limit_exceeded", **{"Retry-After": "7"})
        self.assertEqual(self.cleo_api.post("/domains/refresh", {})["Retry-After"], "7")
        for broken in (Reply(cut=True), Reply(200, b"no json"), Reply(200, {"id": 5}), Reply(200, [])):
            self.resend.account().refusal = broken
            self.assertEqual(self.cleo_api.post("/domains/refresh", {}).status_code, 503, broken)
        self.assertEqual(self.own().status, "not_started")

    def test_a_refused_key_is_marked_and_a_restricted_one_is_not(self) -> None:
        self.give_key()
        self.added()
        self.resend.refuse(401, "restricted_api_key")
        self.assertIn("only send", self.cleo_api.post("/domains/refresh", {}).json()["message"])
        with self.acting_for(self.client_org):
            self.assertIsNone(ProviderKey.objects.get().broken_at)
        self.resend.refuse(401, "missing_api_key")
        self.cleo_api.post("/domains/refresh", {})
        with self.acting_for(self.client_org):
            self.assertIsNotNone(ProviderKey.objects.get().broken_at)
            self.assertEqual(Message.objects.count(), 0)  # who asked has seen it
        self.resend.account().refusal = None
        self.cleo_api.post("/domains/refresh", {})
        with self.acting_for(self.client_org):
            self.assertIsNone(ProviderKey.objects.get().broken_at)

    def test_nothing_is_kept_of_an_adding_that_failed(self) -> None:
        self.give_key()
        for refusal in (Reply(500), Reply(cut=True), Reply(401, {"name": "invalid_api_key"})):
            self.resend.account().refusal = refusal
            self.assertIn(self.cleo_api.post("/domains", {"domain_name": "mail.example.org"}).status_code, (400, 503))
            self.assertIsNone(self.own())
        self.resend.account().refusal = None
        self.added()

    def test_an_adding_that_died_is_finished_by_a_refresh(self) -> None:
        self.give_key()
        factories.make_sender_domain(self.client_org, domain_name="mail.example.org")
        self.assertEqual(self.cleo_api.get("/domains").json()["domain"]["resend_domain_id"], None)
        found = self.cleo_api.post("/domains/refresh", {}).json()["domain"]
        self.assertEqual(found["resend_domain_id"], self.at_resend()["id"])

    def test_a_key_of_another_organization_does_not_open(self) -> None:
        """A row copied over in the database: named, and no way to anybody's account."""
        theirs = factories.make_provider_key(self.stranger, "resend", KEY)
        factories.make_provider_key(self.client_org, "resend", "re_own")
        with acting(overview("the sealed bytes of a stranger's key")):
            sealed = bytes(ProviderKey.objects.get(pk=theirs.pk).__dict__["secret"].sealed)
        with self.acting_for(self.client_org):
            row = ProviderKey.objects.get()
            row.__dict__["secret"] = type(row.__dict__["secret"])(sealed=sealed)
            row.save(update_fields=["secret"])
        answer = self.cleo_api.get("/domains/sync")
        self.assertEqual(answer.status_code, 400)
        self.assertIn("cannot be opened", answer.json()["message"])
        self.assertEqual(self.resend.received, [])

    def test_others_see_nothing_of_it(self) -> None:
        self.give_key()
        mine = self.added()
        dov = self.api(self.stranger)
        factories.make_provider_key(self.stranger, "resend", "re_dov")
        self.resend.account("re_dov")
        shown = b"".join(
            [dov.get("/domains").content, dov.get("/domains/sync").content, dov.post("/domains/refresh", {}).content]
        )
        for secret in ("mail.example.org", mine["id"], mine["domain"]["resend_domain_id"], str(self.client_org.pk)):
            self.assertNotIn(secret.encode(), shown)
        self.assertEqual(dov.post("/domains/sync", {"resendDomainId": mine["domain"]["resend_domain_id"]}).status_code, 404)
        self.assertEqual(dov.delete("/domains", {}).status_code, 404)
        self.assertEqual(self.cleo_api.get("/domains").json(), mine)

    def test_reading_costs_the_same_with_other_domains_around(self) -> None:
        self.give_key()
        self.added()
        for more in (self.stranger, self.agency):
            with self.assertNumQueries(7):
                self.cleo_api.get("/domains")
            factories.make_sender_domain(more)


class PendingDomainsTest(DomainCase):
    def test_pending_domains_are_refreshed_for_72_hours(self) -> None:
        self.give_key()
        self.added()
        self.cleo_api.post("/domains/verify", {})
        self.at_resend()["status"] = "verified"
        now = db.now()
        with acting(overview("which are due")):
            due = SenderDomain.objects.to_refresh
            self.assertEqual([due(now + dt.timedelta(hours=hours)).count() for hours in (0, 71, 73)], [1, 1, 0])
        tasks.refresh_domain(str(self.client_org.pk))
        self.assertEqual(self.own().status, "verified")
        with acting(overview("which are due")):
            self.assertEqual(SenderDomain.objects.to_refresh(now).count(), 0)

    def test_a_domain_whose_account_does_not_answer_stays_pending(self) -> None:
        self.give_key()
        self.added()
        self.cleo_api.post("/domains/verify", {})
        for status in (500, 401, 404):
            self.resend.refuse(status)
            tasks.refresh_domain(str(self.client_org.pk))
        self.assertEqual(self.own().status, "pending")


class ParallelDomainTest(CommittedCase):
    def test_twenty_at_once_make_one_domain(self) -> None:
        with Resend() as resend, override_settings(RESEND_API_URL=resend.url):
            factories.make_provider_key(self.client_org, "resend", KEY)
            api = self.api(self.client_org)
            found: list[int] = []
            start = threading.Barrier(20)

            def add(number: int) -> None:
                start.wait()
                found.append(api.post("/domains", {"domain_name": f"mail{number}.example.org"}).status_code)

            threads = [threading.Thread(target=add, args=(number,)) for number in range(20)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
            self.assertEqual(sorted(found), [201] + [409] * 19)
            self.assertEqual(len(resend.account().domains), 1)
