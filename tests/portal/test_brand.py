"""An agency's portal: opened, dressed, closed; and what its clients' people and strangers get."""

from __future__ import annotations

import io

from django.db import transaction
from django.test import Client, override_settings
from PIL import Image

from apps.accounts.models import User
from apps.branding.images import read_picture
from apps.branding.looks import look_of, mail_logo
from apps.branding.models import Brand, BrandImage
from apps.branding.pictures import fetch_picture, set_picture
from apps.core import db
from apps.core.errors import Conflict, Forbidden, Invalid
from apps.core.pdf import Document
from apps.core.scope import Scope, acting
from apps.mail.delivery import email_of
from apps.mail.models import Message
from apps.mail.services import rendered
from apps.organizations.models import Organization
from apps.organizations.services import SYSTEM
from apps.portal.models import Portal
from apps.portal.services.portals import open_portal, save_picture, switch_portal
from tests import factories
from tests.cases import TenantCase
from tests.receivers import Receiver, Reply

PORTAL = "bright.localhost"


def png(width: int = 120, height: int = 60, colour: str = "#cc2200") -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (width, height), colour).save(out, "PNG")
    return out.getvalue()


class PortalCase(TenantCase):
    def opened(self) -> Brand:
        return open_portal(agency=self.agency, slug="bright", name="Bright Voice", by=SYSTEM, now=db.now())

    def reload(self, organization: Organization) -> Organization:
        with acting(Scope((organization.pk,))):
            return Organization.objects.select_related("brand").get(pk=organization.pk)


class OpenTest(PortalCase):
    def test_the_agency_and_its_clients_wear_the_new_brand(self) -> None:
        brand = self.opened()
        self.assertEqual({self.reload(each).brand for each in (self.agency, self.client_org)}, {brand})
        self.assertTrue(self.reload(self.agency).owns_brand)
        self.assertFalse(self.reload(self.client_org).owns_brand)
        self.assertNotEqual(self.reload(self.stranger).brand, brand)
        with self.acting_for(self.agency):
            self.assertEqual(Portal.objects.for_organization(self.agency).count(), 1)

    def test_a_second_time_changes_nothing(self) -> None:
        first = self.opened()
        self.assertEqual(open_portal(agency=self.agency, slug="other", name="Other", by=SYSTEM, now=db.now()), first)
        self.assertFalse(Brand.objects.filter(slug="other").exists())

    def test_people_of_clients_move_and_are_told_others_stay(self) -> None:
        factories.make_member(self.client_org, self.dov, "viewer")  # works elsewhere, too
        brand = self.opened()
        self.assertEqual(User.objects.get(pk=self.cleo.pk).brand, brand)
        for each in (self.ada, self.ben, self.dov):
            self.assertTrue(User.objects.get(pk=each.pk).brand.is_installation)
        with self.acting_for(self.client_org):
            mails = list(Message.objects.filter(organization_id=self.client_org.pk))
        self.assertEqual([each.to for each in mails], ["cleo@example.com"])
        self.assertIn("http://bright.localhost", mails[0].text)
        browser = Client(headers={"host": PORTAL})
        answer = browser.post("/accounts/login", {"login": "cleo@example.com", "password": factories.PASSWORD})
        self.assertEqual(answer.status_code, 302)
        self.assertEqual(browser.get(f"/o/{self.client_org.slug}/").status_code, 200)

    def test_refused(self) -> None:
        with self.assertRaises(Forbidden):
            open_portal(agency=self.client_org, slug="mine", name="Mine", by=SYSTEM, now=db.now())
        with self.assertRaises(Conflict):
            open_portal(agency=self.agency, slug="admin", name="Admin", by=SYSTEM, now=db.now())
        factories.make_brand("taken", "Taken")
        with self.assertRaises(Conflict):
            open_portal(agency=self.agency, slug="taken", name="Again", by=SYSTEM, now=db.now())


