"""The outbox: written with its reason, rendered for its reader, sent once, forgotten."""

from __future__ import annotations

import datetime as dt
import smtplib
from io import StringIO
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.core.management import call_command
from django.db import transaction
from django.db.models import BinaryField
from django.db.models.functions import Cast
from django.test import override_settings

from apps.core import db
from apps.core.scope import Scope, acting
from apps.mail import delivery, outbox
from apps.mail.models import Message
from apps.mail.services import erase_expired, queue_mail
from tests import factories
from tests.cases import TenantCase

CONTEXT = {"path": "/invitations/abc", "organization_name": "Bakker & Dental", "by": "Ada", "role": "Member"}


class Refusing(EmailBackend):
    error: Exception = smtplib.SMTPServerDisconnected("gone")

    def send_messages(self, messages: Any) -> int:
        raise self.error


class NoSuchPerson(Refusing):
    error = smtplib.SMTPRecipientsRefused({"x@example.com": (550, b"unknown")})


class OutboxCase(TenantCase):
    def queue(self, organization: Any = None, key: str = "one", brand: Any = None, **values: Any) -> Message:
        scope = Scope((organization.pk,)) if organization else Scope(())
        now = db.now()
        context = CONTEXT | {"valid_until": now}
        with acting(scope), transaction.atomic():
            return queue_mail(
                key=key, brand=brand or self.agency.brand, to="new@example.com", template="invitation", context=context,
                organization_id=organization and organization.pk, now=now, **values,
            )  # fmt: skip


class QueueTest(OutboxCase):
    def test_subject_text_and_html_in_the_readers_language_with_the_brands_link(self) -> None:
        row = self.queue(self.agency)
        self.assertEqual(row.subject, "Ada invites you to Bakker & Dental")
        self.assertIn("http://localhost:8000/invitations/abc", row.text)
        self.assertIn("Bakker &amp; Dental", row.html)
        self.assertNotIn("style=", row.html)

    def test_a_second_mail_under_the_same_key_is_the_first(self) -> None:
        self.assertEqual(self.queue(self.agency).pk, self.queue(self.agency).pk)
        self.assertEqual(self.queue().pk, self.queue().pk)
        with acting(Scope((self.agency.pk,))):
            self.assertEqual(Message.objects.count(), 2)

    def test_the_database_holds_no_readable_body(self) -> None:
        row = self.queue(self.agency)
        with acting(Scope((self.agency.pk,))):
            raw = Message.objects.filter(pk=row.pk).values_list(Cast("text", BinaryField()), flat=True).get()
        self.assertNotIn(b"invitations", bytes(raw))
        self.assertGreater(len(raw), 100)

    def test_another_organization_does_not_see_it(self) -> None:
        self.queue(self.agency)
        with acting(Scope((self.stranger.pk,))):
            self.assertEqual(Message.objects.count(), 0)

    def test_nothing_of_a_resellers_mail_names_the_installation(self) -> None:
        brand = factories.make_brand("bakker", "Bakker Voice", support_email="help@bakker.example")
        row = self.queue(self.client_org, brand=brand)
        email = delivery.email_of(row)
        raw = email.message().as_string()
        self.assertNotIn("switchboard", raw.lower())
        self.assertIn("Bakker Voice <no-reply@localhost>", raw)
        self.assertIn("http://bakker.localhost:8000/invitations/abc", row.text)
        self.assertEqual(email.reply_to, ["help@bakker.example"])
        self.assertTrue(email.extra_headers["Message-ID"].endswith("@localhost>"))

    def test_a_subject_never_breaks_a_header(self) -> None:
        with acting(Scope(())), transaction.atomic():
            row = queue_mail(
                key="x", brand=self.agency.brand, to="new@example.com", template="invitation", now=db.now(),
                context=CONTEXT | {"organization_name": "A\r\nBcc: all@example.com", "valid_until": db.now()},
            )  # fmt: skip
        self.assertEqual(row.subject, "Ada invites you to A Bcc: all@example.com")
        delivery.email_of(row).message()


