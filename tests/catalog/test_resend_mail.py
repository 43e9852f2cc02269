"""Transport `resend`: reports leave from the organization's own domain, through its own account (features 17)."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

from django.core import mail as django_mail
from django.db import transaction
from django.test import override_settings

from apps.calls.services.draft import Draft
from apps.calls.services.notify import tell_report
from apps.catalog import tasks
from apps.catalog.models import ProviderKey, SenderDomain
from apps.catalog.services.mail import deliver, transport_for
from apps.core import db
from apps.core.scope import Scope, acting
from apps.mail import delivery
from apps.mail.models import Attachment, Message
from apps.mail.services import queue_mail
from apps.mail.tasks import sweep
from apps.organizations.models import Organization
from tests import factories
from tests.cases import TenantCase
from tests.receivers import Reply
from tests.resend import KEY, Resend

DOMAIN = "mail.bakker.example"


class MailCase(TenantCase):
    def setUp(self) -> None:
        self.resend = self.enterContext(Resend())
        self.enterContext(override_settings(RESEND_API_URL=self.resend.url))

    def verified(self, organization: Organization | None = None, key: str = KEY, name: str = DOMAIN) -> SenderDomain:
        owner = organization or self.client_org
        factories.make_provider_key(owner, "resend", key)
        ident = self.resend.add(name, "verified", key=key)
        return factories.make_sender_domain(owner, domain_name=name, resend_domain_id=ident, status="verified")

    def queue(self, organization: Organization | None = None, **values: Any) -> Message:
        owner = organization or self.client_org
        context = {"organization_name": "Bakker", "by": "Cleo", "role": "Member", "valid_until": db.now(), "path": "/x"}
        with self.acting_for(owner), transaction.atomic():
            return queue_mail(
                key="one", brand=owner.brand, to="new@example.com", template="invitation", context=context,
                organization_id=owner.pk, transport="resend", now=db.now(), **values,
            )  # fmt: skip

    def deliver(self, row: Message) -> bool:
        with acting(Scope((row.organization_id,))):
            sent = deliver(organization_id=row.organization_id, message_id=row.pk)
            row.refresh_from_db()
        return sent

    def transport(self, organization: Organization) -> str:
        with self.acting_for(organization):
            return transport_for(organization)


class ChoiceTest(MailCase):
    def test_a_verified_domain_and_an_own_working_key_are_both_needed(self) -> None:
        self.assertEqual(self.transport(self.client_org), "operator")
        domain = self.verified()
        with self.acting_for(self.client_org), self.assertNumQueries(1):
            self.assertEqual(transport_for(self.client_org), "resend")
        self.assertEqual((self.transport(self.agency), self.transport(self.stranger)), ("operator", "operator"))
        with self.acting_for(self.client_org):
            ProviderKey.objects.update(broken_at=db.now())
        self.assertEqual(self.transport(self.client_org), "operator")
        with self.acting_for(self.client_org):
            ProviderKey.objects.all().delete()
        factories.make_provider_key(self.agency, "resend", KEY)
        self.assertEqual(self.transport(self.client_org), "operator")
        factories.make_provider_key(self.client_org, "resend", KEY)
        with self.acting_for(self.client_org):
            domain.change(db.now(), status="pending")
        self.assertEqual(self.transport(self.client_org), "operator")

    def test_the_report_of_a_call_takes_it(self) -> None:
        call = factories.make_call(self.client_org, config={"notification_email": "office@bakker.example"})
        for transport in ("operator", "resend"):
            with self.acting_for(self.client_org), transaction.atomic():
                Message.objects.all().delete()
                tell_report(Draft(call, db.now()).call, {"summary": "An appointment."}, at=db.now(), now=db.now())
                self.assertEqual([row.transport for row in Message.objects.all()], [transport])
            if transport == "operator":
                self.verified()


class DeliveryTest(MailCase):
    def test_it_leaves_from_the_domain_with_the_messages_id_as_key(self) -> None:
        self.verified()
        row = self.queue()
        self.assertTrue(self.deliver(row))
        self.assertFalse(self.deliver(row))
        sent = self.resend.received
        self.assertEqual([each.path for each in sent], ["/emails"])
        self.assertEqual((sent[0].headers["authorization"], sent[0].headers["idempotency-key"]), (f"Bearer {KEY}", str(row.pk)))
        mail = self.resend.account().mails[0]
        self.assertEqual(
            (mail["from"], mail["to"], mail["subject"]),
            (f"Bakker Dental <no-reply@{DOMAIN}>", ["new@example.com"], "Cleo invites you to Bakker"),
        )
        self.assertIn("/x", mail["text"])
        self.assertIn("<html", mail["html"])
        self.assertNotIn("switchboard", (mail["from"] + str(sent[0].headers)).lower())
        self.assertEqual((row.status, row.text, row.html), ("sent", "", ""))

    def test_a_file_goes_with_it_and_is_not_kept(self) -> None:
        self.verified()
        row = self.queue(attachment=Attachment("report.pdf", b"%PDF-1.7 \x00\xff"))
        self.assertTrue(self.deliver(row))
        (sent,) = self.resend.account().mails[0]["attachments"]
        self.assertEqual((sent["filename"], base64.b64decode(sent["content"])), ("report.pdf", b"%PDF-1.7 \x00\xff"))
        self.assertIsNone(row.attachment)
        self.assertEqual(django_mail.outbox, [])

    def test_a_lost_answer_sends_one_mail(self) -> None:
        self.verified()
        row = self.queue()
        answer = self.resend.reply

        def lose(got: Any) -> Reply:
            answer(got)  # type: ignore[operator]
            return Reply(cut=True)

        self.resend.reply = lose
        self.assertFalse(self.deliver(row))
        self.assertEqual((row.status, row.transport, row.attempts), ("waiting", "resend", 1))
        self.resend.reply = answer
        self.due(row)
        self.assertTrue(self.deliver(row))
        self.assertEqual((len(self.resend.received), len(self.resend.account().mails)), (2, 1))

    def due(self, row: Message) -> None:
        with acting(Scope((row.organization_id,))):
            row.change(db.now(), next_attempt_at=db.now() - dt.timedelta(seconds=1))

    def test_what_does_not_work_just_now_waits_in_the_outbox(self) -> None:
        self.verified()
        row = self.queue()
        for number, status in enumerate((429, 500, 503, 409, 429), 1):
            self.resend.refuse(status)
            before = db.now()
            self.assertFalse(self.deliver(row))
            self.assertEqual((row.status, row.transport, row.attempts), ("waiting", "resend", number))
            self.assertGreaterEqual(row.next_attempt_at, before + delivery.PAUSES[number - 1])
            self.assertFalse(self.deliver(row))  # not due
            self.due(row)
        self.assertFalse(self.deliver(row))
        self.assertEqual(row.status, "dead")

    def test_a_mail_that_is_never_taken_is_given_up(self) -> None:
        self.verified()
        row = self.queue()
        self.resend.refuse(422, "validation_error", "Invalid `to` field.")
        self.deliver(row)
        self.assertEqual((row.status, row.transport), ("dead", "resend"))
        self.assertIn("Invalid `to` field.", row.error)

    def test_without_domain_key_or_right_the_operators_server_sends_it(self) -> None:
        domain = self.verified()
        row = self.queue()
        cases: list[Any] = [
            lambda: self.resend.account().domains.clear(),  # 403: not verified there any more
            lambda: self.resend.refuse(401, "missing_api_key"),
            lambda: domain.change(db.now(), status="failed"),
            lambda: ProviderKey.objects.all().delete(),
        ]
        for spoil in cases:
            with acting(Scope((self.client_org.pk,))):
                row.change(db.now(), transport="resend", status="waiting", next_attempt_at=db.now())
                spoil()
            self.assertFalse(self.deliver(row))
            self.assertEqual((row.status, row.transport, row.attempts), ("waiting", "operator", 0))
        with acting(Scope((self.client_org.pk,))):
            self.assertTrue(delivery.deliver(organization_id=self.client_org.pk, message_id=row.pk))
        self.assertEqual([each.to for each in django_mail.outbox], [["new@example.com"]])

    def test_a_refused_key_is_marked_and_its_owners_mailed_by_the_operator(self) -> None:
        self.verified()
        row = self.queue()
        self.resend.refuse(403, "invalid_api_key")
        self.deliver(row)
        with self.acting_for(self.client_org):
            self.assertIsNotNone(ProviderKey.objects.get().broken_at)
            told = Message.objects.exclude(pk=row.pk).get()
        self.assertEqual((told.to, told.transport), ("cleo@example.com", "operator"))
        self.assertNotIn(KEY, told.text)

    def test_each_transport_claims_its_own(self) -> None:
        self.verified()
        row = self.queue()
        with acting(Scope((self.client_org.pk,))):
            self.assertFalse(delivery.deliver(organization_id=self.client_org.pk, message_id=row.pk))
        sweep()
        self.assertEqual(django_mail.outbox, [])
        with acting(Scope((self.client_org.pk,))):
            row.change(db.now(), transport="operator")
        self.assertFalse(self.deliver(row))
        self.assertEqual(self.resend.received, [])

    def test_each_organization_sends_through_its_own_account(self) -> None:
        self.verified()
        self.verified(self.stranger, "re_dov", "dove.example")
        for row in (self.queue(), self.queue(self.stranger)):
            self.assertTrue(self.deliver(row))
        self.assertEqual([mail["from"] for mail in self.resend.account().mails], [f"Bakker Dental <no-reply@{DOMAIN}>"])
        self.assertEqual([mail["from"] for mail in self.resend.account("re_dov").mails], ["Dove and Co <no-reply@dove.example>"])

    def test_a_strangers_scope_claims_nothing(self) -> None:
        self.verified()
        row = self.queue()
        with acting(Scope((self.stranger.pk,))):
            self.assertFalse(deliver(organization_id=self.client_org.pk, message_id=row.pk))
        self.assertEqual(self.resend.received, [])

    def test_the_task_sends_in_the_tenants_scope(self) -> None:
        self.verified()
        row = self.queue()
        tasks.send_mail(str(self.client_org.pk), str(row.pk))
        self.assertEqual(len(self.resend.account().mails), 1)