class ClosedTest(PortalCase):
    def setUp(self) -> None:
        self.opened()
        self.visitor = Client(headers={"host": PORTAL})

    def close(self) -> None:
        agency = self.reload(self.agency)
        with self.acting_for(agency):
            switch_portal(agency=agency, is_open=False, by=SYSTEM, now=db.now())

    def test_visitors_get_a_neutral_page_and_nobody_signs_in(self) -> None:
        self.assertEqual(self.visitor.get("/accounts/login").status_code, 200)
        self.close()
        for path in ("/", "/accounts/login", f"/o/{self.client_org.slug}/calls", "/accounts/password/reset"):
            answer = self.visitor.get(path)
            self.assertEqual(answer.status_code, 503, path)
            self.assertNotContains(answer, "Switchboard", status_code=503)
        data = {"login": "cleo@example.com", "password": factories.PASSWORD}
        self.assertEqual(self.visitor.post("/accounts/login", data).status_code, 503)
        self.assertEqual(self.visitor.get("/api/v1/calls").json()["type"], "portal_closed")

    def test_engines_and_machines_are_answered(self) -> None:
        self.close()
        self.assertEqual(self.visitor.get("/api/v1/health").status_code, 200)
        self.assertNotEqual(self.visitor.post("/hooks/engine/unknown", {}).status_code, 503)
        self.assertEqual(self.visitor.get("/robots.txt").status_code, 200)

    def test_the_agency_works_on_and_opens_again(self) -> None:
        self.close()
        ada = self.as_(self.ada)
        page = f"/o/{self.agency.slug}/portal/brand"
        self.assertContains(ada.get(page), "The portal is closed")
        self.assertRedirects(ada.post(f"/o/{self.agency.slug}/portal/switch?to=open"), page)
        self.assertEqual(self.visitor.get("/accounts/login").status_code, 200)


class PageTest(PortalCase):
    def test_who_sees_it(self) -> None:
        page = f"/o/{self.agency.slug}/portal/brand"
        self.assertContains(self.as_(self.ada).get(page), "Open your portal")
        self.assertEqual(self.as_(self.ben).get(page).status_code, 403)
        self.assertEqual(self.as_(self.dov).get(page).status_code, 404)
        for name in ("brand", "open", "brand/preview", "brand/colours.css"):
            self.assertEqual(self.as_(self.cleo).get(f"/o/{self.client_org.slug}/portal/{name}").status_code, 404)

    def test_opened_by_the_form(self) -> None:
        ada, page = self.as_(self.ada), f"/o/{self.agency.slug}/portal/open"
        bad = ada.post(page, {"name": "Bright", "slug": "Not An Address"})
        self.assertContains(bad, "Use 3 to 40 small letters", status_code=422)
        self.assertEqual(ada.post(page, {"name": "Bright", "slug": "bright"}).status_code, 302)
        self.assertTrue(Brand.objects.filter(slug="bright", name="Bright").exists())

    def test_the_brand_is_saved_and_shown_on_its_host(self) -> None:
        self.opened()
        ada = self.as_(self.ada)
        data = {
            "name": "Bright & Co", "primary_color": "#facc15", "accent_color": "#0EA5E9", "font": "lora", "language": "nl",
            "support_email": "help@bright.example", "support_url": "https://bright.example/help", "terms_url": "bright.example/terms",
            "privacy_url": "https://bright.example/privacy", "help_url": "", "sender_name": "Bright\r\nBcc: x@y.z",
            "sign_in_title": "Welcome back", "sign_in_text": "Your calls wait.",
        }  # fmt: skip
        self.assertEqual(ada.post(f"/o/{self.agency.slug}/portal/brand", data).status_code, 302)
        brand = Brand.objects.get(slug="bright")
        self.assertEqual((brand.primary_color, brand.terms_url), ("#FACC15", "https://bright.example/terms"))
        self.assertEqual(brand.sender_name, "Bright Bcc: x@y.z")
        page = Client(headers={"host": PORTAL}).get("/accounts/login")
        for text in ("Bright &amp; Co", "Welcome back", "Your calls wait.", "https://bright.example/terms", 'lang="nl"', "fonts/lora/latin.woff2"):
            self.assertContains(page, text)
        self.assertNotContains(page, "Switchboard")

    def test_a_wrong_colour_is_refused_and_the_preview_keeps_the_old_one(self) -> None:
        self.opened()
        ada, page = self.as_(self.ada), f"/o/{self.agency.slug}/portal/brand"
        answer = ada.post(page, {"name": "Bright", "primary_color": "red;}", "accent_color": "#0ea5e9", "font": "inter"})
        self.assertContains(answer, "six hexadecimal digits", status_code=422)
        preview = ada.get(f"{page}/preview", {"name": "Typed name", "primary_color": "red;}", "accent_color": "#112233"})
        self.assertContains(preview, "Typed name")
        self.assertContains(preview, "accent_color=%23112233")
        css = ada.get(f"{page}/colours.css", {"primary_color": "#ff0000", "accent_color": "x{}"}).content.decode()
        self.assertIn("--color-primary:#ff0000", css)
        self.assertNotIn("x{}", css)

    def test_a_pale_colour_is_darkened_and_that_is_said(self) -> None:
        self.opened()
        answer = self.as_(self.ada).get(f"/o/{self.agency.slug}/portal/brand/preview", {"primary_color": "#facc15"})
        self.assertContains(answer, "the darker shade")


