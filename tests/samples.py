"""Samples for the walk: rows of one organization that its addresses name. A new route takes its sample from here."""

from __future__ import annotations

import itertools
from typing import Any, ClassVar
from uuid import UUID

from django.core.files.base import ContentFile

from apps.assistants.models import AssistantVersion
from apps.assistants.versions import kept_values
from apps.billing.models import Plan
from apps.branding.models import Domain
from apps.calls.models import RefusalUpload
from apps.campaigns.columns import guess_columns
from apps.campaigns.models import RulePack, Upload
from apps.core.scope import Scope, acting
from apps.organizations.models import ApiKey, Invitation, Job, Organization
from apps.portal.models import Announcement, Embed, LibraryItem, SignUp
from apps.portal.services.export import store
from apps.voice.models import Connection, Mirror
from tests import factories
from tests.billing.selling import make_invoice, make_package, make_purchase
from tests.routes import Route


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
