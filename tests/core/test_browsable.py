"""The API for signed-in people: every operation as a page, with forms, in the person's own right."""

from __future__ import annotations

from typing import Any

from django.test import Client

from apps.core import browsable
from apps.numbers.models import SipTrunk
from tests import factories
from tests.cases import TenantCase
from tests.routes import Route, path_of, routes
from tests.samples import Thing

PAGE = {"accept": "text/html,application/xhtml+xml"}
LIST, ONE = "o/<slug:org>/api/v1/sip-trunks", "o/<slug:org>/api/v1/numbers/<uuid:pk>"


class FormTest(TenantCase):
    def test_fields_of_the_request(self) -> None:
        (form,) = browsable.forms(LIST, {"trunks": []})
        self.assertEqual((form.method, form.is_change), ("POST", False))
        fields = {field.name: field for field in form.fields}
        self.assertTrue(fields["name"].is_required)
        self.assertEqual(fields["transport"].choices, ("udp", "tcp", "tls"))
        self.assertEqual(fields["inbound_addresses"].kind, "json")
        self.assertNotIn("outbound_address", fields)  # an older spelling
        self.assertIn('"name"', form.raw)

    def test_a_change_starts_from_what_is(self) -> None:
        found = {form.method: form for form in browsable.forms(ONE, {"number": {"id": "1", "name": "Main", "is_active": False}})}
        fields = {field.name: field.value for field in found["PATCH"].fields}
        self.assertEqual((fields["name"], fields["is_active"]), ("Main", "false"))
        self.assertEqual(found["DELETE"].fields, ())

    def test_pages_of_a_long_list_keep_the_filter(self) -> None:
        found = browsable.pages({"pagination": {"total": 250, "limit": 100, "offset": 100}}, {"status": "ended"})
        self.assertEqual(found["previous"], "?status=ended&limit=100&offset=0")
        self.assertEqual(found["next"], "?status=ended&limit=100&offset=200")
        self.assertEqual(browsable.pages({"pagination": {"total": 3, "limit": 100, "offset": 0}}, {}), {})


class BrowsableTest(TenantCase):
    def base(self) -> str:
        return f"/o/{self.client_org.slug}/api/v1"

    def browsers(self) -> list[Route]:
        return [each for each in routes() if each.is_browsable]

    def get(self, path: str, browser: Client | None = None) -> Any:
        return (browser or self.as_(self.cleo)).get(path, headers=PAGE)

    def test_every_endpoint_is_a_page(self) -> None:
        thing, cleo, opened = Thing(self.client_org), self.as_(self.cleo), 0
        factories.add_credits(self.agency, 100)
        for each in self.browsers():
            with self.subTest(each.name):
                answer = self.get(path_of(each, thing.sample(each)), cleo)
                self.assertIn(answer.status_code, (200, 400, 405, 503))  # 503: Resend is not there
                self.assertEqual(answer["Content-Type"], "text/html; charset=utf-8")
                self.assertNotIn(b"style=", answer.content)
                opened += 1
        self.assertGreater(opened, 40)

    def test_the_index_lists_every_operation(self) -> None:
        shown = self.get(f"{self.base()}/").content.decode()
        for path in ("/assistants", "/calls", "/usage", "/organizations", "/mcp-servers"):
            self.assertIn(f'href="{self.base()}{path}"', shown)
        self.assertIn("/api/v1/calls/{id}/control", shown)

    def test_json_for_who_asks_for_json(self) -> None:
        answer = self.as_(self.cleo).get(f"{self.base()}/assistants")
        self.assertEqual((answer["Content-Type"], answer.json()), ("application/json", {"assistants": []}))

    def test_an_error_is_a_page_that_shows_the_body(self) -> None:
        answer = self.get(f"{self.base()}/calls/nothing")
        self.assertEqual(answer.status_code, 404)
        shown = answer.content.decode()
        self.assertIn("404 Not Found", shown)
        self.assertIn("&quot;type&quot;: &quot;not_found&quot;", shown)
        self.assertIn('aria-label="Main"', shown)  # in the frame of the workspace

    def test_filters_and_pages(self) -> None:
        for _ in range(3):
            factories.make_call(self.client_org)
        shown = self.get(f"{self.base()}/calls?limit=1&offset=1").content.decode()
        self.assertIn("?limit=1&amp;offset=2", shown)
        self.assertIn("?limit=1&amp;offset=0", shown)
        self.assertIn('name="start_date"', shown)

    def test_a_viewer_sees_no_forms_and_may_not_write(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        browser = self.as_(viewer)
        self.assertNotIn(b"data-api-form", self.get(f"{self.base()}/sip-trunks", browser).content)
        self.assertIn(b"data-api-form", self.get(f"{self.base()}/sip-trunks").content)
        answer = browser.post(f"{self.base()}/sip-trunks", {"name": "Line"}, content_type="application/json")
        self.assertEqual(answer.status_code, 403)

    def test_a_write_needs_the_token_of_the_page(self) -> None:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(self.cleo, backend="allauth.account.auth_backends.AuthenticationBackend")
        options: dict[str, Any] = {"content_type": "application/json"}
        refused = browser.post(f"{self.base()}/sip-trunks", {"name": "Line"}, **options)
        self.assertEqual(refused.status_code, 403)
        shown = self.get(f"{self.base()}/sip-trunks", browser).content.decode()
        token = shown.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        made = browser.post(f"{self.base()}/sip-trunks", {"name": "Line"}, headers={"x-csrftoken": token}, **options)
        self.assertEqual(made.status_code, 201)
        with self.acting_for(self.client_org):
            self.assertEqual(SipTrunk.objects.for_organization(self.client_org).count(), 1)
