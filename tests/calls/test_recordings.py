"""Recordings: fetched from an engine over HTTP, kept as files, handed out by signed links, erased."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.core import signing
from django.core.files.storage import storages
from django.test import Client, override_settings

from apps.branding.models import Domain
from apps.calls import recordings as links
from apps.calls.models import Call, CallEvent, EngineErasure, Recording
from apps.calls.services import engine_content, fetching
from apps.calls.services.erase import erase_expired, erase_organization
from apps.core import db
from apps.core.db import writes
from apps.organizations.models import AuditEntry
from apps.webhooks.models import Delivery
from tests import factories
from tests.calls.support import FEATURES, apply, make_connection, post, running_call, scope_of, talk
from tests.calls.test_live import LiveCase
from tests.cases import CommittedCase, TenantCase
from tests.recordings import Dripping, FileEngine, OwnFiles
from tests.web import Web, _test_database

SOUND = b"RIFF" + bytes(range(256)) * 40
DIGEST = hashlib.sha256(SOUND).hexdigest()


class RecordingCase(TenantCase):
    features = [*FEATURES, "recordings"]

    def setUp(self) -> None:
        self.folder = self.enterContext(OwnFiles())
        self.engine = self.enterContext(FileEngine())
        self.connection = make_connection(features=self.features, base_url=self.engine.url)
        self.enterContext(scope_of(self.client_org))
        self.client_org.change(db.now(), records_calls=True)

    def told(self, call: Call | None = None, **told: Any) -> Call:
        """A call whose report tells of a recording; `told` is the report's `recording`."""
        call = call or running_call(self.client_org, self.connection)
        path = f"/calls/{call.ref}/recording"
        self.engine.files[path] = SOUND
        for message in talk(call):
            if message["type"] == "end-of-call-report":
                message |= {"recording": {"url": self.engine.url + path, "format": "wav", "sha256": DIGEST, **told}}
            post(self.connection, message)
        apply(call)
        return call

    def fetch(self, call: Call) -> bool | None:
        return fetching.fetch_recording(organization_id=call.organization_id, recording_id=Recording.objects.get(call=call).pk)

    def again(self, call: Call) -> bool | None:
        """The next attempt, as if its pause were over."""
        Recording.objects.filter(call=call).update(next_attempt_at=db.now())
        return self.fetch(call)

    def stored(self) -> Call:
        call = self.told()
        self.assertIs(self.fetch(call), True)
        call.refresh_from_db()
        return call

    def link(self, call: Call) -> str:
        link: str = self.api(self.client_org).get(f"/calls/{call.public_id}").json()["recording_url"]
        return link.partition("/recordings/")[1] + link.partition("/recordings/")[2]

    def files(self) -> list[Path]:
        return sorted(each for each in self.folder.rglob("*") if each.is_file())


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


