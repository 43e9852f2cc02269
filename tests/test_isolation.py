"""The walk: every page and API operation, every method, as every stranger.

Each route needs a sample below; a route without one fails the build. The owner must get an answer below 400 from each of
them (what the walk never opens is not covered); everybody else must get exactly what a stranger gets for something that
does not exist.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar
from uuid import UUID

from django.core.files.base import ContentFile
from django.test import Client, override_settings
from django.urls import URLPattern, URLResolver, get_resolver

from apps.assistants.models import AssistantVersion
from apps.assistants.versions import kept_values
from apps.billing.models import Plan
from apps.branding.models import Domain
from apps.calls.models import RefusalUpload
from apps.campaigns.columns import guess_columns
from apps.campaigns.models import RulePack, Upload
from apps.core.scope import Scope, acting
from apps.organizations.models import ApiKey, Invitation, Job, Membership, Organization
from apps.portal.models import Announcement, Embed, LibraryItem, SignUp
from apps.portal.services.export import store
from apps.voice.models import Connection, Mirror
from tests import factories
from tests.billing.selling import make_buyer, make_invoice, make_package, make_purchase, make_seller
from tests.cases import TenantCase
from tests.resend import Resend
from tests.stripe import StripeServer

SAFE = ("get", "head", "options")
METHODS = ("get", "post", "patch", "put", "delete")
# Not an organization's: each is tested where it lives.
OUTSIDE = {
    "brand_css", "brand_picture", "favicon", "manifest", "robots", "home", "profile", "set_language", "invitation", "mailbox", "mailbox_message", "engine_hook", "health", "certificate",
    "styleguide", "internal_ask", "openapi", "api_docs", "api_docs_page", "recording", "mcp",
    "lead_hook", "stripe_hook", "embed_script", "embed_frame", "embed_talk", "embed_say", "embed_end",
}  # fmt: skip
OUTSIDE_PREFIXES = ("account_", "mfa_", "usersessions_", "admin:", "profile_", "mailbox_", "invitation_",
                    "oauth_", "idp:")  # fmt: skip
# Only an agency has these, and the demo's button only a demo.
AGENCYS = {"portal_sign_up", "sign_ups", "library", "library_item", "library_job", "portal", "portal_address", "portal_brand", "brand_preview", "brand_colours", "brand_picture_save", "portal_open", "portal_switch",
           "clients", "client_create", "client_account", "client_limits", "clients_file", "clients_progress", "announcements", "client", "client_access",
           "client_delete", "client_export_file", "client_wallet", "margin", "margin_csv", "demo_remove",
           "portal_payments", "sales", "sales_invoices", "packages", "package_create", "package_edit", "plans", "plans_progress", "plan_create", "plan_edit",
           "sale", "sale_paid", "sale_refund", "sale_invoice", "sale_invoice_paid"}
# Fragments that need to be told what to show.
_CONTACT = "?contact_id=%2B31600000001"
QUERY = {
    "assistant_part": "?part=tts&provider=elevenlabs",
    "client_limits": "?client=bakker-dental",
    **dict.fromkeys(("api_chats", "api_chat_context", "browsable:api_chats", "browsable:api_chat_context"), _CONTACT),
}
# Waits for a call that is on its way: what never comes looks like what is somebody else's.
SAYS_NOTHING = {"call_incoming"}


@dataclass
class Route:
    name: str
    pattern: str
    params: tuple[str, ...]
    view: Any = field(repr=False)

    @property
    def is_api(self) -> bool:
        return self.pattern.startswith(("api/v1/", "v1/"))

    @property
    def is_browsable(self) -> bool:
        return self.pattern.startswith("o/<slug:org>/api/v1/")

    @property
    def is_page(self) -> bool:
        return f"{self.pattern}/".startswith("o/<slug:org>/") and not self.is_browsable


def routes() -> list[Route]:
    return list(_walk(get_resolver().url_patterns, "", "", ()))


def _walk(patterns: Any, prefix: str, space: str, outer: tuple[str, ...]) -> Iterator[Route]:
    for each in patterns:
        text = prefix + str(each.pattern)
        params = (*outer, *each.pattern.converters)
        if isinstance(each, URLResolver):
            inner = f"{space}{each.namespace}:" if each.namespace else space
            yield from _walk(each.url_patterns, text, inner, params)
        elif isinstance(each, URLPattern):
            yield Route(space + (each.name or ""), text, params, each.callback)


class Thing:
    """Rows of one organization, one of each kind that an address can name."""

    exports: ClassVar[dict[str, UUID]] = {}
    sold: ClassVar[dict[str, UUID]] = {}

    def __init__(self, organization: Organization) -> None:
        self.organization = organization
        self.assistant = factories.make_assistant(organization, name="Secret-canary assistant")
        factories._make(
            AssistantVersion, organization, assistant=self.assistant, version=1, values=kept_values(self.assistant), actor="Secret-canary"
        )
        self.tool_template = factories.make_tool_template(organization, name="Secret_canary_tool")
        self.analysis_template = factories.make_analysis_template(organization, name="Secret-canary analysis")
        self.workflow = factories.make_workflow(organization, name="Secret-canary workflow")
        self.mcp_server = factories.make_mcp_server(organization, name="Secret-canary server")
        self.trunk = factories.make_trunk(organization, name="Secret-canary trunk")
        self.number = factories.make_number(
            organization, name="Secret-canary line", assistant=self.assistant, transfer_trunk=self.trunk
        )
        self.call = factories.make_call(
            organization, summary="Secret-canary summary", assistant=self.assistant, ref=f"eng-{organization.slug}"
        )
        self.campaign = factories.make_campaign(organization, name="Secret-canary campaign", assistant=self.assistant)
        self.lead = factories.make_lead(self.campaign, variables={"name": "Secret-canary lead"})
        self.key = factories._make(
            ApiKey, organization, name="Secret-canary key", prefix="fl_live_abcd", digest=_digest()
        )
        self.invitation = factories._make(
            Invitation, organization, email="secret-canary@example.com", role="viewer", digest=_digest(),
            expires_at=factories.NOW.replace(year=2099),
        )  # fmt: skip
        self.upload = factories._make(
            Upload, organization, campaign=self.campaign, filename="secret-canary.csv",
            mapping=guess_columns(["Telefon", "Name"]).as_json(), content=b"Telefon;Name\n+442079460101;Secret-canary\n", country="DE",
        )  # fmt: skip
        self.refusal = factories.make_refusal(organization, "+442079460199", reason="Secret-canary")
        self.refusal_file = factories._make(
            RefusalUpload, organization, filename="secret-canary.csv", content=b"", imported_at=factories.NOW, good=1, known=0, bad=1,
            bad_rows=b"Phone;Why\nSecret-canary;letters\n",
        )  # fmt: skip
        self.pack = factories._make(
            RulePack, organization, country="NL", valid_from=factories.NOW.date(), rules={"marketing": {}}, note="Secret-canary note"
        )
        self.provider_key = factories.make_provider_key(organization, "resend", f"re_{organization.slug}")
        self.sender_domain = factories.make_sender_domain(
            organization, domain_name=f"secret-canary.{organization.slug}.example", resend_domain_id=f"d-{organization.slug}",
            records=[{"record": "SPF", "name": "secret-canary", "type": "TXT", "ttl": "Auto", "status": "pending",
                      "value": "Secret-canary", "priority": None}],
        )  # fmt: skip
        self.erasure = factories._make(
            Job, organization, kind="erase_person", status="done", total=6, done=6,
            data={"digest": f"secret-canary-{organization.slug}", "by": "Secret-canary", "counts": {"calls": 2},
                  "finished_at": "2026-11-18T10:00:00+00:00", "is_refused": False},
        )  # fmt: skip
        self.library_item = factories._make(
            LibraryItem, organization, kind="assistant", object_id=self.assistant.pk, note="Secret-canary note"
        )
        self.library_push = factories._make(
            Job, organization, kind="push_library", status="done", total=1, done=1,
            data={"item": str(self.library_item.pk), "name": "Secret-canary item", "clients": {}, "by": "Secret-canary", "results": {}},
        )  # fmt: skip
        self.copy = factories._make(
            Mirror, organization, connection=_engine(), kind="assistant", object_id=self.assistant.pk, error="Secret-canary refusal"
        )
        self.delivery = factories.make_delivery(organization, "https://example.com/secret-canary", call_id=self.call.public_id)
        self.chat = factories.make_chat_message(organization, content="Secret-canary message")
        self.member = factories.make_member(
            organization,
            factories.make_user(f"Secret-canary {organization.slug}", email=f"m@{organization.slug}.example"),
            "viewer",
        )
        self.announcement = factories._make(Announcement, organization, title="Secret-canary", text="x", author="x")
        Thing.exports[organization.slug] = _export(organization)
        self.domain = Domain.objects.create(brand=organization.brand, host=f"secret-canary.{organization.slug}.example", token="Secret-canary")
        self.sign_up = SignUp.objects.create(
            user=self.member.user, brand=organization.brand, company="Secret-canary company", status=SignUp.Status.WAITING
        )
        self.embed = factories._make(
            Embed, organization, kind="talk", name="Secret-canary widget", key=f"pk_{organization.slug}", assistant=self.assistant,
            origins=["https://www.example.com"],
        )  # fmt: skip
        self.connection = factories.make_connection(organization, self.member.user, name="Secret-canary app")
        self.package = make_package(organization, name="Secret-canary package")
        self.plan = factories._make(Plan, organization, name="Secret-canary plan", price_cents=900)
        self.purchase = make_purchase(organization, name="Secret-canary purchase")
        self.invoice = make_invoice(organization)
        if organization.slug == "bakker-dental":
            Thing.sold = {"purchase": self.purchase.pk, "invoice": self.invoice.pk}

    def sample(self, route: Route) -> dict[str, Any]:
        """The parameters of a route, filled with this organization's rows. KeyError: the route needs a sample."""
        found = {}
        for param in route.params:
            found[param] = self.organization.slug if param == "org" else self._value(route, param)
        return found

    def _value(self, route: Route, param: str) -> Any:
        pattern = route.pattern.removeprefix("o/<slug:org>/").removeprefix("api/v1/")
        first = pattern.split("/")[0]
        kinds = {
            "assistants": self.assistant.pk, "agents": self.assistant.pk, "numbers": self.number.pk, "trunks": self.trunk.pk,
            "sip-trunks": self.trunk.pk, "campaigns": self.campaign.pk, "calls": self.call.public_id,
            "do-not-call": self.refusal_file.pk if "import" in pattern else self.refusal.pk, "chats": self.chat.pk, "workflows": self.workflow.pk,
            "webhooks": self.assistant.pk if "addresses" in pattern else self.delivery.pk,
            "embeds": self.embed.pk, "mcp-servers": self.mcp_server.pk, "tool-templates": self.tool_template.pk,
            "analysis-templates": self.analysis_template.pk, "copies": self.copy.pk,
            "sales": self.package.pk if "packages" in pattern else self.plan.pk,
        }  # fmt: skip
        if pattern.startswith("sales/of/"):
            return "bakker-dental" if param == "client" else Thing.sold["invoice" if "invoices" in pattern else "purchase"]
        by_param = {
            "purchase": self.purchase.pk, "invoice": self.invoice.pk,
            "call_id": self.call.public_id, "lead_id": self.lead.pk, "lead_pk": self.lead.pk, "ref": self.call.ref, "lead": self.lead.pk, "upload_id": self.upload.pk,
            "upload": self.upload.pk, "key_id": self.key.pk, "member_id": self.member.pk, "invitation_id": self.invitation.pk,
            "item": self.library_item.pk, "push": self.library_push.pk, "sign_up": self.sign_up.pk,
            "name": "sandbox", "connection_id": self.connection, "version": 1, "domain": self.domain.pk,
            "client": "bakker-dental", "announcement": self.announcement.pk, "job": Thing.exports.get("bakker-dental"),
        }  # fmt: skip
        if param in by_param:
            return by_param[param]
        if param == "pk" and first in kinds:
            return kinds[first]
        if first == "settings":
            for word, row in (("country-rules", self.pack), ("key", self.key), ("invitation", self.invitation), ("member", self.member), ("erase", self.erasure)):
                if word in pattern:
                    return row.pk
        raise KeyError(f"{route.name}: no sample for <{param}> of {route.pattern}")


