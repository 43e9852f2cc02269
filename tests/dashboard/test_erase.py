"""Erasing a person by phone number: nothing is left in any column, nothing of others is touched, a crash changes nothing."""

from __future__ import annotations

import datetime as dt
import json
import os
import signal
import subprocess
import sys
from typing import Any

from apps.billing.models import LedgerEntry
from apps.calls.models import Call, CallEvent, DoNotCall, EngineErasure, Recording
from apps.calls.refusals import refused_among
from apps.calls.services import engine_content, fetching
from apps.campaigns.models import Attempt, Lead, Upload
from apps.chats.models import ChatMessage
from apps.core import db
from apps.dashboard import erasure
from apps.dashboard.erasure import open_erasures, run_erasure, search_person, start_erasure
from apps.mail.models import Message
from apps.organizations.models import AuditEntry, Job
from apps.organizations.services import SYSTEM
from apps.webhooks.models import Delivery
from tests import factories
from tests.calls.support import FEATURES, make_connection, scope_of
from tests.cases import CommittedCase, TenantCase
from tests.dashboard.person import NUMBER, Traces, scan
from tests.recordings import FileEngine, OwnFiles
from tests.web import _test_database

# What the client's traces come to.
FOUND = {
    "calls": 2, "transcripts": 2, "recordings": 2, "running": 0, "do_not_call": 1, "leads": 2, "chats": 1, "deliveries": 2, "mails": 1,
}  # fmt: skip
ERASED = {
    "calls": 2, "transcripts": 2, "recordings": 2, "leads": 2, "uploads": 2, "chats": 1, "deliveries": 3, "mails": 2, "answers": 2,
    "engine": 2,
}  # fmt: skip


class ErasureCase(TenantCase):
    def setUp(self) -> None:
        self.folder = self.enterContext(OwnFiles())
        self.engine = self.enterContext(FileEngine())
        self.connection = make_connection(features=[*FEATURES, "recordings"], base_url=self.engine.url)
        with self.acting_for(self.stranger):
            self.theirs = Traces(self.stranger, self.connection)
        self.enterContext(scope_of(self.client_org))
        self.ours = Traces(self.client_org, self.connection)

    def erase(self, *, keeps_refusal: bool = False) -> Job:
        """From the request to the receipt, the engine included."""
        job = start_erasure(organization=self.client_org, number=NUMBER, keeps_refusal=keeps_refusal, by=SYSTEM)
        run_erasure(organization_id=self.client_org.pk, job_id=job.pk)
        for organization_id, erasure_id in engine_content.due_erasures(db.now()):
            engine_content.erase_at_engine(organization_id=organization_id, erasure_id=erasure_id)
        run_erasure(organization_id=self.client_org.pk, job_id=job.pk)
        job.refresh_from_db()
        return job