class LinkTest(RecordingCase):
    def get(self, link: str, **headers: str) -> Any:
        return Client().get(link, headers={name.replace("_", "-"): value for name, value in headers.items()})

    def body(self, answer: Any) -> bytes:
        return b"".join(answer.streaming_content) if answer.streaming else answer.content

    def test_without_a_session_the_whole_file(self) -> None:
        call = self.stored()
        answer = self.get(self.link(call))
        self.assertEqual((answer.status_code, self.body(answer)), (200, SOUND))
        kept = {name: answer[name] for name in ("Content-Type", "Content-Length", "Content-Disposition", "Accept-Ranges", "Cache-Control", "X-Content-Type-Options")}
        self.assertEqual(kept, {
            "Content-Type": "audio/wav", "Content-Length": str(len(SOUND)), "Accept-Ranges": "bytes",
            "Content-Disposition": f'inline; filename="{call.public_id}.wav"', "Cache-Control": "private, no-store",
            "X-Content-Type-Options": "nosniff",
        })  # fmt: skip
        self.assertEqual(self.get(self.link(call) + "?download")["Content-Disposition"], f'attachment; filename="{call.public_id}.wav"')

    def test_ranges(self) -> None:
        link, size = self.link(self.stored()), len(SOUND)
        table = [
            ("bytes=0-3", 206, SOUND[:4], f"bytes 0-3/{size}"), ("bytes=4-", 206, SOUND[4:], f"bytes 4-{size - 1}/{size}"),
            ("bytes=-5", 206, SOUND[-5:], f"bytes {size - 5}-{size - 1}/{size}"),
            (f"bytes=0-{size * 9}", 206, SOUND, f"bytes 0-{size - 1}/{size}"), ("bytes=-99999999", 206, SOUND, f"bytes 0-{size - 1}/{size}"),
            (f"bytes={size}-", 416, b"", f"bytes */{size}"), ("bytes=-0", 416, b"", f"bytes */{size}"),
            ("bytes=7-3", 200, SOUND, None), ("bytes=a-b", 200, SOUND, None), ("items=0-3", 200, SOUND, None),
            ("bytes=0-1,4-5", 200, SOUND, None), ("bytes=-", 200, SOUND, None), ("", 200, SOUND, None),
        ]  # fmt: skip
        for header, status, body, told in table:
            with self.subTest(header):
                answer = self.get(link, range=header)
                self.assertEqual((answer.status_code, self.body(answer), answer.get("Content-Range")), (status, body, told))

    def test_if_range_and_head(self) -> None:
        link = self.link(self.stored())
        self.assertEqual(self.get(link, range="bytes=0-3", if_range=f'"{DIGEST}"').status_code, 206)
        self.assertEqual(self.get(link, range="bytes=0-3", if_range='"other"').status_code, 200)
        head = Client().head(link, headers={"range": "bytes=0-3"})
        self.assertEqual((head.status_code, head["Content-Length"], head.content), (206, "4", b""))
        self.assertEqual(Client().post(link).status_code, 405)

    def test_only_while_it_is_valid(self) -> None:
        call = self.stored()
        link = self.link(call)
        real = signing.time.time
        self.addCleanup(setattr, signing.time, "time", real)
        signing.time.time = lambda: real() + links.VALID_SECONDS - 60  # type: ignore[assignment]
        self.assertEqual(self.get(link).status_code, 200)
        signing.time.time = lambda: real() + links.VALID_SECONDS + 1  # type: ignore[assignment]
        self.assertEqual(self.get(link).status_code, 404)

    def test_a_link_that_was_changed_or_guessed_is_nothing(self) -> None:
        link = self.link(self.stored())
        for wrong in (link + "x", link[:-1], "/recordings/x", "/recordings/", "/recordings/..", f"/recordings/{self.client_org.pk}"):
            with self.subTest(wrong):
                self.assertEqual(self.get(wrong).status_code, 404)

    def test_another_tenants_name_in_a_link_finds_nothing(self) -> None:
        """Even a link that we signed: the call's id counts only inside its own organization."""
        call = self.stored()
        for other in (self.stranger, self.agency):
            link = links.signed_link(other.brand, other.pk, call.pk)
            self.assertEqual(self.get("/recordings/" + link.rpartition("/")[2]).status_code, 404)

    def test_only_on_the_hosts_of_its_brand(self) -> None:
        brand = factories.make_brand("other", "Other Portal")
        Domain.objects.create(brand=brand, host="voice.other.example", state="active")
        link = self.link(self.stored())
        self.assertEqual(self.get(link).status_code, 200)
        self.assertEqual(Client(headers={"host": "voice.other.example"}).get(link).status_code, 404)
        self.client_org.change(db.now(), brand=brand)
        self.assertEqual(Client(headers={"host": "voice.other.example"}).get(link).status_code, 200)
        third = factories.make_brand("third", "Third Portal")
        Domain.objects.create(brand=third, host="voice.third.example", state="active")
        self.assertEqual(Client(headers={"host": "voice.third.example"}).get(link).status_code, 404)
        self.assertEqual(self.get(link).status_code, 200)  # the installation's own host opens all workspaces

    def test_while_it_is_fetched_the_link_says_when_to_ask_again(self) -> None:
        call = self.told()
        answer = self.get(self.link(call))
        self.assertEqual((answer.status_code, answer["Retry-After"]), (503, "5"))

    def test_a_kind_that_nobody_knows_is_only_bytes_to_keep(self) -> None:
        self.engine.media_type = "text/html"
        call = self.told(format="html")
        self.fetch(call)
        answer = self.get(self.link(call))
        self.assertEqual(answer["Content-Type"], "application/octet-stream")
        self.assertTrue(answer["Content-Disposition"].startswith("attachment"))

    def test_files_lie_behind_no_address(self) -> None:
        call = self.stored()
        name = Recording.objects.get(call=call).name
        for path in (f"/{name}", f"/static/{name}", f"/media/{name}", f"/recordings/{name}", f"/static/../recordings/{name}"):
            self.assertEqual(self.get(path).status_code, 404, path)

    def test_any_storage_will_do(self) -> None:
        stores = {**storages.backends, "recordings": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
        with override_settings(STORAGES=stores):
            call = self.stored()
            link = self.link(call)
            self.assertEqual(self.body(self.get(link, range="bytes=0-3")), SOUND[:4])
            self.assertEqual(self.files(), [])
            Recording.objects.update(status="erased")
            self.assertEqual(fetching.remove_erased(organization=self.client_org), 1)
            self.assertEqual(fetching.files.names_of(self.client_org.pk), [])


class PageTest(RecordingCase):
    def page(self, call: Call, user: Any = None) -> str:
        path = f"/o/{self.client_org.slug}/calls/{call.public_id}"
        text: str = self.as_(user or self.cleo).get(path).content.decode()
        return text

    def delete(self, call: Call, user: Any) -> Any:
        return self.as_(user).post(f"/o/{self.client_org.slug}/calls/{call.public_id}/recording/delete")

    def test_the_page_plays_what_is_there_and_waits_for_what_is_not(self) -> None:
        call = self.told()
        self.assertIn("is being fetched", self.page(call))
        self.assertNotIn("<audio", self.page(call))
        self.fetch(call)
        page = self.page(call)
        self.assertIn('src="/recordings/', page)
        self.assertNotIn(self.engine.url, page)
        fragment = self.as_(self.cleo).get(
            f"/o/{self.client_org.slug}/calls/{call.public_id}/recording", headers={"HX-Request": "true", "HX-Request-Type": "partial"}
        )
        self.assertIn("<audio", fragment.content.decode())
        self.assertIn("recording/delete", fragment.content.decode())

    def test_an_admin_deletes_it_everywhere(self) -> None:
        call = self.stored()
        link = self.link(call)
        with self.captureOnCommitCallbacks(execute=True):
            self.assertEqual(self.delete(call, self.cleo).status_code, 302)
        call.refresh_from_db()
        self.assertEqual((Recording.objects.get(call=call).status, call.recording_url), ("erased", ""))
        self.assertEqual(Client().get(link).status_code, 404)
        self.assertEqual(fetching.organizations_with_remains(), [self.client_org.pk])
        fetching.remove_erased(organization=self.client_org)
        self.assertEqual((self.files(), fetching.organizations_with_remains()), ([], []))
        self.assertEqual([row.ref for row in EngineErasure.objects.all()], [call.ref])
        self.assertIsNotNone(call.messages)  # the transcript stays
        self.assertEqual(AuditEntry.objects.filter(action="recording.delete").count(), 1)
        self.assertNotIn("<audio", self.page(call))
        self.assertEqual(self.delete(call, self.cleo).status_code, 404)

    def test_who_may_not_delete_cannot(self) -> None:
        call = self.stored()
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "member")
        self.assertNotIn("recording/delete", self.page(call, viewer))
        self.assertEqual(self.delete(call, viewer).status_code, 403)
        self.assertEqual(self.delete(call, self.dov).status_code, 404)
        self.assertEqual(Recording.objects.get(call=call).status, "stored")


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


