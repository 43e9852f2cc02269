"""The night: each store of content and metadata against the organization's periods (platform 6, webhooks 10), and GDPR mode."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.core import mail as sent
from django.test import override_settings

from apps.calls.models import Call, CallEvent, EngineErasure, EngineEvent, Recording
from apps.campaigns.models import Attempt, Lead, Upload
from apps.chats.models import ChatMessage
from apps.core import db
from apps.core.scope import Scope, acting
from apps.dashboard.tasks import erase_expired, erase_expired_of
from apps.mail.delivery import deliver as send_mail
from apps.mail.models import PRIVATE, Message
from apps.mail.outbox import record_failure, revive
from apps.webhooks.models import Delivery
from apps.webhooks.services import deliver
from tests import factories
from tests.calls.support import FEATURES, apply, event, make_connection, post, running_call, scope_of, talk
from tests.calls.test_live import LiveCase
from tests.cases import TenantCase
from tests.dashboard.person import Traces, scan
from tests.recordings import FileEngine, OwnFiles


class NightCase(TenantCase):
    def setUp(self) -> None:
        self.enterContext(OwnFiles())
        self.engine = self.enterContext(FileEngine())
        self.connection = make_connection(features=[*FEATURES, "recordings"], base_url=self.engine.url)
        with self.acting_for(self.stranger):
            Traces(self.stranger, self.connection)
        self.enterContext(scope_of(self.client_org))
        self.ours = Traces(self.client_org, self.connection)

    def age(self, days: float) -> None:
        """Everything of ours happened so many days earlier."""
        by = dt.timedelta(days=days)
        old = {"ended_at": db.now() - by}
        Call.objects.update(**old)
        for model in (ChatMessage, Delivery, EngineEvent, Upload):
            model.objects.filter(organization_id=self.client_org.pk).update(created_at=db.now() - by)
        Message.objects.of(self.client_org.pk).update(created_at=db.now() - by, status="sent")

    def night(self) -> None:
        erase_expired_of(str(self.client_org.pk))


class PeriodsTest(NightCase):
    def test_before_the_period_is_over_nothing_goes(self) -> None:
        before = scan(self.client_org)
        self.age(29)
        self.night()
        self.assertEqual(scan(self.client_org), before)
        self.assertEqual(EngineErasure.objects.count(), 0)

    def test_content_goes_first(self) -> None:
        theirs = scan(self.stranger)
        self.age(91)
        self.night()
        for call in Call.objects.all():
            content = (call.summary, call.messages, call.turns, call.tool_calls, call.analysis_result, call.recording_url)
            self.assertEqual(content, (None, None, None, None, None, ""))
            self.assertIsNotNone(call.other_number)
        self.assertEqual(set(Recording.objects.values_list("status", flat=True)), {"erased"})
        self.assertEqual(EngineErasure.objects.count(), 2)
        self.assertEqual((ChatMessage.objects.count(), Delivery.objects.count(), EngineEvent.objects.count()), (0, 0, 0))
        self.assertEqual(Message.objects.of(self.client_org.pk).count(), 0)
        self.assertEqual(CallEvent.objects.filter(kind="consent").count(), 2)
        self.assertEqual(scan(self.stranger), theirs)

    def test_what_is_still_kept_can_still_be_found(self) -> None:
        self.age(91)
        self.night()
        with_number = Call.objects.filter(pk=self.ours.calls[0].pk).first()
        assert with_number is not None
        self.assertIn("31612345678", str(Call.objects.values_list("search", flat=True).get(pk=with_number.pk)))
        self.assertNotIn("appointment", str(with_number.search))

    def test_metadata_goes_later(self) -> None:
        self.age(366)
        Lead.objects.update(updated_at=db.now() - dt.timedelta(days=366), status="completed")
        self.night()
        for call in Call.objects.all():
            about = (call.other_number, call.metadata, call.reference, call.ref, call.config, call.origin in ("campaign", "page"))
            self.assertEqual(about, (None, None, None, None, {}, True))
            self.assertEqual((call.duration_seconds, call.key), (84, f"erased:{call.pk}"))
        self.assertEqual((CallEvent.objects.count(), Lead.objects.count(), Attempt.objects.count(), Upload.objects.count()), (0, 0, 0, 0))
        self.assertEqual(scan(self.client_org), [
            "calls_call.error", "calls_donotcall.phone_number", "calls_donotcall.reason",
            # A list's file of today: its refused rows go after a month.
            "calls_refusalupload.bad_rows", "calls_refusalupload.filename", "organizations_job.data", "organizations_job.error",
            "organizations_storedanswer.body", "organizations_storedanswer.key",
        ])  # fmt: skip

    def test_shorter_periods_work_from_the_next_night(self) -> None:
        self.age(31)
        self.client_org.change(db.now(), content_retention_days=30, metadata_retention_days=30)
        self.night()
        self.assertEqual(list(Call.objects.exclude(other_number=None)), [])
        self.assertEqual(list(Call.objects.exclude(messages=None)), [])

    def test_a_night_after_the_night_changes_nothing(self) -> None:
        self.age(400)
        self.night()
        before = list(Call.objects.order_by("pk").values_list("updated_at", flat=True))
        self.night()
        self.assertEqual(list(Call.objects.order_by("pk").values_list("updated_at", flat=True)), before)

    def test_leads_in_campaigns_that_go_on(self) -> None:
        limit = db.now() - dt.timedelta(days=366)
        Lead.objects.all().delete()
        running, paused = (factories.make_campaign(self.client_org, status=each) for each in ("scheduled", "paused"))
        for campaign in (running, paused):
            for status in ("pending", "completed", "calling"):
                factories.make_lead(campaign, status=status, variables={"name": f"{campaign.status} {status}"})
        Lead.objects.update(updated_at=limit)
        factories.make_lead(running, status="completed", variables={"name": "new"})
        type(paused).objects.filter(pk=paused.pk).update(updated_at=limit)
        self.night()
        names = sorted(lead.variables["name"] for lead in Lead.objects.all())
        self.assertEqual(names, ["new", "paused calling", "scheduled calling", "scheduled pending"])

    def test_a_proof_of_consent_goes_with_its_period(self) -> None:
        Call.objects.update(metadata_erased_at=db.now(), ended_at=db.now() - dt.timedelta(days=300))
        self.night()
        self.assertEqual(CallEvent.objects.filter(kind="consent").count(), 2)
        Call.objects.update(ended_at=db.now() - dt.timedelta(days=366))
        self.night()
        self.assertEqual(CallEvent.objects.filter(kind="consent").count(), 0)

    def test_events_of_nobody_go_after_a_month(self) -> None:
        with acting(Scope(())):
            for key, days in (("old", 31), ("new", 29)):
                row = EngineEvent.objects.create(connection=self.connection, key=key, type="status-update", body="{}")
                EngineEvent.objects.filter(pk=row.pk).update(created_at=db.now() - dt.timedelta(days=days))
        erase_expired()
        with acting(Scope(())):
            self.assertEqual([row.key for row in EngineEvent.objects.all()], ["new"])


class GdprModeTest(TenantCase):
    """A call under GDPR mode: its content reaches the report and the e-mail, and no column of ours afterwards."""

    CANARY = "Purple-elephant"

    def setUp(self) -> None:
        self.connection = make_connection(features=[*FEATURES, "recordings"])
        self.enterContext(scope_of(self.client_org))
        self.client_org.change(db.now(), webhook_url="http://127.0.0.1:9/hook", webhook_secret="whsec_x", records_calls=True)

    def run_call(self, **fields: Any) -> Call:
        assistant = factories.make_assistant(self.client_org, notification_email="desk@example.com", **fields)
        call = running_call(self.client_org, self.connection, assistant=assistant)
        post(self.connection, event("tool-calls", call, tool_call_list=[
            {"id": "t1", "type": "function", "function": {"name": "look_up", "arguments": {"said": self.CANARY}}},
        ]))  # fmt: skip
        for message in talk(call):
            text = json.dumps(message).replace("Good morning.", self.CANARY).replace("Caller wants", self.CANARY)
            message = json.loads(text)
            if message["type"] == "end-of-call-report":
                message |= {"analysis": {"said": self.CANARY}, "analysis_done": True, "recording": {"url": f"https://e.example.org/{self.CANARY}.wav"}}
            post(self.connection, message)
        apply(call)
        return call

    def where(self) -> list[str]:
        return scan(self.client_org, text=self.CANARY)

    def test_nothing_is_kept_after_delivery(self) -> None:
        call = self.run_call(gdpr_mode=True)
        self.assertEqual((call.is_private, call.duration_seconds, call.status), (True, 84, "ended"))
        self.assertEqual(self.where(), ["mail_message.html", "mail_message.text", "webhooks_delivery.body"])
        report = Delivery.objects.get(event="end-of-call-report")
        body = json.loads(report.body)["message"]
        self.assertEqual(body["recording_url"], f"https://e.example.org/{self.CANARY}.wav")
        self.assertFalse(Recording.objects.exists())
        message = Message.objects.of(self.client_org.pk).get()
        self.assertTrue(message.key.startswith(PRIVATE))
        with override_settings(EMAIL_URL=""):  # where mails stay in the house, other mails keep their text
            self.assertTrue(send_mail(organization_id=self.client_org.pk, message_id=message.pk))
        self.assertIn(self.CANARY, sent.outbox[0].body)
        self.assertEqual(self.where(), ["webhooks_delivery.body"])
        for row in Delivery.objects.order_by("id"):
            Delivery.objects.filter(pk=row.pk).update(attempt_count=7)
            deliver(delivery_id=row.pk, now=db.now())  # nobody listens there: this was the last attempt
        self.assertEqual(self.where(), [])
        self.assertEqual(set(Delivery.objects.filter(event="end-of-call-report").values_list("status", flat=True)), {"dead"})

    def test_the_same_without_gdpr_mode_is_kept(self) -> None:
        """The scan sees the canary where it may stand, so that not seeing it means something."""
        self.run_call(gdpr_mode=False)
        where = set(self.where())
        self.assertLessEqual({"calls_call.messages", "calls_call.summary", "calls_call.tool_calls", "calls_call.recording_url"}, where)

    def test_a_mail_that_is_given_up_keeps_nothing_and_is_not_revived(self) -> None:
        self.run_call(gdpr_mode=True)
        message = Message.objects.of(self.client_org.pk).get()
        record_failure(message=message, error="refused", again_at=None, now=db.now())
        message.refresh_from_db()
        self.assertEqual((message.status, message.text, message.html), ("dead", "", ""))
        self.assertEqual(revive(now=db.now()), 0)

    def test_the_api_shows_nothing(self) -> None:
        call = self.run_call(gdpr_mode=True)
        body = self.api(self.client_org).get(f"/calls/{call.public_id}").json()
        shown = {name: body[name] for name in ("messages", "summary", "analysis_result", "recording_url")}
        self.assertEqual(shown, dict.fromkeys(shown))


class ConsentTest(LiveCase):
    """Recording consent against the sandbox: recorded is what agreed, and the proof stands in the timeline."""

    def test_an_inbound_call_that_agreed_is_recorded_and_the_proof_kept(self) -> None:
        from_ = "+447700900001"
        self.assistant.change(db.now(), recording_consent={"enabled": True, "message": "Press 1 to agree."})
        ref = self.sandbox._call("POST", "/simulate/inbound", json={"to": self.number.phone_number, "from": from_, "outcome": "answered"})["call_id"]
        call = self.find(ref)
        call = self.wait(call, lambda call: call.report_at)
        values = list(CallEvent.objects.filter(call=call, kind="consent").order_by("at").values_list("data__value", flat=True))
        self.assertEqual(values, ["asked", "given"])
        self.assertEqual(Recording.objects.filter(call=call).count(), 1)
        page = self.as_(self.cleo).get(f"/o/{self.client_org.slug}/calls/{call.public_id}").content.decode()
        self.assertIn("Consent to recording", page)

    def find(self, ref: str) -> Call:
        for _each in range(200):
            if call := Call.objects.filter(ref=ref).first():
                return call
            self.sandbox._call("GET", "/engine")
        raise AssertionError("the inbound call never came")