class EraseTest(ErasureCase):
    def test_the_traces_are_everywhere(self) -> None:
        """What the scan has to find is there at first: else finding nothing would prove nothing."""
        self.assertEqual(scan(self.client_org), [
            "calls_call.analysis_result", "calls_call.config", "calls_call.error", "calls_call.messages", "calls_call.metadata",
            "calls_call.other_number", "calls_call.reference", "calls_call.search", "calls_call.summary", "calls_call.tool_calls",
            "calls_call.turns", "calls_callcommand.body", "calls_callevent.data", "calls_donotcall.phone_number", "calls_donotcall.reason",
            "calls_engineevent.answer", "calls_engineevent.body", "calls_refusalupload.bad_rows", "calls_refusalupload.filename",
            "campaigns_lead.phone_number", "campaigns_lead.variables",
            "campaigns_upload.bad_rows", "campaigns_upload.content", "chats_chatmessage.contact_id", "chats_chatmessage.content",
            "chats_chatmessage.metadata", "mail_message.html", "mail_message.text", "organizations_job.data", "organizations_job.error",
            "organizations_storedanswer.body", "organizations_storedanswer.key", "webhooks_attempt.answer", "webhooks_attempt.error",
            "webhooks_delivery.body",
        ])  # fmt: skip

    def test_nothing_is_left_in_any_column(self) -> None:
        before = scan(self.stranger)
        job = self.erase()
        self.assertEqual(job.status, "done")
        self.assertEqual(scan(self.client_org), [])
        self.assertEqual(scan(self.stranger), before)
        found = search_person(organization=self.client_org, number=NUMBER, now=db.now())
        self.assertEqual(found, dict.fromkeys(FOUND, 0))

    def test_the_number_stays_on_the_do_not_call_list_when_that_is_wanted(self) -> None:
        job = self.erase(keeps_refusal=True)
        self.assertEqual(scan(self.client_org), [])
        listed = DoNotCall.objects.for_organization(self.client_org).filter(source="erasure")
        self.assertEqual([(row.phone_number, row.reason, row.call_id) for row in listed], [(None, "", "")])
        self.assertEqual(refused_among(self.client_org, [NUMBER], db.now()), {NUMBER})
        self.assertEqual((job.status, job.data["is_refused"], job.data["counts"].get("do_not_call", 0)), ("done", True, 0))

    def test_the_search_counts_by_kind(self) -> None:
        self.assertEqual(search_person(organization=self.client_org, number=NUMBER, now=db.now()), FOUND)

    def test_the_receipt_says_what_and_not_who(self) -> None:
        job = self.erase()
        counts = dict(job.data["counts"])
        self.assertGreater(counts.pop("mentions"), 5)
        self.assertEqual(counts, ERASED | {"do_not_call": 1})
        self.assertEqual(sorted(job.data), ["by", "counts", "digest", "finished_at", "is_refused", "keeps_refusal", "round"])
        self.assertEqual(job.data["digest"], erasure.digest_of(self.client_org, NUMBER))
        self.assertNotEqual(job.data["digest"], erasure.digest_of(self.stranger, NUMBER))
        entry = AuditEntry.objects.get(action="person.erase")
        self.assertEqual((entry.data, entry.target), ({"receipt": str(job.pk)}, ""))

    def test_what_others_said_stays_without_the_number(self) -> None:
        self.erase()
        call = Call.objects.get(pk=self.ours.other.pk)
        self.assertEqual((call.summary, call.other_number), ("Asks to call [erased].", "+31687654321"))
        self.assertEqual(call.messages, [{"role": "user", "content": "You can reach me at [erased], or [erased]."}])
        self.assertEqual(call.config["name"], "Front desk")
        self.assertEqual([row.content for row in ChatMessage.objects.all()], ["You can reach me at [erased], or [erased]."])
        self.assertEqual(sorted(row.key for row in Message.objects.of(self.client_org.pk)), ["notice:2"])
        self.assertEqual(list(DoNotCall.objects.values_list("phone_number", "reason")), [("+31698765432", "Works with [erased]")])
        self.assertEqual([bytes(row.bad_rows).decode("utf-8-sig") for row in Upload.objects.all()], ["Phone;Why\r\n061234567;short\r\n"])

    def test_money_and_the_proof_of_consent_stay(self) -> None:
        before = list(LedgerEntry.objects.order_by("id").values_list("key", "amount"))
        self.erase()
        self.assertEqual(list(LedgerEntry.objects.order_by("id").values_list("key", "amount")), before)
        mine = CallEvent.objects.filter(call__in=[call.pk for call in self.ours.calls])
        self.assertEqual([(row.kind, row.data) for row in mine], [("consent", {"value": "given"})] * 2)
        call = Call.objects.get(pk=self.ours.calls[0].pk)
        self.assertEqual((call.duration_seconds, call.origin, call.ref, call.key), (84, "campaign", None, f"erased:{call.pk}"))

    def test_files_and_the_engines_copy_go_too(self) -> None:
        self.erase()
        fetching.remove_erased(organization=self.client_org)
        self.assertEqual(fetching.files.names_of(self.client_org.pk), [])
        self.assertEqual(len(fetching.files.names_of(self.stranger.pk)), 2)
        self.assertEqual(set(Recording.objects.values_list("status", flat=True)), {"erased"})
        asked = sorted((method, path) for method, path, _key in self.engine.asked)
        self.assertEqual(asked, [("DELETE", f"/calls/eng-{each}-bakker-dental/content") for each in ("inbound", "outbound")])

    def test_what_was_on_its_way_out_is_given_up(self) -> None:
        self.erase()
        rows = Delivery.objects.order_by("id")
        self.assertEqual({(row.status, row.body, row.erased_at is not None) for row in rows}, {("delivered", "", True), ("dead", "", True)})

    def test_leads_are_gone_before_anything_can_dial_them(self) -> None:
        self.assertEqual(list(erasure.PARTS), ["chats", "campaigns", "webhooks", "mail", "organizations", "calls"])
        self.erase()
        self.assertEqual((Lead.objects.filter(phone_number=NUMBER).count(), Attempt.objects.count(), Lead.objects.count()), (0, 0, 2))

    def test_an_engine_that_is_down_keeps_the_erasure_open(self) -> None:
        self.engine.answers = [503, 503]
        job = self.erase()
        self.assertEqual((job.status, job.data["left"]), ("running", {"engine": 2}))
        self.assertEqual(scan(self.client_org), [])
        EngineErasure.objects.update(next_attempt_at=db.now())
        for organization_id, erasure_id in engine_content.due_erasures(db.now()):
            engine_content.erase_at_engine(organization_id=organization_id, erasure_id=erasure_id)
        self.assertTrue(run_erasure(organization_id=self.client_org.pk, job_id=job.pk))

    def test_a_running_call_is_erased_when_it_has_ended(self) -> None:
        call = factories.make_call(self.client_org, other_number=NUMBER, status="in-progress", ended_at=None, connection=self.connection, ref="eng-9")
        job = self.erase()
        self.assertEqual((job.status, job.data["left"]["running"], job.data["round"]), ("running", 1, 3))
        Call.objects.filter(pk=call.pk).update(status="ended", ended_at=db.now(), settled_at=db.now())
        self.assertEqual(open_erasures(db.now()), [])
        self.assertEqual(open_erasures(db.now() + dt.timedelta(seconds=61)), [(self.client_org.pk, job.pk)])
        run_erasure(organization_id=self.client_org.pk, job_id=job.pk)
        EngineErasure.objects.all().delete()
        self.assertTrue(run_erasure(organization_id=self.client_org.pk, job_id=job.pk))
        job.refresh_from_db()
        self.assertEqual((job.data["counts"]["calls"], scan(self.client_org)), (3, []))

    def test_twice_is_once(self) -> None:
        one = start_erasure(organization=self.client_org, number=NUMBER, keeps_refusal=False, by=SYSTEM)
        two = start_erasure(organization=self.client_org, number=NUMBER, keeps_refusal=False, by=SYSTEM)
        self.assertEqual(one.pk, two.pk)
        done = self.erase()
        before = dict(done.data)
        self.assertTrue(run_erasure(organization_id=self.client_org.pk, job_id=done.pk))
        done.refresh_from_db()
        self.assertEqual(done.data, before)

    def test_the_number_is_never_in_the_clear_in_the_job(self) -> None:
        job = start_erasure(organization=self.client_org, number=NUMBER, keeps_refusal=False, by=SYSTEM)
        self.assertNotIn("612345678", json.dumps(job.data))
        self.assertNotIn("612345678", json.dumps(self.erase().data))