_numbers = itertools.count(1)


def _engine() -> Connection:
    """A connection of nobody's that carries no calls."""
    with acting(Scope(())):
        return Connection.objects.create(name="Engine", base_url="http://127.0.0.1:9", is_active=False)


def _export(organization: Organization) -> UUID:
    """A finished export with its file."""
    job = factories._make(Job, organization, kind="export", status="done")
    with acting(Scope((organization.pk,))):
        job.data = {"file": store().save(f"exports/{job.pk.hex}.zip", ContentFile(b"PK"))}
        job.save()
    return UUID(str(job.pk))


def _digest() -> bytes:
    return next(_numbers).to_bytes(32, "big")


def path_of(route: Route, values: dict[str, Any]) -> str:
    path = "/" + route.pattern
    for param, value in values.items():
        for converter in ("slug", "uuid", "str", "int", "path"):
            path = path.replace(f"<{converter}:{param}>", str(value)).replace(f"<{param}>", str(value))
    assert "<" not in path, path
    return path


class WalkTest(TenantCase):
    def setUp(self) -> None:
        resend = self.enterContext(Resend())
        self.enterContext(override_settings(RESEND_API_URL=resend.url))
        self.enterContext(override_settings(STRIPE_API_URL=self.enterContext(StripeServer()).url))
        for each in (self.agency, self.stranger):
            make_seller(each)
        make_buyer(self.client_org)
        for each in (self.client_org, self.agency, self.stranger):
            resend.account(f"re_{each.slug}")
        self.ours = Thing(self.client_org)
        self.theirs = Thing(self.stranger)
        factories.add_credits(self.agency, 100)
        factories.add_credits(self.stranger, 100)

    def own_routes(self) -> list[Route]:
        return [each for each in routes() if each.is_page or each.is_api or each.is_browsable]

    def test_every_route_is_known(self) -> None:
        unknown = [
            each.name or each.pattern
            for each in routes()
            if not (each.is_page or each.is_api or each.is_browsable)
            and each.name not in OUTSIDE
            and not each.name.startswith(OUTSIDE_PREFIXES)
            and not each.pattern.startswith(("admin/", "accounts/"))
        ]
        self.assertEqual(unknown, [])
        for each in self.own_routes():
            self.ours.sample(each)

    def test_the_owner_opens_every_page(self) -> None:
        """Every GET of Cleo's own pages, and every GET of her API, answers below 400."""
        self.agency.is_demo = True
        with self.acting_for(self.agency):
            self.agency.save()
        agency, ada = Thing(self.agency), self.as_(self.ada)
        cleo, key = self.as_(self.cleo), self.api(self.client_org)
        opened, wrong = 0, []
        for each in self.own_routes():
            thing, person = (agency, ada) if each.name in AGENCYS else (self.ours, cleo)
            path = path_of(each, thing.sample(each)) + QUERY.get(each.name, "")
            answer = key.client.get(path) if each.is_api else person.get(path)
            if answer.status_code == 405:
                continue
            opened += 1
            if answer.status_code >= 400:
                wrong.append(f"{each.name} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])
        print(f"\nwalk: {opened} pages and operations opened by their owner")
        self.assertGreater(opened, 80)

    def strangers(self) -> list[tuple[str, Client]]:
        child_of_other = factories.make_organization("Dove Child", parent=self.stranger)
        kid = factories.make_user("Kid")
        factories.make_member(child_of_other, kid, "owner")
        ended = factories.make_user("Ended", is_active=False)
        factories.make_member(self.client_org, ended, "owner")
        gone = factories.make_user("Gone")
        membership = factories.make_member(self.client_org, gone, "owner")
        with self.acting_for(self.client_org):
            Membership.objects.filter(pk=membership.pk).delete()
        return [("Dov", self.as_(self.dov)), ("Kid", self.as_(kid)), ("Gone", self.as_(gone))]

    def test_strangers_get_404_for_every_page_and_method(self) -> None:
        wrong, count = [], 0
        for name, browser in self.strangers():
            for each in self.own_routes():
                if each.is_api:
                    continue
                path = path_of(each, self.ours.sample(each))
                for method in METHODS:
                    answer = getattr(browser, method)(path)
                    count += 1
                    if answer.status_code != 404 or b"ecret-canary" in answer.content:
                        wrong.append(f"{name} {method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])
        print(f"\nwalk: {count} requests of strangers answered 404")
        self.assertGreater(count, 1000)

    def test_nobody_signed_in_is_sent_to_sign_in(self) -> None:
        wrong = []
        for each in self.own_routes():
            if each.is_api:
                continue
            answer = Client().get(path_of(each, self.ours.sample(each)), headers={"accept": "text/html"})
            if answer.status_code != 302 or not answer["Location"].startswith("/accounts/login"):
                wrong.append(f"{each.name}: {answer.status_code}")
        self.assertEqual(wrong, [])

    def test_our_slug_with_their_ids_is_404(self) -> None:
        """Dov's own address with Cleo's rows in it: as absent as a random id, for every method."""
        dov, key = self.as_(self.dov), self.api(self.stranger)
        wrong, count = [], 0
        for each in self.own_routes():
            if not set(each.params) - {"org", "name"}:
                continue
            values = self.ours.sample(each) | ({"org": self.stranger.slug} if "org" in each.params else {})
            path = path_of(each, values)
            for method in METHODS:
                if each.is_api:
                    answer = (
                        getattr(key.client, method)(path, {}, content_type="application/json")
                        if method != "get"
                        else key.client.get(path)
                    )
                else:
                    answer = getattr(dov, method)(path)
                count += 1
                silent = each.name in SAYS_NOTHING and answer.status_code == 200
                if (answer.status_code not in (404, 405) and not silent) or b"ecret-canary" in answer.content:
                    wrong.append(f"{method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])
        self.assertGreater(count, 100)

    def test_lists_never_show_a_strangers_rows(self) -> None:
        dov, key = self.as_(self.dov), self.api(self.stranger)
        wrong = []
        for each in self.own_routes():
            if set(each.params) - {"org"}:
                continue
            path = path_of(each, {"org": self.stranger.slug} if "org" in each.params else {})
            answer = key.client.get(path) if each.is_api else dov.get(path)
            shown = answer.content.decode()
            if any(
                str(pk) in shown
                for pk in (
                    self.ours.assistant.pk,
                    self.ours.number.pk,
                    self.ours.campaign.pk,
                    self.ours.call.public_id,
                    self.client_org.pk,
                )
            ):
                wrong.append(path)
        self.assertEqual(wrong, [])

    def test_bad_keys_get_401_for_every_operation(self) -> None:
        revoked = factories.make_key(self.client_org)
        with self.acting_for(self.client_org):
            ApiKey.objects.filter(prefix=revoked[:12]).update(revoked_at=factories.NOW)
        wrong = []
        for each in self.own_routes():
            if not each.is_api or each.name == "api_health":
                continue
            path = path_of(each, self.ours.sample(each))
            for header in ({}, {"authorization": "Bearer fl_live_wrong"}, {"authorization": f"Bearer {revoked}"}):
                for method in METHODS:
                    answer = getattr(Client(headers=header), method)(path)
                    if answer.status_code != 401 or answer["Content-Type"] != "application/json":
                        wrong.append(f"{method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])

    def test_a_read_only_key_may_only_get(self) -> None:
        key = self.api(self.client_org, read_only=True)
        wrong = []
        for each in self.own_routes():
            if not each.is_api or each.name == "api_health":
                continue
            path = path_of(each, self.ours.sample(each))
            for method in ("post", "patch", "delete"):
                answer = getattr(key.client, method)(path, {}, content_type="application/json")
                if answer.status_code != 403:
                    wrong.append(f"{method} {path}: {answer.status_code}")
        self.assertEqual(wrong, [])

    def test_a_viewer_changes_nothing(self) -> None:
        viewer = factories.make_user("Vera")
        factories.make_member(self.client_org, viewer, "viewer")
        browser = self.as_(viewer)
        wrong = []
        for each in self.own_routes():
            if each.is_api:
                continue
            answer = browser.post(path_of(each, self.ours.sample(each)), {})
            if answer.status_code < 400 and not (answer.status_code == 302 and _refused(answer)):
                wrong.append(f"{each.name}: {answer.status_code}")
        self.assertEqual(wrong, [])

    def test_the_agencys_people_reach_their_client(self) -> None:
        self.assertEqual(self.as_(self.ada).get(f"/o/{self.client_org.slug}/").status_code, 200)
        self.assertEqual(self.as_(self.cleo).get(f"/o/{self.agency.slug}/").status_code, 404)


def _refused(answer: Any) -> bool:
    """A form sent by a person without the right goes back to where it came from; nothing was changed."""
    return "/accounts/" not in answer["Location"] and bool(answer.wsgi_request._messages._queued_messages)
