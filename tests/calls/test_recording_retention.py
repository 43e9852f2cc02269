"""Recordings erased: the file here, the content at the engine, and what no row knows."""

from __future__ import annotations

import datetime as dt
import hashlib

from django.test import Client

from apps.calls.models import Call, CallEvent, EngineErasure, Recording
from apps.calls.services import engine_content, fetching
from apps.calls.services.erase import erase_expired, erase_organization
from apps.core import db
from apps.core.db import writes
from tests.calls.recording_case import SOUND, RecordingCase
from tests.calls.support import FEATURES, make_connection, running_call
from tests.calls.test_live import LiveCase
from tests.recordings import OwnFiles


class RetentionTest(RecordingCase):
    def test_the_file_goes_with_the_content_and_the_engine_is_asked_too(self) -> None:
        old, young = self.stored(), self.stored()
        Call.objects.filter(pk=old.pk).update(ended_at=db.now() - dt.timedelta(days=91))
        Call.objects.filter(pk=young.pk).update(ended_at=db.now() - dt.timedelta(days=89))
        erase_expired(organization=self.client_org, now=db.now())
        fetching.remove_erased(organization=self.client_org)
        self.assertEqual([row.status for row in Recording.objects.order_by("created_at")], ["erased", "stored"])
        self.assertEqual([each.name for each in self.files()], [Recording.objects.get(call=young).name.partition("/")[2]])
        self.assertEqual([row.call_id for row in EngineErasure.objects.all()], [old.public_id])
        old.refresh_from_db()
        self.assertEqual((old.recording_url, old.messages, old.summary), ("", None, None))

    def test_a_recording_that_still_waits_is_not_fetched_after_the_erasure(self) -> None:
        call = self.told()
        Call.objects.filter(pk=call.pk).update(ended_at=db.now() - dt.timedelta(days=91))
        erase_expired(organization=self.client_org, now=db.now())
        self.assertIsNone(self.fetch(call))
        self.assertEqual(self.engine.asked, [])

    def test_the_engine_is_asked_until_it_has_erased(self) -> None:
        call = self.stored()
        self.delete_at_engine(call)
        row = EngineErasure.objects.get()
        self.engine.asked.clear()
        self.engine.answers = [503]
        self.assertIs(engine_content.erase_at_engine(organization_id=self.client_org.pk, erasure_id=row.pk), False)
        self.assertIsNone(engine_content.erase_at_engine(organization_id=self.client_org.pk, erasure_id=row.pk))  # its pause
        self.assertEqual(engine_content.due_erasures(db.now()), [])
        later = db.now() + dt.timedelta(seconds=31)
        self.assertEqual(engine_content.due_erasures(later), [(self.client_org.pk, row.pk)])
        EngineErasure.objects.update(next_attempt_at=db.now())
        self.assertIs(engine_content.erase_at_engine(organization_id=self.client_org.pk, erasure_id=row.pk), True)
        self.assertEqual(self.engine.asked, [("DELETE", f"/calls/{call.ref}/content", "Bearer key")] * 2)
        self.assertFalse(EngineErasure.objects.exists())

    def test_an_engine_that_nothing_is_known_of_has_not_erased(self) -> None:
        call = self.stored()
        self.delete_at_engine(call)
        row = EngineErasure.objects.get()
        self.engine.asked.clear()
        row.connection.change(db.now(), engine={}, engine_read_at=None)
        self.assertIs(engine_content.erase_at_engine(organization_id=self.client_org.pk, erasure_id=row.pk), False)
        self.assertEqual(EngineErasure.objects.get().problem, "unknown")
        self.assertEqual(self.engine.asked, [])

    def delete_at_engine(self, call: Call) -> None:
        writes(engine_content.ask_engine_to_erase)(calls=Call.objects.filter(pk=call.pk), now=db.now())

    def test_an_engine_that_cannot_erase_is_not_asked(self) -> None:
        plain = make_connection(self.client_org, features=FEATURES, base_url=self.engine.url, is_active=False)
        call = running_call(self.client_org, plain)
        self.delete_at_engine(call)
        self.assertFalse(EngineErasure.objects.exists())

    def test_files_that_no_row_knows_are_swept(self) -> None:
        call = self.stored()
        orphan = self.folder / "recordings" / str(self.client_org.pk) / ("0" * 32)
        orphan.write_bytes(b"left")
        other = self.folder / "recordings" / str(self.stranger.pk) / ("0" * 32)
        other.parent.mkdir()
        other.write_bytes(b"theirs")
        self.assertEqual(fetching.remove_orphans(organization=self.client_org), 1)
        self.assertEqual({each.read_bytes() for each in self.files()}, {SOUND, b"theirs"})
        self.assertEqual(Recording.objects.get(call=call).status, "stored")

    def test_with_the_organization_everything_goes(self) -> None:
        call = self.stored()
        CallEvent.objects.all().delete()
        writes(erase_organization)(organization=self.client_org, now=db.now())
        fetching.remove_orphans(organization=self.client_org)
        self.assertEqual((self.files(), Recording.objects.count(), Call.objects.count()), ([], 0, 0))
        self.assertEqual([row.ref for row in EngineErasure.objects.all()], [call.ref])


class SandboxTest(LiveCase):
    def test_from_a_recorded_call_to_the_player_and_its_erasure(self) -> None:
        self.enterContext(OwnFiles())
        self.client_org.change(db.now(), records_calls=True)
        call = self.wait(self.start(), lambda call: call.report_at)
        for organization_id, recording_id in fetching.due_recordings(db.now()):
            self.assertIs(fetching.fetch_recording(organization_id=organization_id, recording_id=recording_id), True)
        row = Recording.objects.get(call=call)
        body = self.api(self.client_org).get(f"/calls/{call.public_id}").json()
        answer = Client().get("/recordings/" + body["recording_url"].rpartition("/")[2])
        sound = b"".join(answer.streaming_content)
        self.assertEqual((sound[:4], len(sound), hashlib.sha256(sound).hexdigest()), (b"RIFF", row.size, row.sha256))
        writes(engine_content.ask_engine_to_erase)(calls=Call.objects.filter(pk=call.pk), now=db.now())
        for organization_id, erasure_id in engine_content.due_erasures(db.now()):
            self.assertIs(engine_content.erase_at_engine(organization_id=organization_id, erasure_id=erasure_id), True)
        gone = self.sandbox._call("GET", f"/calls/{call.ref}")
        gone = gone.get("call", gone)
        self.assertEqual((gone["messages"], gone["summary"], gone["recording_url"]), (None, None, None))