class DeliveryTest(OutboxCase):
    def deliver(self, row: Message) -> bool:
        scope = Scope((row.organization_id,)) if row.organization_id else Scope(())
        with acting(scope):
            sent = delivery.deliver(organization_id=row.organization_id, message_id=row.pk)
            row.refresh_from_db()
        return sent

    def test_mail_of_an_organization_and_of_nobody_goes_out_once(self) -> None:
        for row in (self.queue(self.agency), self.queue()):
            self.assertTrue(self.deliver(row))
            self.assertFalse(self.deliver(row))
            self.assertEqual(row.status, "sent")
        self.assertEqual([each.subject for each in mail.outbox], ["Ada invites you to Bakker & Dental"] * 2)
        self.assertEqual(mail.outbox[0].alternatives[0].mimetype, "text/html")

    @override_settings(EMAIL_URL="smtp://mail.example")
    def test_where_mails_really_leave_bodies_are_not_kept(self) -> None:
        row = self.queue()
        self.deliver(row)
        self.assertFalse(row.text or row.html)

    @override_settings(EMAIL_BACKEND="tests.mail.test_services.Refusing")
    def test_a_broken_server_is_tried_again_with_growing_pauses_then_given_up(self) -> None:
        row = self.queue()
        pauses = []
        for _attempt in range(6):
            self.assertFalse(self.deliver(row))
            if row.next_attempt_at:
                pauses.append(round((row.next_attempt_at - row.updated_at).total_seconds() / 60))
                with acting(Scope(())):
                    Message.objects.filter(pk=row.pk).update(next_attempt_at=db.now())
        self.assertEqual(pauses, [1, 5, 30, 120, 720])
        self.assertEqual((row.status, row.attempts, row.error), ("dead", 6, "gone"))

    @override_settings(EMAIL_BACKEND="tests.mail.test_services.NoSuchPerson")
    def test_an_address_that_does_not_exist_is_given_up_at_once(self) -> None:
        row = self.queue()
        self.deliver(row)
        self.assertEqual((row.status, row.attempts), ("dead", 1))

    def test_the_operator_gives_dead_mails_another_round(self) -> None:
        row = self.queue(self.agency)
        with override_settings(EMAIL_BACKEND="tests.mail.test_services.NoSuchPerson"):
            self.deliver(row)
        call_command("retry_mails", stdout=StringIO())
        self.assertTrue(self.deliver(row))

    def test_a_sender_that_died_leaves_the_mail_due_when_its_lease_is_over(self) -> None:
        row, lease = self.queue(), dt.timedelta(minutes=5)
        now = db.now()
        with acting(Scope(())):
            self.assertIsNotNone(outbox.claim(organization_id=None, message_id=row.pk, now=now, lease=lease))
            self.assertIsNone(outbox.claim(organization_id=None, message_id=row.pk, now=now + lease / 2, lease=lease))
            self.assertIsNotNone(outbox.claim(organization_id=None, message_id=row.pk, now=now + lease, lease=lease))

    def test_old_mails_are_forgotten_waiting_ones_are_not(self) -> None:
        old, waiting = self.queue(key="old"), self.queue(key="waiting")
        self.deliver(old)
        now = db.now() + dt.timedelta(days=31)
        with acting(Scope(())):
            self.assertEqual(erase_expired(organization_id=None, now=now), 1)
            self.assertEqual(list(Message.objects.values_list("pk", flat=True)), [waiting.pk])


class MailboxTest(OutboxCase):
    def setUp(self) -> None:
        self.operator = factories.make_user("Olga", email="olga@example.com", is_superuser=True, is_staff=True)

    def test_the_operator_reads_every_mail(self) -> None:
        row, other = self.queue(self.agency), self.queue(self.stranger, key="two")
        browser = self.as_(self.operator)
        page = browser.get("/mailbox")
        self.assertContains(page, "Ada invites you to Bakker &amp; Dental", count=2)
        self.assertContains(browser.get(f"/mailbox/{other.pk}"), "/invitations/abc")
        html = browser.get(f"/mailbox/{row.pk}/html")
        self.assertIn("sandbox", html["Content-Security-Policy"])
        self.assertNotIn("unsafe", html["Content-Security-Policy"])
        self.assertIn("sha256-", html["Content-Security-Policy"])

    def test_nobody_else_learns_that_there_is_a_mailbox(self) -> None:
        row = self.queue(self.agency)
        for path in ("/mailbox", f"/mailbox/{row.pk}", f"/mailbox/{row.pk}/html"):
            for browser in (self.as_(self.ada), self.client):
                self.assertEqual(browser.get(path).status_code, 404)

    def test_there_is_none_where_mails_are_sent(self) -> None:
        with override_settings(EMAIL_URL="smtp://mail.example"):
            self.assertEqual(self.as_(self.operator).get("/mailbox").status_code, 404)
        with override_settings(DEVELOPMENT=False, BASE_URL="http://testserver"):
            self.assertEqual(self.as_(self.operator).get("/mailbox").status_code, 404)


def test_a_mail_needs_the_transaction_of_its_reason() -> None:
    with pytest.raises(RuntimeError):
        queue_mail(key="x", brand=None, to="", template="", context={}, now=dt.datetime.now(dt.UTC))  # type: ignore[arg-type]
