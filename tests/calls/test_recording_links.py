"""Recordings handed out: signed links, ranges of a file, and the player of a call's page."""

from __future__ import annotations

from typing import Any

from django.core import signing
from django.core.files.storage import storages
from django.test import Client, override_settings

from apps.branding.models import Domain
from apps.calls import recordings as links
from apps.calls.models import Call, EngineErasure, Recording
from apps.calls.services import fetching
from apps.core import db
from apps.organizations.models import AuditEntry
from tests import factories
from tests.calls.recording_case import DIGEST, SOUND, RecordingCase


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
