"""Rows for tests. Each function writes in the scope of the row's organization."""

from __future__ import annotations

import datetime as dt
import itertools
import uuid
from typing import Any

from allauth.idp.oidc.models import Client, Token

from apps.accounts.models import User, username_of
from apps.assistants.models import AnalysisTemplate, Assistant, McpServer, ToolTemplate, Workflow
from apps.assistants.schema import defaults
from apps.billing.models import CREDIT, LedgerEntry
from apps.branding.models import INSTALLATION_ID, Brand
from apps.calls.models import Call, DoNotCall
from apps.calls.refusals import digest_of
from apps.campaigns.models import Campaign, Lead
from apps.campaigns.rules.places import place_of
from apps.catalog.models import ProviderKey, SenderDomain
from apps.chats.models import ChatMessage
from apps.core.scope import Scope, acting
from apps.numbers.models import PhoneNumber, SipTrunk
from apps.organizations.models import Membership, Organization, Visit
from apps.organizations.services import SYSTEM, create_key
from apps.webhooks.models import Attempt, Delivery
from apps.webhooks.targets import url_digest

_count = itertools.count(1)
PASSWORD = "correct horse 7"
NOW = dt.datetime(2026, 11, 18, 10, 0, tzinfo=dt.UTC)  # a Wednesday


def installation() -> Brand:
    brand, _made = Brand.objects.get_or_create(
        pk=INSTALLATION_ID, defaults={"slug": "installation", "name": "Switchboard"}
    )
    return brand


def make_brand(slug: str = "northwind", name: str = "Northwind Voice", **fields: Any) -> Brand:
    return Brand.objects.create(slug=slug, name=name, **fields)


def make_user(name: str, brand: Brand | None = None, email: str = "", **fields: Any) -> User:
    brand = brand or installation()
    email = email or f"{name.lower()}@example.com"
    user = User(brand=brand, username=username_of(brand.pk, email), email=email, name=name, **fields)
    user.set_password(PASSWORD)
    user.save()
    user.emailaddress_set.create(email=email, verified=True, primary=True)
    return user


def make_organization(
    name: str, *, brand: Brand | None = None, parent: Organization | None = None, **fields: Any
) -> Organization:
    slug = fields.pop("slug", name.lower().replace(" ", "-").replace("&", "and"))
    row = Organization(name=name, slug=slug, brand=brand or installation(), parent=parent, **fields)
    with acting(Scope((row.pk,))):
        row.save(force_insert=True)
    return row


def make_member(organization: Organization, user: User, role: str) -> Membership:
    with acting(Scope((organization.pk,))):
        return Membership.objects.create(organization=organization, user=user, role=role)


def make_key(organization: Organization, *, read_only: bool = False) -> str:
    """An API key; returns its secret."""
    with acting(Scope((organization.pk,))):
        return create_key(organization=organization, name="test", by=SYSTEM, read_only=read_only)[1]


def make_connection(organization: Organization, user: User, *, name: str = "Desk helper", **data: Any) -> str:
    """A program that `user` connected to an organization; returns the connection's id. Its token is of no use."""
    brand = str(organization.brand_id)
    client = Client.objects.create(name=name, type="public", redirect_uris="http://127.0.0.1/", data={"brand": brand})
    connection = str(uuid.uuid4())
    data = {"connection": connection, "organization": str(organization.pk), "since": NOW.isoformat()} | data
    Token.objects.create(
        type="rt", hash=uuid.uuid4().hex, client=client, user=user, data=data, scopes="read\nwrite",
        expires_at=NOW.replace(year=2099),
    )  # fmt: skip
    return connection


def add_credits(organization: Organization, credits: int) -> LedgerEntry:
    return _make(
        LedgerEntry,
        organization,
        key=f"test:{next(_count)}",
        kind="credit",
        amount=credits * CREDIT,
        used_by=organization.pk,
    )


def make_assistant(organization: Organization, **fields: Any) -> Assistant:
    values = {"name": f"Front desk {next(_count)}", "first_message": "Good morning."} | defaults() | fields
    names = {field.name for field in Assistant._meta.get_fields()}
    return _make(Assistant, organization, **{key: value for key, value in values.items() if key in names})


def make_tool_template(organization: Organization, **fields: Any) -> ToolTemplate:
    config = {"description": "Checks a free slot", "url": "https://example.com/slot"}
    values = {"name": f"check_slot_{next(_count)}", "tool_type": "function", "tool_config": config}
    return _make(ToolTemplate, organization, **values | fields)


def make_analysis_template(organization: Organization, **fields: Any) -> AnalysisTemplate:
    values = {
        "name": f"Appointment {next(_count)}", "system_prompt": "You read calls.", "user_prompt": "{transcript}",
        "schema": {"type": "object", "properties": {"day": {"type": "string"}}},
    }  # fmt: skip
    return _make(AnalysisTemplate, organization, **values | fields)