class LookTest(PortalCase):
    """Mails, documents, API pages and errors wear the brand, and name nobody else."""

    def setUp(self) -> None:
        self.brand = self.opened()
        fields = {
            "sender_name": "Bright desk", "support_email": "help@bright.example", "terms_url": "https://bright.example/terms",
            "support_url": "https://bright.example/help", "help_url": "https://bright.example/manual",
        }  # fmt: skip
        Brand.objects.filter(pk=self.brand.pk).update(**fields)
        self.brand.refresh_from_db()
        self.host = Client(headers={"host": PORTAL})

    def logo(self) -> None:
        with transaction.atomic():
            picture = read_picture(png(400, 100), kind="logo_light")
            set_picture(brand=self.brand, kind="logo_light", picture=picture, source_url="", now=db.now())

    def test_a_mail_wears_logo_colours_sender_and_reply_address(self) -> None:
        self.logo()
        with self.acting_for(self.client_org):
            message = Message.objects.get(organization_id=self.client_org.pk)
            _subject, text, html = rendered(brand=self.brand, template="portal_address", context={"name": "N", "email": "e@x.y", "path": "/"})
            email = email_of(Message(brand=self.brand, to="a@b.c", subject="S", text=text, html=html))
        self.assertEqual(message.brand, self.brand)
        self.assertEqual((email.from_email.split(" <")[0], email.reply_to), ("Bright desk", ["help@bright.example"]))
        self.assertIn('src="http://bright.localhost', html)
        self.assertIn('width="144" height="36" alt="Bright Voice"', html)
        for part in (text, html, str(email.message())):
            self.assertNotIn("switchboard", part.lower())
        self.assertEqual(self.host.get(mail_logo(self.brand)["path"])["Content-Type"], "image/png")

    def test_a_document_wears_the_logo_and_names_only_the_brand(self) -> None:
        plain = look_of(self.brand)
        self.logo()
        look = look_of(self.brand)
        self.assertEqual((plain.logo, look.foot, look.plate), (b"", "Bright Voice · help@bright.example", "#ffffff"))
        made = [
            Document(each, title="Report", subtitle="", language="en", page_words="%(page)d", now=db.now()).content() for each in (plain, look)
        ]
        self.assertIn(b"/Subtype /Image", made[1])
        self.assertNotIn(b"/Subtype /Image", made[0])
        self.assertNotIn(b"witchboard", made[1])
        self.assertNotIn(b"fpdf", made[1].lower())

    def test_api_pages_and_errors_are_the_brands(self) -> None:
        for path in ("/api/docs", "/api/openapi.json", "/nothing-here", "/accounts/login", "/accounts/password/reset", "/manifest.webmanifest"):
            with self.subTest(path):
                answer = self.host.get(path, headers={"accept": "text/html"})
                shown = answer.content.decode() + str(dict(answer.items()))
                self.assertNotIn("switchboard", shown.lower())
        signed_in = self.as_(User.objects.get(pk=self.cleo.pk), host=PORTAL)
        for path in ("/api/docs", "/api/openapi.json"):
            self.assertIn("Bright Voice", signed_in.get(path).content.decode())
            self.assertNotIn("switchboard", signed_in.get(path).content.decode().lower())
        page = self.host.get("/nothing-here", headers={"accept": "text/html"})
        self.assertContains(page, "Bright Voice", status_code=404)

    def test_the_engine_page_names_no_upstream(self) -> None:
        page = f"/o/{self.client_org.slug}/settings/engine"
        shown = self.as_(User.objects.get(pk=self.cleo.pk), host=PORTAL).get(page).content.decode()
        self.assertIn("Hosted account", shown)
        self.assertNotIn("sovereign", shown.lower())
        self.assertIn("HMS Sovereign account", self.as_(self.ada).get(f"/o/{self.agency.slug}/settings/engine").content.decode())

    def test_an_unknown_host_names_nobody(self) -> None:
        answer = Client(headers={"host": "nobody.localhost", "accept": "text/html"}).get("/")
        self.assertEqual(answer.status_code, 421)
        for name in ("switchboard", "bright"):
            self.assertNotIn(name, answer.content.decode().lower())

    def test_the_frame_links_to_the_brands_own_help_and_terms(self) -> None:
        self.host.force_login(User.objects.get(pk=self.cleo.pk), backend="allauth.account.auth_backends.AuthenticationBackend")
        page = self.host.get(f"/o/{self.client_org.slug}/")
        for link in ("https://bright.example/manual", "https://bright.example/terms", "https://bright.example/help"):
            self.assertContains(page, link)
        self.assertNotContains(page, "Switchboard")


