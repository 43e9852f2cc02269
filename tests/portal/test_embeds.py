"""Website widgets: their pages, what other websites may load, and the talk that a visitor holds."""

from __future__ import annotations

import json
import re
from typing import Any
from unittest import mock

from django.test import Client, SimpleTestCase
from django.utils import timezone

from apps.branding.models import Brand
from apps.calls.models import Call
from apps.organizations.limits import set_limits
from apps.organizations.models import AuditEntry, Limits, Organization
from apps.organizations.services import SYSTEM
from apps.portal.models import Embed, Portal
from apps.portal.origins import read_origin, read_origins
from apps.portal.services import embed_talks
from apps.portal.services.embeds import create_embed
from apps.voice.models import Connection
from tests import factories
from tests.cases import TenantCase
from tests.engine import Sandbox

SITE, OTHER, OWN = "https://www.bakker.example", "https://evil.example", "http://testserver"
PATH = "/o/bakker-dental/embeds"
QUERIES = 14
VALUES = {"name": "Home page", "websites": SITE, "label": "Ask us", "greeting": "We answer at once.", "calls_per_hour": "20"}


class OriginTest(SimpleTestCase):
    def test_origins_as_browsers_send_them(self) -> None:
        for text, origin in (
            ("https://Example.com", "https://example.com"),
            ("https://www.example.com/", "https://www.example.com"),
            ("https://example.com:443", "https://example.com"),
            ("https://example.com:8443", "https://example.com:8443"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("http://127.0.0.1", "http://127.0.0.1"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
        ):
            self.assertEqual(read_origin(text), origin)

    def test_everything_else_is_refused(self) -> None:
        for text in (
            "example.com", "https://", "*", "https://*.example.com", "https://example.com/path", "https://example.com?x=1",
            "https://example.com?", "https://example.com#a", "https://a@example.com", "ftp://example.com", "http://example.com",
            "https://example.com:99999", "https://example.com:", "https://example.com:0", "https://exa mple.com", "javascript:alert(1)", "https://-a.example",
            "https://a;script-src.example", "https://bücher.example", "https://a.example;", "null", "https://intranet", "https://[::1]",
        ):  # fmt: skip
            with self.assertRaises(ValueError, msg=text):
                read_origin(text)

    def test_a_list_holds_each_once_and_twenty_at_most(self) -> None:
        self.assertEqual(read_origins(f"{SITE}\n https://b.example, {SITE}/"), [SITE, "https://b.example"])
        self.assertEqual(len(read_origins("\n".join(f"https://a{n}.example" for n in range(20)))), 20)
        for text in ("", " \n ", "\n".join(f"https://a{n}.example" for n in range(21))):
            with self.assertRaises(ValueError):
                read_origins(text)


class EmbedCase(TenantCase):
    def setUp(self) -> None:
        self.assistant = factories.make_assistant(self.client_org, name="Front desk", first_message="Good morning.")

    def make(self, organization: Organization | None = None, **fields: Any) -> Embed:
        owner = organization or self.client_org
        values = {"name": "Home page", "origins": [SITE], "assistant": self.assistant} | fields
        kind = values.pop("kind", "talk")
        with self.acting_for(owner):
            return create_embed(organization=owner, kind=kind, values=values, by=SYSTEM)

    def rows(self) -> list[Embed]:
        with self.acting_for(self.client_org):
            return list(Embed.objects.for_organization(self.client_org).order_by("created_at"))


class PageTest(EmbedCase):
    def post(self, path: str, **data: Any) -> Any:
        return self.as_(self.cleo).post(path, data)

    def test_made_changed_switched_and_deleted(self) -> None:
        answer = self.post(f"{PATH}/new?kind=talk", **VALUES, assistant=str(self.assistant.pk))
        (made,) = self.rows()
        self.assertRedirects(answer, f"{PATH}/{made.pk}", fetch_redirect_response=False)
        self.assertEqual((made.kind, made.origins, made.label, made.assistant_id), ("talk", [SITE], "Ask us", self.assistant.pk))
        self.assertRegex(made.key, r"^pk_[A-Za-z0-9_-]{32}$")
        page = self.as_(self.cleo).get(f"{PATH}/{made.pk}")
        self.assertContains(page, f"/embed/{made.key}.js")
        self.assertContains(page, "&lt;iframe src=")
        self.assertIn("frame-src 'self'", page["Content-Security-Policy"])
        self.post(f"{PATH}/{made.pk}", **VALUES | {"websites": f"{SITE}\nhttps://b.example", "calls_per_hour": "3"}, assistant=str(self.assistant.pk))
        self.assertEqual((self.rows()[0].origins, self.rows()[0].calls_per_hour), ([SITE, "https://b.example"], 3))
        self.post(f"{PATH}/{made.pk}/switch", on="0")
        self.assertFalse(self.rows()[0].is_active)
        self.assertContains(self.as_(self.cleo).get(PATH), "Off")
        self.post(f"{PATH}/{made.pk}/switch", on="1")
        self.assertTrue(self.rows()[0].is_active)
        self.post(f"{PATH}/{made.pk}/delete")
        self.assertEqual(self.rows(), [])
        with self.acting_for(self.client_org):
            actions = list(AuditEntry.objects.for_organization(self.client_org).order_by("created_at").values_list("action", flat=True))
        self.assertEqual(actions, [f"embed.{each}" for each in ("create", "update", "disable", "enable", "delete")])

    def test_what_is_wrong_is_said_and_nothing_is_kept(self) -> None:
        strangers = factories.make_assistant(self.stranger)
        for change, words in (
            ({"websites": "http://www.bakker.example"}, "only https"),
            ({"websites": ""}, "required"),
            ({"calls_per_hour": "0"}, "1"),
            ({"assistant": str(strangers.pk)}, "valid choice"),
            ({"assistant": ""}, "required"),
        ):
            answer = self.post(f"{PATH}/new", **({"assistant": str(self.assistant.pk)} | VALUES | change))
            self.assertContains(answer, words, status_code=422)
        self.assertEqual(self.rows(), [])

    def test_roles_and_strangers(self) -> None:
        made = self.make()
        vera = factories.make_user("Vera")
        factories.make_member(self.client_org, vera, "viewer")
        page = self.as_(vera).get(f"{PATH}/{made.pk}")
        self.assertContains(page, made.key)
        self.assertNotContains(page, "Save widget")
        for path in (f"{PATH}/new", f"{PATH}/{made.pk}/switch", f"{PATH}/{made.pk}/delete", f"{PATH}/{made.pk}"):
            self.assertIn(self.as_(vera).post(path, VALUES).status_code, (302, 403))
        self.assertEqual([(each.name, each.is_active) for each in self.rows()], [("Home page", True)])
        for path in (PATH, f"{PATH}/{made.pk}", f"{PATH}/{made.pk}/preview"):
            self.assertEqual(self.as_(self.dov).get(path).status_code, 404)
        self.assertEqual(self.as_(self.dov).get(f"/o/dove-and-co/embeds/{made.pk}").status_code, 404)

    def test_the_list_asks_as_often_for_one_as_for_three(self) -> None:
        browser = self.as_(self.cleo)
        self.make()
        browser.get(PATH)
        with self.assertNumQueries(QUERIES):
            browser.get(PATH)
        self.make(name="Two")
        self.make(name="Three")
        with self.assertNumQueries(QUERIES):
            browser.get(PATH)

    def test_switched_off_by_the_plan(self) -> None:
        with self.acting_for(self.client_org):
            Limits.objects.update_or_create(organization=self.client_org, defaults={"features": ["assistants", "place_calls"]})
        browser = self.as_(self.cleo)
        self.assertEqual(browser.get(PATH).status_code, 403)
        self.assertNotContains(browser.get("/o/bakker-dental/assistants"), "Website widgets")

    def test_a_sign_up_form_needs_an_open_portal(self) -> None:
        answer = self.as_(self.ada).get("/o/northwind-voice/embeds")
        self.assertNotContains(answer, "New sign-up form")
        self.assertContains(self.as_(self.ada).get("/o/northwind-voice/embeds/new?kind=sign_up"), "needs an open portal", status_code=403)
        self.open_portal()
        self.assertContains(self.as_(self.ada).get("/o/northwind-voice/embeds"), "New sign-up form")
        values = {name: VALUES[name] for name in ("name", "websites", "label", "greeting")}
        self.as_(self.ada).post("/o/northwind-voice/embeds/new?kind=sign_up", values)
        with self.acting_for(self.agency):
            self.assertEqual([each.kind for each in Embed.objects.for_organization(self.agency)], ["sign_up"])
        self.assertNotContains(self.as_(self.cleo).get(PATH), "New sign-up form")

    def open_portal(self) -> Brand:
        brand = factories.make_brand("north", "Northwind")
        with self.acting_for(self.agency):
            Organization.objects.filter(pk=self.agency.pk).update(brand=brand, owns_brand=True)
            Portal.objects.create(organization=self.agency, allows_sign_up=True)
        return brand

    def test_the_preview_is_framed_by_our_own_pages_only(self) -> None:
        made = self.make()
        answer = self.as_(self.cleo).get(f"{PATH}/{made.pk}/preview")
        self.assertContains(answer, "Start talking")
        self.assertIn("frame-ancestors 'self'", answer["Content-Security-Policy"])
        self.assertEqual(answer["X-Frame-Options"], "SAMEORIGIN")

    def test_the_preview_wears_the_brand_of_the_widget_wherever_it_is_looked_at(self) -> None:
        brand = self.open_portal()
        brand.primary_color = "#0f766e"
        brand.save()
        self.agency.brand, self.agency.owns_brand = brand, True
        made = self.make(organization=self.agency, kind="sign_up", assistant=None)
        page = self.as_(self.ada).get(f"/o/{self.agency.slug}/embeds/{made.pk}/preview").content.decode()
        self.assertIn("Sign up at Northwind", page)
        self.assertNotIn("Switchboard", page)
        sheet = re.search(r'href="(/brand/[^"]+\.css\?of=north)"', page)
        assert sheet
        self.assertIn("#0f766e", Client().get(sheet[1]).content.decode().lower())


class FrameTest(EmbedCase):
    def frame(self, embed: Embed, **headers: str) -> Any:
        return Client().get(f"/embed/{embed.key}", headers=headers)

    def test_only_its_websites_may_show_it_and_nothing_else_of_the_policy_is_loosened(self) -> None:
        made = self.make(origins=[SITE, "http://localhost:3000"])
        answer = self.frame(made, referer=f"{SITE}/")
        self.assertContains(answer, "An AI assistant answers.")
        policy = dict(each.strip().split(" ", 1) for each in answer["Content-Security-Policy"].split(";"))
        self.assertEqual(policy.pop("frame-ancestors"), f"{SITE} http://localhost:3000")
        usual = dict(each.strip().split(" ", 1) for each in Client().get("/accounts/login")["Content-Security-Policy"].split(";"))
        self.assertEqual(usual.pop("frame-ancestors"), "'none'")
        self.assertEqual({name: value.split(" 'nonce")[0] for name, value in policy.items()},
                         {name: value.split(" 'nonce")[0] for name, value in usual.items()})  # fmt: skip
        self.assertNotIn("X-Frame-Options", answer)
        self.assertEqual((answer["Cache-Control"], dict(answer.cookies)), ("private, no-store", {}))
        self.assertNotIn("csrf", answer.content.decode())

    def test_another_website_and_a_page_of_its_own_are_refused(self) -> None:
        made = self.make()
        for headers in ({"referer": f"{OTHER}/page"}, {"sec-fetch-dest": "document"}, {"referer": f"{SITE}.evil.example/"}):
            answer = self.frame(made, **headers)
            self.assertContains(answer, "This website may not show this widget.", status_code=403)
            self.assertIn(f"frame-ancestors {SITE}", answer["Content-Security-Policy"])

    def test_nothing_of_the_workspace_is_in_the_frame_or_the_script(self) -> None:
        made = self.make(label="", greeting="<b>Hello</b>")
        script = Client().get(f"/embed/{made.key}.js")
        self.assertEqual((script.status_code, script["Content-Type"], dict(script.cookies)), (200, "text/javascript; charset=utf-8", {}))
        frame = self.frame(made).content.decode()
        for words in ("Front desk", "Home page", "Bakker", str(self.assistant.pk)):
            self.assertNotIn(words, script.content.decode() + frame)
        self.assertIn("&lt;b&gt;Hello", frame)
        self.assertIn(f"/embed/{made.key}", script.content.decode())
        self.assertIn("Talk to us", script.content.decode())

    def test_the_words_of_a_widget_cannot_leave_its_script(self) -> None:
        made = self.make(label='</script>"`${x}')
        script = Client().get(f"/embed/{made.key}.js").content.decode()
        line = next(each for each in script.splitlines() if "const widget" in each)
        self.assertEqual(json.loads(line.split(" = ", 1)[1].rstrip(";"))["label"], made.label)
        self.assertNotIn("</script", script)

    def test_gone_with_the_switch_the_feature_and_the_organization(self) -> None:
        now = timezone.now()
        for owner, change in (
            (Embed, {"is_active": False}),
            (self.client_org, {"suspended_at": now}), (self.client_org, {"closed_at": now}), (self.agency, {"suspended_at": now}),
            (Limits, {"features": ["assistants", "place_calls"]}),
        ):  # fmt: skip
            made = self.make()
            self.assertEqual(self.frame(made).status_code, 200)
            with self.acting_for(self.client_org):
                if owner is Embed:
                    Embed.objects.filter(pk=made.pk).update(**change)
                elif owner is Limits:
                    Limits.objects.update_or_create(organization=self.client_org, defaults=change)
            if isinstance(owner, Organization):
                with self.acting_for(owner):
                    Organization.objects.filter(pk=owner.pk).update(**change)
            self.assertContains(self.frame(made), "not available at the moment", status_code=404)
            self.assertEqual(Client().get(f"/embed/{made.key}.js").status_code, 404)
            answer = Client().post(f"/embed/{made.key}/talk", {}, content_type="application/json", headers={"origin": OWN})
            self.assertEqual(answer.status_code, 404)
            if isinstance(owner, Organization):
                with self.acting_for(owner):
                    Organization.objects.filter(pk=owner.pk).update(suspended_at=None, closed_at=None)
        self.assertEqual(Client().get("/embed/pk_unknown").status_code, 404)

    def test_on_the_host_of_another_brand_it_is_not_there(self) -> None:
        made = self.make()
        factories.make_brand("other", "Other")
        self.assertEqual(Client(headers={"host": "other.localhost"}).get(f"/embed/{made.key}").status_code, 404)
        self.assertEqual(Client(headers={"host": "other.localhost"}).get(f"/embed/{made.key}.js").status_code, 404)


class SignUpTest(EmbedCase):
    def setUp(self) -> None:
        super().setUp()
        self.brand = PageTest.open_portal(self)  # type: ignore[arg-type]
        with self.acting_for(self.agency):
            self.agency = Organization.objects.select_related("brand").get(pk=self.agency.pk)
        self.made = self.make(self.agency, kind="sign_up", assistant=None, label="Join")
        self.host = Client(headers={"host": "north.localhost"})

    def test_the_form_hands_over_to_the_portals_page(self) -> None:
        page = self.host.get(f"/embed/{self.made.key}")
        self.assertContains(page, 'action="/sign-up" target="_blank"')
        self.assertNotContains(page, "password\"")
        self.assertNotContains(page, "Switchboard")
        values = {"name": 'Eve "E"', "company": "Eve Ltd", "email": "eve@example.com"}
        form = self.host.get("/sign-up", values)
        for value in ("Eve &quot;E&quot;", "Eve Ltd", "eve@example.com"):
            self.assertContains(form, f'value="{value}"')
        self.assertContains(self.host.get("/sign-up", {"name": "\x00" + "a" * 900}), f'value="{"a" * 254}"')

    def test_it_stands_on_the_brands_own_host_only_and_says_when_nobody_can_sign_up(self) -> None:
        self.assertEqual(Client().get(f"/embed/{self.made.key}").status_code, 404)
        with self.acting_for(self.agency):
            Portal.objects.update(allows_sign_up=False)
        self.assertContains(self.host.get(f"/embed/{self.made.key}"), "Nobody can sign up at the moment")
        answer = self.host.post(f"/embed/{self.made.key}/talk", {}, content_type="application/json", headers={"origin": "http://north.localhost"})
        self.assertEqual(answer.status_code, 404)


class TalkTest(EmbedCase):
    def setUp(self) -> None:
        super().setUp()
        self.sandbox = Sandbox.shared()
        self.addCleanup(self.sandbox.faults)
        self.connection = self.sandbox.connection()
        self.embed = self.make()

    def ask(self, what: str = "talk", origin: str | None = OWN, address: str = "", embed: Embed | None = None, **data: Any) -> Any:
        # A browser with a session is no one else: nothing here knows it.
        browser = Client(REMOTE_ADDR=address or "198.51.100.7", enforce_csrf_checks=True)
        headers = {"origin": origin} if origin is not None else {}
        return browser.post(f"/embed/{(embed or self.embed).key}/{what}", data, content_type="application/json", headers=headers)

    def calls(self) -> list[Call]:
        with self.acting_for(self.client_org):
            return list(Call.objects.for_organization(self.client_org).order_by("created_at"))

    def test_a_talk_from_the_greeting_to_its_end(self) -> None:
        answer = self.ask()
        self.assertEqual(answer.status_code, 200, answer.content)
        self.assertEqual(dict(answer.cookies), {})
        body = answer.json()
        self.assertEqual([(each["role"], each["text"]) for each in body["lines"]], [("assistant", "Good morning.")])
        self.assertEqual((body["simulated"], body["ended"]), (True, False))
        self.assertTrue(body["server_url"].endswith(f"/embed/{self.embed.key}/say"))
        (call,) = self.calls()
        self.assertEqual((call.direction, call.origin, call.assistant_id), ("web", f"embed:{self.embed.pk}", self.assistant.pk))
        for secret in (self.sandbox.url, self.sandbox.key, str(call.ref)):
            self.assertNotIn(secret, answer.content.decode())
        said = self.ask("say", token=body["token"], text="What does it cost?").json()
        self.assertEqual([each["role"] for each in said["lines"]], ["user", "assistant"])
        self.assertEqual(said["lines"][0]["text"], "What does it cost?")
        self.assertEqual(self.ask("end", token=body["token"]).json(), {"lines": [], "ended": True})
        self.assertContains(self.as_(self.cleo).get(f"/o/bakker-dental/calls/{call.public_id}"), "A website widget")

    def test_only_its_websites_and_the_frame_may_ask(self) -> None:
        for origin in (OTHER, None, "null", f"{SITE}:8443", "http://www.bakker.example", "https://testserver.evil.example"):
            for what in ("talk", "say", "end"):
                self.assertEqual(self.ask(what, origin).status_code, 403, origin)
        self.assertEqual(self.calls(), [])
        self.assertEqual(self.ask(origin=SITE).status_code, 200)

    def test_a_token_is_of_one_talk_of_one_widget(self) -> None:
        token = self.ask().json()["token"]
        for wrong in ("", "x", token[:-1] + ("a" if token[-1] != "a" else "b")):
            answer = self.ask("say", token=wrong, text="Hello")
            self.assertEqual((answer.status_code, answer.json()["message"]), (403, "The talk is over."))
        self.assertEqual(self.ask("say", embed=self.make(name="Two"), token=token, text="Hello").status_code, 403)
        self.assertEqual(self.ask("say", token=token, text=" ").status_code, 400)
        self.assertEqual(self.ask("say", token=token, text="x" * 2001).status_code, 400)
        self.assertEqual(self.ask("say", token=token, text=["x"]).status_code, 400)
        with mock.patch.object(embed_talks, "TOKEN_LIVES", embed_talks.HOUR * -1):
            self.assertEqual(self.ask("say", token=token, text="Hello").status_code, 403)

    def test_an_hour_holds_so_many_talks(self) -> None:
        embed = self.make(calls_per_hour=2)
        self.assertEqual([self.ask(embed=embed, address=f"198.51.100.{n}").status_code for n in range(3)], [200, 200, 429])
        answer = self.ask(embed=embed, address="198.51.100.9")
        self.assertEqual(answer.json()["message"], "There were many talks lately. Try again later.")
        self.assertGreater(int(answer["Retry-After"]), 0)
        self.assertEqual(len(self.calls()), 2)

    def test_an_address_gets_some_of_them_only(self) -> None:
        with mock.patch.object(embed_talks, "TALKS_PER_ADDRESS", 1):
            self.assertEqual([self.ask(address=each).status_code for each in ("203.0.113.1", "203.0.113.1", "203.0.113.2")], [200, 429, 200])

    def test_without_the_counter_the_calls_hold(self) -> None:
        embed = self.make(calls_per_hour=1)
        always = mock.Mock(return_value=mock.Mock(allowed=True, retry_after=5))
        with mock.patch.object(embed_talks.rate, "count", always):
            self.assertEqual([self.ask(embed=embed).status_code for _ in range(2)], [200, 429])

    def test_what_is_wrong_in_the_workspace_is_not_told_to_visitors(self) -> None:
        words = "The assistant cannot talk at the moment. Try again later."
        with self.settings(BILL_SIMULATED_CALLS=True):
            answer = self.ask()
        self.assertEqual((answer.status_code, answer.json()), (402, {"message": words}))
        with self.acting_for(self.client_org):
            type(self.assistant).objects.filter(pk=self.assistant.pk).update(is_active=False)
        self.assertEqual((self.ask().status_code, self.ask().json()), (503, {"message": words}))
        self.assertContains(self.as_(self.cleo).get(f"{PATH}/{self.embed.pk}"), "The assistant is not active.")
        with self.acting_for(self.client_org):
            type(self.assistant).objects.filter(pk=self.assistant.pk).update(is_active=True)
            Connection.objects.filter(pk=self.connection.pk).update(engine={"kind": "worker", "features": ["reference"]}, engine_read_at=timezone.now())
        self.assertEqual((self.ask().status_code, self.ask().json()), (409, {"message": words}))
        self.assertContains(self.as_(self.cleo).get(PATH), "Visitors cannot talk at the moment")
        self.assertEqual([each for each in self.calls() if each.started_at], [])

    def test_with_credits_it_is_charged_like_any_call(self) -> None:
        factories.add_credits(self.agency, 100)
        with self.settings(BILL_SIMULATED_CALLS=True):
            self.assertEqual(self.ask().status_code, 200)
        self.assertTrue(self.calls()[0].is_charged)

    def test_limits_of_the_workspace_hold(self) -> None:
        with self.acting_for(self.client_org):
            set_limits(organization=self.client_org, values={"minutes_per_month": 0}, by=SYSTEM, now=timezone.now())
        self.assertEqual(self.ask().status_code, 409)
        self.assertEqual(self.calls(), [])