class KilledWorkerTest(CommittedCase):
    """A worker process that dies in the middle of a download: no half file is a recording, and the next attempt is whole."""

    def test_kill_nine_in_the_middle(self) -> None:
        folder = self.enterContext(OwnFiles())
        engine = self.enterContext(FileEngine())
        connection = make_connection(features=[*FEATURES, "recordings"], base_url=engine.url)
        self.enterContext(scope_of(self.client_org))
        call = running_call(self.client_org, connection)
        Call.objects.filter(pk=call.pk).update(recording_url=f"{engine.url}/x")
        row = Recording.objects.create(organization=self.client_org, call=call, next_attempt_at=db.now())
        path = f"/calls/{call.ref}/recording"
        with Dripping(SOUND) as slow:
            type(connection).objects.filter(pk=connection.pk).update(base_url=slow.url)
            process = subprocess.Popen([sys.executable, "-c", WORKER, str(self.client_org.pk), str(row.pk), str(folder)], env=_environment())
            self.addCleanup(process.kill)
            slow.half.wait(40)
            self.assertTrue(slow.half.is_set())
            time.sleep(0.2)
            process.send_signal(signal.SIGKILL)
            process.wait(10)
        row.refresh_from_db()
        self.assertEqual((row.status, row.attempts), ("waiting", 1))
        link = links.signed_link(self.client_org.brand, self.client_org.pk, call.pk)
        self.assertEqual(Client().get("/recordings/" + link.rpartition("/")[2]).status_code, 503)
        self.assertFalse((folder / "recordings").exists())
        engine.files[path] = SOUND
        type(connection).objects.filter(pk=connection.pk).update(base_url=engine.url)
        self.assertIsNone(fetching.fetch_recording(organization_id=self.client_org.pk, recording_id=row.pk))
        Recording.objects.update(lease_until=db.now())
        self.assertIs(fetching.fetch_recording(organization_id=self.client_org.pk, recording_id=row.pk), True)
        self.assertEqual([each.read_bytes() for each in folder.rglob("*") if each.is_file()], [SOUND])


