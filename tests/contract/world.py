"""What the contract's operations are driven against: three organizations, an engine, Resend, an MCP server, over plain HTTP.

Every object of ours is made through the API itself, once with only what is required and once with everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from apps.assistants.models import AssistantVersion
from apps.campaigns.models import Campaign
from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from apps.voice.models import Connection, new_secret
from tests import factories
from tests.contract import bodies
from tests.engine import Sandbox
from tests.receivers import Receiver, Reply
from tests.resend import KEY as RESEND_KEY
from tests.resend import Resend
from tests.web import Reply as Answer
from tests.web import Web

PARAM = re.compile(r"\{(\w+)\}")


class World:
    """One organization as its program sees it. `send` speaks HTTP; `make(kind)` gives the id of a new object.

    `full` chooses between the smallest and the richest object of a kind.
    """

    def __init__(self, organization: Organization, *, web: Web, engine: Receiver, resend: Resend, mcp_url: str) -> None:
        self.organization, self.web, self.engine, self.resend, self.mcp_url = organization, web, engine, resend, mcp_url
        self.key = factories.make_key(organization)
        self.full = False
        self.resend_key = f"{RESEND_KEY}-{organization.slug}"
        resend.account(self.resend_key)
        self.kept: dict[str, str] = {}
        self.others: tuple[World, ...] = ()

    def send(self, method: str, path: str, body: Any = None, *, key: str | None = None, **options: Any) -> Answer:
        address = path if path.startswith(("/v1/", "/api")) else f"/api/v1{path}"
        return self.web.send(method, address, key=self.key if key is None else key, body=body, **options)

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Like `send`, for what must succeed; returns the parsed body."""
        answer = self.send(method, path, body, **options)
        assert answer.status < 300, f"{method} {path}: {answer.status} {answer.body[:500]!r}"
        return answer.json() if answer.body else None

    def fill(self, path: str) -> str:
        """Put the id of a new object for every `{kind}`, or the one that is kept; those of one path belong together."""
        return PARAM.sub(lambda found: self.kept.get(found[1]) or self.make(found[1]), path)

    def make(self, kind: str) -> str:
        self.kept[kind] = MAKERS[kind](self)
        return self.kept[kind]

    def post(self, path: str, name: str | None) -> str:
        found = self.ask("POST", path, bodies.create(self, path))
        return str((found[name] if name else found)["id"])

    def dialling_number(self) -> str:
        """A number whose trunk can dial."""
        trunk = self.ask("POST", "/sip-trunks", {"name": "Line", "address": "sip.example.com"})["trunk"]["id"]
        body = {"phone_number": bodies.fresh_phone(), "transfer_trunk_id": trunk}
        return str(self.ask("POST", "/numbers", body)["number"]["id"])

    def saved_assistant(self) -> str:
        """An assistant with a first saved version."""
        assistant = self.make("assistant")
        with acting(Scope((self.organization.pk,))):
            AssistantVersion.objects.get_or_create(organization=self.organization, assistant_id=assistant, version=1)
        return assistant

    def store_resend_key(self) -> None:
        self.ask("POST", "/byok", {"provider": "resend", "api_key": self.resend_key})

    def without_domain(self) -> None:
        """No sender domain, an account without domains, and the key to it."""
        self.store_resend_key()
        self.send("DELETE", "/domains")
        self.resend.account(self.resend_key).domains.clear()

    def with_domain(self) -> None:
        """A domain: fresh, or verified with all it can have when `full`."""
        self.without_domain()
        found = self.ask("POST", "/domains", {"domain_name": bodies.fresh_name("mail")})
        if self.full:
            self.resend.account(self.resend_key).domains[found["domain"]["resend_domain_id"]]["status"] = "verified"
            self.ask("POST", "/domains/refresh")

    def empty_byok(self) -> None:
        for slot in ("openai", "resend", "mistral"):
            self.ask("DELETE", "/byok", {"provider": slot})


def _lead(world: World) -> str:
    campaign = world.kept.get("campaign") or world.make("campaign")
    return world.post(f"/campaigns/{campaign}/leads", "lead")