class FetchTest(PortalCase):
    def test_a_picture_is_fetched_once_and_judged(self) -> None:
        self.opened()
        agency = self.reload(self.agency)
        with Receiver() as server, override_settings(WEBHOOK_ALLOWED_NETWORKS=["127.0.0.0/8"]):
            server.reply = Reply(body=png())
            with self.acting_for(agency):
                save_picture(agency=agency, kind="sign_in", content=b"", url=f"{server.url}/a.png", by=SYSTEM, now=db.now())
            server.reply = Reply(status=302, headers={"Location": "http://127.0.0.1:9/"})
            with self.assertRaises(Invalid):
                fetch_picture(f"{server.url}/b.png")
        row = BrandImage.objects.get(brand=agency.brand)
        self.assertEqual((row.kind, row.content_type, len(server.received)), ("sign_in", "image/webp", 2))
        self.assertTrue(row.source_url.endswith("/a.png"))
        with self.assertRaises(Invalid):
            fetch_picture("https://127.0.0.1/a.png")
        with override_settings(DEVELOPMENT=False), self.assertRaises(Invalid):
            fetch_picture("http://example.com/a.png")


class PictureTest(PortalCase):
    def setUp(self) -> None:
        self.brand = self.opened()
        self.browser = self.as_(self.ada)
        self.address = f"/o/{self.agency.slug}/portal/brand/picture"

    def upload(self, content: bytes, name: str = "logo.png", kind: str = "logo_light") -> str:
        file = io.BytesIO(content)
        file.name = name
        answer = self.browser.post(self.address, {"kind": kind, "file": file}, follow=True, headers={"referer": f"http://testserver/o/{self.agency.slug}/portal/brand"})
        return answer.content.decode()

    def test_a_logo_is_encoded_anew_and_icons_are_made(self) -> None:
        self.assertIn("The picture was saved.", self.upload(png() + b"<script>alert(1)</script>"))
        rows = {row.kind: row for row in BrandImage.objects.filter(brand=self.brand)}
        self.assertEqual({kind: (row.width, row.height) for kind, row in rows.items()}, {
            "logo_light": (120, 60), "favicon": (32, 32), "icon_192": (192, 192), "icon_512": (512, 512),
        })  # fmt: skip
        self.assertNotIn(b"<script>", bytes(rows["logo_light"].content))
        host = Client(headers={"host": PORTAL})
        page = host.get("/accounts/login").content.decode()
        path = f"/brand/pictures/logo-light/{rows['logo_light'].digest[:16]}"
        self.assertIn(path, page)
        answer = host.get(path)
        self.assertEqual((answer["Content-Type"], answer.content), ("image/png", bytes(rows["logo_light"].content)))
        self.assertIn("immutable", answer["Cache-Control"])
        self.assertEqual(Client().get(path).content, answer.content)  # whoever edits it sees it where she works
        other = factories.make_brand("other", "Other")
        self.assertEqual(Client(headers={"host": f"{other.slug}.localhost"}).get(path).status_code, 404)

    def test_removed_with_its_icons(self) -> None:
        self.upload(png())
        self.browser.post(self.address, {"kind": "logo_light", "remove": "on"})
        self.assertFalse(BrandImage.objects.filter(brand=self.brand).exists())

    def test_refused(self) -> None:
        svg = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
        wide = Image.new("1", (6001, 20))
        out = io.BytesIO()
        wide.save(out, "PNG")
        bomb = io.BytesIO()
        Image.new("1", (5900, 5900)).save(bomb, "PNG")
        for content, text in (
            (svg, "SVG files can hold scripts"), (b"GIF89a nothing", "not a picture that can be read"), (b"%PDF-1.7", "not a picture"),
            (out.getvalue(), "The picture is too large"), (bomb.getvalue(), "The picture is too large"), (png(8, 8), "too small"),
            (png() + b"0" * 2 * 1024 * 1024, "larger than 2 MB"), (png()[:60], "not a picture"),
        ):  # fmt: skip
            with self.subTest(text):
                self.assertIn(text, self.upload(content))
        self.assertFalse(BrandImage.objects.exists())

    def test_other_kinds_cannot_be_uploaded(self) -> None:
        self.upload(png(), kind="favicon")
        self.assertFalse(BrandImage.objects.exists())


class HostTest(PortalCase):
    def test_manifest_icon_and_robots_are_the_brands(self) -> None:
        self.opened()
        host = Client(headers={"host": PORTAL})
        manifest = host.get("/manifest.webmanifest")
        self.assertEqual(manifest["Content-Type"], "application/manifest+json")
        found = manifest.json()
        self.assertEqual((found["name"], found["theme_color"]), ("Bright Voice", "#4F46E5"))
        for icon, side in zip(found["icons"], (192, 512), strict=True):
            picture = Image.open(io.BytesIO(host.get(icon["src"]).content))
            self.assertEqual(picture.size, (side, side))
        self.assertEqual(Image.open(io.BytesIO(host.get("/favicon.ico").content)).size, (32, 32))
        self.assertEqual(host.get("/robots.txt").content, b"User-agent: *\nDisallow: /\n")
