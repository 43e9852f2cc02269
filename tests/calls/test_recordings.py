"""Recordings: fetched from an engine over HTTP and kept as files."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

from django.test import override_settings

from apps.calls.models import Call, Recording
from apps.calls.services import fetching
from apps.core import db
from apps.webhooks.models import Delivery
from tests import factories
from tests.calls.recording_case import DIGEST, SOUND, RecordingCase
from tests.calls.support import apply, make_connection, post, running_call, talk


class FetchTest(RecordingCase):
    def test_a_report_with_a_recording_makes_it_a_file_of_ours_once(self) -> None:
        call = self.told()
        self.assertEqual(fetching.due_recordings(db.now()), [(self.client_org.pk, Recording.objects.get(call=call).pk)])
        self.assertIs(self.fetch(call), True)
        row = Recording.objects.get(call=call)
        self.assertEqual((row.status, row.size, row.sha256, row.media_type), ("stored", len(SOUND), DIGEST, "audio/wav"))
        self.assertEqual([each.read_bytes() for each in self.files()], [SOUND])
        self.assertIsNone(self.fetch(call))
        self.assertEqual([(method, path) for method, path, _key in self.engine.asked], [("GET", f"/calls/{call.ref}/recording")])
        self.assertEqual(fetching.due_recordings(db.now()), [])

    def test_the_names_of_files_say_nothing_and_only_we_may_read_them(self) -> None:
        call = self.stored()
        row = Recording.objects.get(call=call)
        owner, _slash, name = row.name.partition("/")
        self.assertEqual((owner, len(name)), (str(self.client_org.pk), 32))
        self.assertNotIn(call.public_id, row.name)

    def test_an_engine_that_is_down_is_asked_again_later_and_then_given_up(self) -> None:
        call = self.told()
        self.engine.answers = [503]
        self.assertIs(self.fetch(call), False)
        row = Recording.objects.get(call=call)
        self.assertEqual((row.status, row.problem, row.attempts, row.name), ("waiting", "http_503", 1, ""))
        self.assertGreater(row.next_attempt_at, db.now() + dt.timedelta(seconds=3))
        self.assertIsNone(self.fetch(call))  # not before its pause is over
        self.assertIs(self.again(call), True)
        other = self.told()
        self.engine.answers = [503] * 20
        for _each in range(len(fetching.PAUSES)):
            self.again(other)
        self.assertEqual(Recording.objects.get(call=other).status, "waiting")
        self.again(other)
        other.refresh_from_db()
        self.assertEqual((Recording.objects.get(call=other).status, other.recording_url), ("missing", ""))

    def test_an_engine_without_the_recording_is_believed_after_a_while(self) -> None:
        call = self.told()
        self.engine.files.clear()
        for _each in range(fetching.NONE_THERE_TRIES - 1):
            self.assertIs(self.again(call), False)
        self.assertEqual(Recording.objects.get(call=call).status, "waiting")
        self.again(call)
        self.assertEqual(Recording.objects.get(call=call).status, "missing")
        self.assertIsNone(self.api(self.client_org).get(f"/calls/{call.public_id}").json()["recording_url"])

    def test_a_body_that_breaks_off_or_does_not_match_its_digest_is_no_recording(self) -> None:
        call = self.told()
        self.engine.answers = ["cut"]
        self.assertIs(self.fetch(call), False)
        self.assertEqual(Recording.objects.get(call=call).problem, "broken")
        self.engine.files[f"/calls/{call.ref}/recording"] = SOUND[:-1]
        self.assertIs(self.again(call), False)
        self.assertEqual(Recording.objects.get(call=call).problem, "sha256")
        self.assertEqual(self.files(), [])

    @override_settings(MAX_RECORDING_BYTES=len(SOUND) - 1)
    def test_more_than_the_limit_is_not_kept(self) -> None:
        call = self.told()
        self.assertIs(self.fetch(call), False)
        row = Recording.objects.get(call=call)
        self.assertEqual((row.status, row.problem, self.files()), ("missing", "too_long", []))

    def test_a_redirect_is_not_followed(self) -> None:
        call = self.told()
        self.engine.answers = [f"{self.engine.url}/elsewhere"]
        self.assertIs(self.fetch(call), False)
        self.assertEqual([path for _method, path, _key in self.engine.asked], [f"/calls/{call.ref}/recording"])
        self.assertEqual(Recording.objects.get(call=call).problem, "http_302")

    def test_what_nobody_wanted_recorded_is_not_fetched(self) -> None:
        self.client_org.change(db.now(), records_calls=False)
        call = self.told()
        self.assertFalse(Recording.objects.exists())
        self.assertEqual(call.recording_url, "")
        self.assertNotIn("recording_url", self.report()["message"])

    def test_under_gdpr_mode_the_link_is_passed_on_and_nothing_is_kept(self) -> None:
        assistant = factories.make_assistant(self.client_org, gdpr_mode=True, webhook_url="http://127.0.0.1:9/hook")
        call = self.told(running_call(self.client_org, self.connection, assistant=assistant))
        call.refresh_from_db()
        self.assertFalse(Recording.objects.exists())
        self.assertEqual((call.recording_url, call.messages, call.summary, call.analysis_result), ("", None, None, None))
        self.assertEqual(self.report()["message"]["recording_url"], f"{self.engine.url}/calls/{call.ref}/recording")

    def report(self) -> dict[str, Any]:
        row = Delivery.objects.filter(event="end-of-call-report").first()
        if row is None:  # no webhook was set: what would have been told
            return {"message": {}}
        found: dict[str, Any] = json.loads(row.body)
        return found

    def test_a_file_of_a_dead_attempt_goes_with_the_next_one(self) -> None:
        call = self.told()
        row = Recording.objects.get(call=call)
        claimed = fetching._claim(organization_id=self.client_org.pk, recording_id=row.pk, now=db.now())
        assert claimed is not None
        left = self.folder / "recordings" / claimed[0].name
        left.parent.mkdir(parents=True)
        left.write_bytes(b"half")
        self.assertIsNone(self.fetch(call))  # its lease still runs
        Recording.objects.filter(call=call).update(lease_until=db.now())
        self.assertIs(self.fetch(call), True)
        self.assertEqual([each.read_bytes() for each in self.files()], [SOUND])

    def test_an_attempt_that_was_overtaken_or_erased_leaves_no_file(self) -> None:
        call = self.told()
        put = fetching.files.put

        def erased_meanwhile(name: str, path: Path) -> None:
            put(name, path)
            Recording.objects.filter(call=call).update(status="erased")

        fetching.files.put = erased_meanwhile  # type: ignore[assignment]
        self.addCleanup(setattr, fetching.files, "put", put)
        self.assertIsNone(self.fetch(call))
        self.assertEqual((self.files(), Recording.objects.get(call=call).status), ([], "erased"))


class BaseWireTest(RecordingCase):
    """An engine that announces nothing: the link of the report, on its own host or anywhere public."""

    features: list[str] = []

    def running(self) -> Call:
        fields = {"status": "in-progress", "ended_at": None, "end_reason": None, "summary": None, "messages": None}
        return factories.make_call(self.client_org, connection=self.connection, ref="eng-1", dial="accepted", **fields)

    def test_the_reports_link_is_fetched_with_the_key_on_the_engines_own_host(self) -> None:
        self.client_org.change(db.now(), records_calls=False)  # the engine account's own setting decides
        call = self.running()
        self.engine.files["/files/7?sig=abc"] = SOUND
        for message in talk(call, numbered=False):
            if message["type"] == "end-of-call-report":
                message["recording_url"] = f"{self.engine.url}/files/7?sig=abc"
            post(self.connection, message)
        apply(call)
        self.engine.media_type = "audio/mpeg; charset=binary"
        self.assertIs(self.fetch(call), True)
        self.assertEqual(self.engine.asked, [("GET", "/files/7?sig=abc", "Bearer key")])
        self.assertEqual(Recording.objects.get(call=call).media_type, "audio/mpeg")

    @override_settings(WEBHOOK_ALLOWED_NETWORKS=[])
    def test_a_link_into_a_private_network_is_refused(self) -> None:
        call = self.running()
        for link in ("http://10.0.0.7/r.wav", "http://localhost:9/r.wav", "file:///etc/passwd", "ftp://example.org/r.wav"):
            with self.subTest(link):
                message = talk(call, numbered=False)[-1] | {"recording_url": link}
                post(self.connection, message)
        apply(call)
        call.refresh_from_db()
        self.assertEqual((call.recording_url, Recording.objects.count()), ("", 0))

    @override_settings(WEBHOOK_ALLOWED_NETWORKS=[])
    def test_a_clients_own_engine_does_not_lead_inside(self) -> None:
        """The client's connection is judged like any URL of a customer, again when it is used."""
        own = make_connection(self.client_org, features=[], base_url=self.engine.url)
        call = factories.make_call(self.client_org, connection=own, ref="eng-1", recording_url=f"{self.engine.url}/r.wav")
        row = Recording.objects.create(organization=self.client_org, call=call, next_attempt_at=db.now())
        self.assertIs(fetching.fetch_recording(organization_id=self.client_org.pk, recording_id=row.pk), False)
        row.refresh_from_db()
        self.assertEqual((row.status, row.problem, self.engine.asked), ("missing", "blocked", []))