class PageTest(ErasureCase):
    def path(self, tail: str = "") -> str:
        return f"/o/{self.client_org.slug}/settings/privacy/erase{tail}"

    def search(self, number: str, user: Any = None) -> Any:
        return self.as_(user or self.cleo).post(self.path(), {"phone_number": number})

    def start(self, typed: str, **fields: str) -> Any:
        return self.as_(self.cleo).post(self.path("/start"), {"phone_number": NUMBER, "typed": typed, **fields})

    def test_from_the_search_to_the_receipt(self) -> None:
        found = self.search("06 1234 5678")
        self.assertContains(found, "+31 6 12345678")
        self.assertContains(found, "Type the number again")
        answer = self.start("+31612345678", keeps_refusal="on")
        job = Job.objects.get(kind=erasure.KIND)
        self.assertRedirects(answer, self.path(f"/{job.pk}"), fetch_redirect_response=False)
        page = self.as_(self.cleo).get(self.path(f"/{job.pk}"))
        self.assertContains(page, "is being erased")
        self.assertContains(page, 'hx-trigger="every 2s"')
        self.assertEqual(self.as_(self.cleo).get(self.path(f"/{job.pk}/receipt.json")).status_code, 404)
        run_erasure(organization_id=self.client_org.pk, job_id=job.pk)
        EngineErasure.objects.all().delete()
        run_erasure(organization_id=self.client_org.pk, job_id=job.pk)
        page = self.as_(self.cleo).get(self.path(f"/{job.pk}"))
        self.assertContains(page, "nothing is left but the entry on the do-not-call list")
        self.assertNotContains(page, "612345678")
        file = self.as_(self.cleo).get(self.path(f"/{job.pk}/receipt.json"))
        receipt = json.loads(file.content)
        self.assertEqual((receipt["erased"]["calls"], receipt["left"], receipt["kept_on_do_not_call_list"]), (2, 0, True))
        self.assertEqual(receipt["number_digest"], f"hmac-sha256:{erasure.digest_of(self.client_org, NUMBER)}")
        self.assertNotIn("612345678", file.content.decode())
        again = self.search(NUMBER)
        self.assertContains(again, "This number was erased")

    def test_the_confirmation_is_the_number_itself(self) -> None:
        for typed in ("", "+31612345679", "yes", NUMBER + "0"):
            answer = self.start(typed)
            self.assertEqual(answer.status_code, 422, typed)
            self.assertContains(answer, "+31 6 12345678", status_code=422)
        self.assertFalse(Job.objects.filter(kind=erasure.KIND).exists())

    def test_what_is_no_number_or_our_own_is_refused(self) -> None:
        factories.make_number(self.client_org, phone_number="+31201234567")
        for text, words in (("", "required"), ("Sam", "not a phone number"), ("+31201234567", "one of your own")):
            answer = self.search(text)
            self.assertContains(answer, words, status_code=422)

    def test_a_number_that_nobody_knows(self) -> None:
        answer = self.search("+31699999999")
        self.assertContains(answer, "Nothing is kept about this number")
        self.assertNotContains(answer, "Erase for good")

    def test_only_admins_and_only_their_own(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "member")
        job = start_erasure(organization=self.client_org, number=NUMBER, keeps_refusal=False, by=SYSTEM)
        for tail in ("", f"/{job.pk}", f"/{job.pk}/receipt.json"):
            self.assertEqual(self.as_(viewer).get(self.path(tail)).status_code, 403)
            self.assertEqual(self.as_(self.dov).get(self.path(tail)).status_code, 404)
        self.assertEqual(self.search(NUMBER, viewer).status_code, 403)
        theirs = self.as_(self.dov).get(f"/o/{self.stranger.slug}/settings/privacy/erase/{job.pk}")
        self.assertEqual(theirs.status_code, 404)

    def test_the_same_number_of_queries_for_one_and_three_receipts(self) -> None:
        browser, counts = self.as_(self.cleo), []
        browser.get(self.path())
        for more in (1, 2):
            for _each in range(more):
                factories._make(Job, self.client_org, kind=erasure.KIND, status="done", data={"by": "Cleo", "digest": "x"})
            with self.assertNumQueries(QUERIES):
                counts.append(browser.get(self.path()).content.decode().count("/settings/privacy/erase/0"))
        self.assertEqual(counts, [1, 3])