def _call(world: World) -> str:
    """An ended call, as bare as a refused one or with all a call can have."""
    if not world.full:
        nothing = dict.fromkeys(
            ("own_number", "other_number", "end_reason", "duration_seconds", "started_at", "ended_at", "summary", "messages")
        )
        return str(factories.make_call(world.organization, **nothing | {"status": "connecting"}).public_id)
    assistant = factories.make_assistant(world.organization, business_name="Bakker Dental")
    number = factories.make_number(world.organization, assistant=assistant)
    call = factories.make_call(
        world.organization, assistant=assistant, assistant_name=assistant.name, business_name="Bakker Dental", number=number,
        metadata={"crm_id": "77"}, reference=bodies.fresh_word("order"), analysis_result={"day": "Monday"}, error="Late",
        recording_url="https://engine.example.org/r.wav", usage=[{"part": "stt", "key": "own"}],
    )  # fmt: skip
    return str(call.public_id)


def _running(world: World) -> str:
    """A call in progress at a stand-in engine that takes every command."""
    row = {"organization": world.organization, "name": "Stand-in", "is_active": False, "base_url": world.engine.url}
    with acting(Scope((world.organization.pk,))):
        connection, _made = Connection.objects.get_or_create(**row, defaults={"api_key": "k", "hook_secret": new_secret()})
    fields = {"status": "in-progress", "ref": bodies.fresh_word("eng"), "ended_at": None, "end_reason": None}
    return str(factories.make_call(world.organization, connection=connection, **fields).public_id)


def _calling_lead(world: World) -> str:
    """A lead with all a lead can have, in the middle of an attempt."""
    campaign = factories.make_campaign(world.organization)
    world.kept["campaign"] = str(campaign.pk)
    call = factories.make_call(world.organization)
    lead = factories.make_lead(
        campaign, status="calling", last_call_id=call.public_id, attempts=1, last_attempt_at=factories.NOW,
        timezone="Europe/Berlin", region="DE-BY", consent="express", consent_at=factories.NOW, consent_proof="form 4711",
    )
    return str(lead.pk)


def _waiting_lead(world: World) -> str:
    """A lead of the running campaign."""
    with acting(Scope((world.organization.pk,))):
        campaign = Campaign.objects.select_related("organization").get(pk=world.kept["running_campaign"])
    return str(factories.make_lead(campaign).pk)


def _called_campaign(world: World) -> str:
    """A campaign that is over, with a lead whom nobody reached."""
    campaign = factories.make_campaign(world.organization, status="completed")
    factories.make_lead(campaign, status="failed", result="no_answer")
    return str(campaign.pk)


MAKERS: dict[str, Callable[[World], str]] = {
    "assistant": lambda world: world.post("/assistants", "assistant"),
    "tool_template": lambda world: world.post("/tool-templates", "tool_template"),
    "number": lambda world: world.post("/numbers", "number"),
    "trunk": lambda world: world.post("/sip-trunks", "trunk"),
    "analysis_template": lambda world: world.post("/analysis-templates", "analysis_template"),
    "campaign": lambda world: world.post("/campaigns", "campaign"),
    "lead": _lead,
    "calling_lead": _calling_lead,
    "running_campaign": lambda world: str(factories.make_campaign(world.organization, status="scheduled").pk),
    "waiting_lead": _waiting_lead,
    "called_campaign": _called_campaign,
    "chat": lambda world: world.post("/chats", None),
    "workflow": lambda world: world.post("/workflows", "workflow"),
    "mcp_server": lambda world: world.post("/mcp-servers", "mcp_server"),
    "call": _call,
    "running": _running,
    "unknown": lambda world: str(uuid4()),
}


def stand_in() -> Receiver:
    """An engine that takes every live command."""
    return Receiver(Reply(200, {"success": True, "message": "Command sent successfully"}))


def sandbox_connection() -> Sandbox:
    sandbox = Sandbox.shared()
    sandbox.connection()
    return sandbox