class ServerTest(CommittedCase):
    """The real servers, as in `make run` and as in production: ranges and a whole file that no process holds at once."""

    def test_both_servers_hand_out_parts(self) -> None:
        folder = self.enterContext(OwnFiles())
        self.enterContext(scope_of(self.client_org))
        call = factories.make_call(self.client_org, recording_url="https://engine.example.org/r.wav")
        name, sound = fetching.files.new_name(self.client_org.pk), os.urandom(1 << 20) * 96
        (folder / "sound").write_bytes(sound)
        fetching.files.put(name, folder / "sound")
        Recording.objects.create(
            organization=self.client_org, call=call, status="stored", name=name, size=len(sound), media_type="audio/wav", sha256=DIGEST
        )
        path = "/recordings/" + links.signed_link(self.client_org.brand, self.client_org.pk, call.pk).rpartition("/")[2]
        for interface in ("asginl", "wsgi"):
            web = Web(interface=interface, workers=1, DATA_DIR=str(folder))
            web.start()
            self.addCleanup(web.close)
            part = web.send("GET", path, headers={"Range": "bytes=1048570-1048580"})
            self.assertEqual((part.status, part.body), (206, sound[1048570:1048581]), interface)
            before = _memory(web)
            whole = web.send("GET", path)
            self.assertEqual((whole.status, hashlib.sha256(whole.body).digest()), (200, hashlib.sha256(sound).digest()), interface)
            grown = _memory(web) - before
            print(f"\n{interface}: {len(sound) >> 20} MB handed out, the server's peak grew by {grown >> 20} MB")
            self.assertLess(grown, len(sound) // 3, interface)
            self.assertEqual(web.send("GET", path, headers={"Range": f"bytes={len(sound)}-"}).status, 416)
            web.close()


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


WORKER = """
import sys, os
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
import django
django.setup()
from pathlib import Path
from uuid import UUID
from django.conf import settings
settings.DATA_DIR = Path(sys.argv[3])
from apps.core.scope import Scope, acting
from apps.calls.services.fetching import fetch_recording
with acting(Scope((UUID(sys.argv[1]),))):
    fetch_recording(organization_id=sys.argv[1], recording_id=sys.argv[2])
"""


def _memory(web: Web) -> int:
    """The most bytes that any process of a server ever held."""
    assert web._process is not None
    found, pids = 0, [web._process.pid]
    while pids:
        pid = pids.pop()
        status = Path(f"/proc/{pid}/status").read_text()
        found = max(found, int(status.partition("VmHWM:")[2].split()[0]) * 1024)
        pids += [int(each) for task in Path(f"/proc/{pid}/task").iterdir() for each in (task / "children").read_text().split()]
    return found


def _environment() -> dict[str, str]:
    """The settings of this run, with its test database."""
    return {**os.environ, "DATABASE_URL": _test_database(), "DATABASE_POOL": "0"}
