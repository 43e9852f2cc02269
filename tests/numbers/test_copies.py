"""The page of the copies at the engine, and the badges on lists and pages."""

from __future__ import annotations

from apps.core import db
from apps.core.scope import Scope, acting
from apps.voice.models import Mirror
from tests import factories
from tests.calls.support import make_connection, scope_of
from tests.cases import TenantCase


class CopiesTest(TenantCase):
    def setUp(self) -> None:
        self.connection = make_connection(features=[])
        self.assistant = factories.make_assistant(self.client_org, name="Front desk")
        self.number = factories.make_number(self.client_org, assistant=self.assistant)
        self.trunk = factories.make_trunk(self.client_org, name="Line")
        self.browser = self.as_(self.cleo)
        self.url = f"/o/{self.client_org.slug}"

    def copy(self, thing: object, kind: str, **fields: object) -> Mirror:
        values = {"connection": self.connection, "kind": kind, "object_id": thing.pk, "is_dirty": False, "ref": "up"} | fields  # type: ignore[attr-defined]
        with acting(Scope((self.client_org.pk,))):
            return Mirror.objects.create(organization=self.client_org, **values)

    def text(self, path: str) -> str:
        answer = self.browser.get(self.url + path)
        self.assertEqual(answer.status_code, 200)
        return answer.content.decode()

    def test_each_state_has_its_badge(self) -> None:
        self.copy(self.assistant, "assistant")
        self.copy(self.number, "number", is_dirty=True)
        self.copy(self.trunk, "trunk", error="name: too long")
        self.assertIn("In sync", self.text("/assistants"))
        self.assertIn("Waiting", self.text("/numbers"))
        self.assertIn("Not in sync", self.text("/trunks"))
        self.assertIn("In sync", self.text(f"/assistants/{self.assistant.pk}"))
        self.assertIn("Waiting", self.text(f"/numbers/{self.number.pk}"))

    def test_an_engine_that_keeps_no_copies_has_no_badges(self) -> None:
        self.copy(self.assistant, "assistant", error="old")
        self.connection.change(db.now(), engine={"kind": "sandbox", "features": ["one_time_full"]})
        for path in ("/assistants", "/numbers", "/trunks", f"/assistants/{self.assistant.pk}"):
            page = self.text(path)
            for word in ("In sync", "Not in sync", "Waiting"):
                self.assertNotIn(word, page)
        self.assertIn("This engine keeps no copies", self.text("/copies"))

    def test_the_page_says_what_is_wrong_and_tries_again(self) -> None:
        row = self.copy(self.assistant, "assistant", error="voice_id: unknown voice", attempts=4)
        stranger = make_connection(self.stranger, features=[])
        with acting(Scope((self.stranger.pk,))):
            Mirror.objects.create(
                organization=self.stranger, connection=stranger, kind="assistant", object_id=self.assistant.pk, error="secret-canary"
            )
        page = self.text("/copies")
        self.assertIn("voice_id: unknown voice", page)
        self.assertIn("Front desk", page)
        self.assertNotIn("secret-canary", page)
        self.assertIn("voice_id: unknown voice", self.text(f"/assistants/{self.assistant.pk}"))
        answer = self.browser.post(f"{self.url}/copies/{row.pk}/retry", {"next": f"{self.url}/assistants/{self.assistant.pk}"})
        self.assertRedirects(answer, f"{self.url}/assistants/{self.assistant.pk}", fetch_redirect_response=False)
        answer = self.browser.post(f"{self.url}/copies/{row.pk}/retry", {"next": "https://evil.example/"})
        self.assertRedirects(answer, f"{self.url}/copies", fetch_redirect_response=False)
        with scope_of(self.client_org):
            found = Mirror.objects.for_organization(self.client_org).get()
        self.assertEqual((found.is_dirty, found.attempts, found.next_try_at), (True, 0, None))

    def test_sync_now_compares_everything(self) -> None:
        self.browser.post(f"{self.url}/copies/sync")
        with scope_of(self.client_org):
            row = Mirror.objects.for_organization(self.client_org).get()
        self.assertEqual((row.kind, row.object_id, row.is_dirty), ("account", self.client_org.pk, True))

    def test_a_viewer_may_only_look(self) -> None:
        eve = factories.make_user("Eve")
        factories.make_member(self.client_org, eve, "viewer")
        row = self.copy(self.assistant, "assistant", error="no")
        self.browser = self.as_(eve)
        self.assertNotIn("Try again", self.text("/copies"))
        self.assertEqual(self.browser.post(f"{self.url}/copies/sync").status_code, 403)
        self.assertEqual(self.browser.post(f"{self.url}/copies/{row.pk}/retry").status_code, 403)

    def test_one_and_three_rows_cost_the_same(self) -> None:
        self.copy(self.assistant, "assistant", error="no")
        self.text("/copies")
        with self.assertNumQueries(17):
            self.text("/copies")
        for _ in range(2):
            self.copy(factories.make_assistant(self.client_org), "assistant", error="no")
        with self.assertNumQueries(17):
            self.text("/copies")