def make_workflow(organization: Organization, **fields: Any) -> Workflow:
    nodes = [{"id": "greet", "type": "conversation", "instructions": "Greet."}, {"id": "bye", "type": "end"}]
    edges = [{"from": "greet", "to": "bye", "description": "The caller is done."}]
    definition = {"version": 1, "entry_node": "greet", "nodes": nodes, "edges": edges}
    return _make(Workflow, organization, **{"name": f"Workflow {next(_count)}", "definition": definition} | fields)


def make_mcp_server(organization: Organization, **fields: Any) -> McpServer:
    values = {"name": f"Booking {next(_count)}", "url": "https://mcp.example.org/mcp"}
    return _make(McpServer, organization, **values | fields)


def make_trunk(organization: Organization, **fields: Any) -> SipTrunk:
    return _make(SipTrunk, organization, **{"name": f"Trunk {next(_count)}", "address": "sip.example.com"} | fields)


def make_number(organization: Organization, **fields: Any) -> PhoneNumber:
    return _make(
        PhoneNumber, organization, **{"phone_number": f"+3185000{next(_count):04d}", "name": "Main line"} | fields
    )


def make_provider_key(organization: Organization, slot: str, secret: str = "sk-test", **fields: Any) -> ProviderKey:
    return _make(ProviderKey, organization, **{"slot": slot, "secret": secret, "set_by": "test", "set_at": NOW} | fields)


def make_sender_domain(organization: Organization, **fields: Any) -> SenderDomain:
    return _make(SenderDomain, organization, **{"domain_name": f"mail{next(_count)}.example.org"} | fields)


def make_delivery(organization: Organization, url: str, **fields: Any) -> Delivery:
    """A delivery that was given up after one attempt."""
    values = {
        "key": f"test:{next(_count)}", "event": "status-update", "level": "account", "owner_id": str(organization.pk),
        "url": url, "url_digest": url_digest(url), "body": '{"message":{"type":"status-update"}}', "status": "dead",
        "attempt_count": 1,
    }  # fmt: skip
    row = _make(Delivery, organization, **values | fields)
    if row.attempt_count:
        _make(Attempt, organization, delivery=row, number=1, sent_at=NOW, seconds=0.1, status_code=500, answer="Sorry")
    return row


def make_call(organization: Organization, **fields: Any) -> Call:
    values = {
        "direction": "inbound", "status": "ended", "end_reason": "user_hangup", "own_number": "+31850000001",
        "other_number": f"+316{next(_count):08d}", "key": f"test:{next(_count)}", "duration_seconds": 84, "is_simulated": True,
        "started_at": NOW, "ended_at": NOW + dt.timedelta(seconds=84), "summary": "Caller wants an appointment.",
        "messages": [{"role": "assistant", "content": "Hello."}, {"role": "user", "content": "Hi."}],
    }  # fmt: skip
    return _make(Call, organization, **values | fields)


def make_campaign(organization: Organization, **fields: Any) -> Campaign:
    if "assistant" not in fields:
        fields["assistant"] = make_assistant(organization)
    return _make(Campaign, organization, **{"name": f"Spring recall {next(_count)}"} | fields)


def make_lead(campaign: Campaign, **fields: Any) -> Lead:
    position = next(_count)
    values = {"phone_number": f"+4420794{position:05d}", "position": position, "variables": {"name": "Sam"}}
    values |= fields
    told = {name: values.get(name, "") for name in ("phone_number", "timezone", "region")}
    return _make(Lead, campaign.organization, campaign=campaign, **{"place": place_of(**told)} | values)


def make_refusal(organization: Organization, number: str, **fields: Any) -> DoNotCall:
    return _make(DoNotCall, organization, phone_number=number, digest=digest_of(organization.pk, number), **fields)


def make_chat_message(organization: Organization, **fields: Any) -> ChatMessage:
    values = {"contact_id": "+31600000001", "channel": "whatsapp", "role": "user", "content": f"Message {next(_count)}"}
    return _make(ChatMessage, organization, **values | fields)


def make_visits(user: User) -> None:
    """Where `user` works for an agency: a visit that runs in each of its clients."""
    with acting(Scope(operator=True)):
        agencies = Organization.objects.filter(parent=None, pk__in=Membership.objects.filter(user=user).values("organization"))
        for client in Organization.objects.filter(parent__in=agencies).select_related("parent"):
            Visit.objects.create(
                organization=client, user=user, person=str(user), agency_id=client.parent_id, agency_name=client.parent.name,
                reason="Test", until=dt.datetime.now(dt.UTC) + dt.timedelta(hours=8),
            )  # fmt: skip


def _make(model: Any, organization: Organization, **fields: Any) -> Any:
    with acting(Scope((organization.pk,))):
        return model.objects.create(organization=organization, **fields)
