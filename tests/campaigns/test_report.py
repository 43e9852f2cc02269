"""The report: what it says, whose it looks like, and that it is mailed once."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django.core import mail as sent
from django.utils import translation

from apps.branding.models import Brand
from apps.campaigns.models import Campaign
from apps.campaigns.results.report import report_of
from apps.campaigns.services.reports import AFTER, reports_to_send, send_report
from apps.core.scope import Scope, acting
from apps.mail import delivery
from apps.mail.models import Message
from tests import factories
from tests.campaigns.support import NOON, running_campaign, sandbox
from tests.campaigns.test_results_page import PLAN, make_attempt, missed
from tests.cases import TenantCase
from tests.pdf import about, words_of


class ReportTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        self.brand = factories.make_brand("northwind", "Northwind Voice", primary_color="#0f766e", support_email="help@northwind.example")
        assistant = factories.make_assistant(self.client_org, name="Robin", analysis_plan=PLAN)
        self.campaign = running_campaign(self.client_org, 0, name="Frühling", assistant=assistant)
        for number, note in enumerate(("again", "again", "Jan said something private")):
            lead = self.lead("completed", "user_hangup", phone_number=f"+3161234567{number}", variables={"name": "Jan Private"})
            make_attempt(lead, {"duration_seconds": 60, "cost": 500_000, "analysis_result": {"interested": number > 0, "note": note}})
        make_attempt(self.lead("failed", "busy"), missed("busy"))

    def lead(self, status: str, result: str, **fields: Any) -> Any:
        return factories.make_lead(self.campaign, status=status, result=result, reason="finished", **fields)

    def report(self, language: str = "en", brand: Brand | None = None) -> bytes:
        with self.acting_for(self.client_org), translation.override("nl"):
            return report_of(self.campaign, brand=brand or self.brand, language=language, now=NOON)

    def test_what_it_says(self) -> None:
        with self.assertNumQueries(5):
            content = self.report()
        words = words_of(content).split("\n")
        for expected in ("Frühling", "4", "75.0%", "1:00", "1.50", "Answered", "3 · 75.0%", "Busy", "1 · 25.0%", "Analysis: Is interested", "2 · 66.7%", "Page 1"):
            self.assertIn(expected, words)
        self.assertTrue(any("Bakker Dental · Robin" in word for word in words))

    def test_nothing_that_one_person_said_and_no_number(self) -> None:
        words = words_of(self.report())
        self.assertIn("again", words)
        for private in ("Jan", "private", "+31", "1234567"):
            self.assertNotIn(private, words)

    def test_whose_it_looks_like(self) -> None:
        content = self.report()
        self.assertIn("Northwind Voice · help@northwind.example", words_of(content))
        self.assertEqual(about(content)["Producer"], "Northwind Voice")
        self.assertNotIn("Switchboard", words_of(content) + str(about(content)))
        self.assertIn("Switchboard", words_of(self.report(brand=factories.installation())))

    def test_an_empty_campaign_has_a_report(self) -> None:
        self.campaign = factories.make_campaign(self.client_org)
        self.assertIn("This campaign has no leads.", words_of(self.report()))


class MailedReportTest(TenantCase):
    def setUp(self) -> None:
        sandbox()
        self.campaign = self.completed(report_emails=["Ada@example.com", "ada@example.com ", "cleo@example.com"])

    def completed(self, **fields: Any) -> Campaign:
        values = {"status": "completed", "finished_at": NOON} | fields
        return running_campaign(self.client_org, 1, **values)

    def due(self, now: dt.datetime) -> list[Any]:
        with acting(Scope(overview=True)):
            return [campaign_id for _organization_id, campaign_id in reports_to_send(now)]

    def send(self, campaign: Campaign, now: dt.datetime = NOON + AFTER) -> int:
        with self.acting_for(self.client_org):
            return send_report(organization_id=self.client_org.pk, campaign_id=campaign.pk, now=now)

    def mails(self) -> list[Message]:
        with self.acting_for(self.client_org):
            return list(Message.objects.of(self.client_org.pk).order_by("to"))

    def test_which_reports_are_due(self) -> None:
        self.completed()
        self.completed(report_emails=["x@example.com"], status="cancelled")
        self.completed(report_emails=["x@example.com"], reported_at=NOON)
        self.completed(report_emails=["x@example.com"], deleted_at=NOON)
        self.completed(report_emails=["x@example.com"], finished_at=NOON - dt.timedelta(days=8))
        self.assertEqual(self.due(NOON + AFTER), [self.campaign.pk])
        self.assertEqual(self.due(NOON + AFTER - dt.timedelta(seconds=1)), [])

    def test_one_mail_per_address_and_never_again(self) -> None:
        self.assertEqual(self.send(self.campaign), 2)
        self.assertEqual(self.send(self.campaign), 0)
        with self.acting_for(self.client_org):
            self.campaign.change(NOON, reported_at=None)  # as if the worker had died before it noted it
        self.assertEqual(self.send(self.campaign), 2)
        self.assertEqual([row.to for row in self.mails()], ["ada@example.com", "cleo@example.com"])
        self.assertEqual(self.due(NOON + AFTER), [])

    def test_the_pdf_is_attached_and_lies_encrypted(self) -> None:
        self.send(self.campaign)
        first = self.mails()[0]
        self.assertNotIn(b"%PDF", bytes(first.__dict__["attachment"].sealed or b""))
        email = delivery.email_of(first)
        ((name, content, kind),) = email.attachments
        self.assertEqual((name, kind, content[:5]), (f"{self.campaign.name.lower().replace(' ', '-')}-results.pdf", "application/pdf", b"%PDF-"))
        self.assertIn("Report: ", first.subject)
        self.assertIn(f"/campaigns/{self.campaign.pk}/results", first.text)
        email.send()
        self.assertIn("application/pdf", str(sent.outbox[0].message()))

    def test_what_was_sent_is_not_kept(self) -> None:
        self.send(self.campaign)
        first = self.mails()[0]
        with self.acting_for(self.client_org), self.settings(EMAIL_URL="smtp://mail.example"):
            delivery.outbox.record_sent(message=first, now=NOON)
        kept = self.mails()[0]
        self.assertEqual((kept.text, kept.attachment, kept.file), ("", None, None))