QUERIES = 12


class KilledTest(CommittedCase):
    """A worker process that dies in the middle of the part of calls: what was done counts once, the rest is done after."""

    def test_kill_nine_midway(self) -> None:
        folder = self.enterContext(OwnFiles())
        connection = make_connection(features=FEATURES)
        self.enterContext(scope_of(self.client_org))
        Traces(self.client_org, connection)
        job = start_erasure(organization=self.client_org, number=NUMBER, keeps_refusal=False, by=SYSTEM)
        ids = [str(self.client_org.pk), str(self.agency.pk), str(job.pk), str(folder)]
        environment = {**os.environ, "DATABASE_URL": _test_database(), "DATABASE_POOL": "0"}
        process = subprocess.Popen([sys.executable, "-c", WORKER, *ids], env=environment, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        assert process.stdout is not None
        self.assertEqual(process.stdout.readline(), "calls erased, not committed\n")
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdout.close()
        job.refresh_from_db()
        self.assertEqual((job.data["done"], job.status), (["chats", "campaigns", "webhooks", "mail", "organizations"], "running"))
        self.assertIn("calls_call.other_number", scan(self.client_org))
        self.assertTrue(run_erasure(organization_id=self.client_org.pk, job_id=job.pk))
        job.refresh_from_db()
        counts = {name: count for name, count in job.data["counts"].items() if name != "mentions"}
        self.assertEqual(counts, ERASED | {"do_not_call": 1, "engine": 0})
        self.assertEqual(scan(self.client_org), [])


WORKER = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from pathlib import Path
from uuid import UUID
from django.conf import settings
settings.DATA_DIR = Path(sys.argv[4])
from apps.core.scope import Scope, acting
from apps.dashboard import erasure
real = erasure.PARTS["calls"]
def dies(who):
    real(who)
    print("calls erased, not committed", flush=True)
    time.sleep(60)
erasure.PARTS["calls"] = dies
with acting(Scope((UUID(sys.argv[1]), UUID(sys.argv[2])))):
    erasure.run_erasure(organization_id=sys.argv[1], job_id=sys.argv[3])
"""
