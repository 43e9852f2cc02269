"""The table of api 7, row by row: how each operation is asked, and what it answers.

`{kind}` in a path is the id of a new object of that kind, made anew for every request.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.contract import bodies, fields
from tests.contract.kinds import BOOL, COUNT, OBJECT, TEXT, Fields, Kind, ListOf, MapOf, exactly

if TYPE_CHECKING:
    from tests.contract.world import World

UNHEARD = {"llm_config": {"provider": "openai", "model": "gpt-unheard-of"}}
Body = Callable[["World"], Any] | dict[str, Any] | None


@dataclass(frozen=True)
class Operation:
    """`sends`: bodies of good requests, each sent in turn. `before` prepares what no address can name."""

    row: str
    method: str
    path: str
    status: int
    answer: Kind | None
    sends: tuple[Body, ...] = (None,)
    before: Callable[[World], None] | None = None
    agent: str = ""
    deprecated: bool = False
    is_public: bool = False

    def __str__(self) -> str:
        return f"{self.row} {self.method} {self.path}{' as ' + self.agent if self.agent else ''}"

    @property
    def route(self) -> str:
        """The path without ids and query, to compare with our routes."""
        return "/".join("{}" if part.startswith("{") else part for part in self.path.partition("?")[0].split("/"))


def resolve(body: Body, world: World) -> Any:
    return body(world) if callable(body) else body


def one(name: str, kind: Kind, /, **others: Any) -> Fields:
    return Fields(f"{name} envelope", **{name: kind}, **others)


def bare(path: str) -> Body:
    return lambda world: bodies.BARE[path](world)


def full(path: str) -> Body:
    return lambda world: bodies.FULL[path](world)


def _objects(
    rows: tuple[str, ...], path: str, kind: str, plural: str, single: str, item: Kind, patch: tuple[Body, ...], *, row_item: Kind | None = None,
    warns: bool = False,
) -> list[Operation]:  # fmt: skip
    """The usual five: list, create, get, change, delete. `patch`: bodies, in turn for a bare and a full object; empty: no PATCH exists."""
    others = {"warnings": fields.WARNINGS} if warns else {}
    whole, own = one(single, item, **others), f"/{path}/{{{kind}}}"
    found = [
        Operation(rows[0], "GET", f"/{path}", 200, one(plural, ListOf(row_item or item))),
        Operation(rows[1], "POST", f"/{path}", 201, whole, (bare(path), full(path))),
        Operation(rows[2], "GET", own, 200, whole),
    ]
    if patch:
        found.append(Operation(rows[3], "PATCH", own, 200, whole, patch))
    return [*found, Operation(rows[-1], "DELETE", own, 200, fields.SUCCESS)]


def _agents() -> list[Operation]:
    both = Fields("agent envelope", agent=fields.ASSISTANT, assistant=fields.ASSISTANT, warnings=fields.WARNINGS)
    lists = Fields("agents envelope", agents=ListOf(fields.ASSISTANT), assistants=ListOf(fields.ASSISTANT))
    own = "/agents/{assistant}"
    return [
        Operation("6", "GET", "/agents", 200, lists, deprecated=True),
        Operation("7", "POST", "/agents", 201, both, (bare("agents"), full("agents")), deprecated=True),
        Operation("8", "GET", own, 200, both, deprecated=True),
        Operation("9", "PATCH", own, 200, both, ({}, {"name": "Night desk"}, UNHEARD), deprecated=True),
        Operation("10", "DELETE", own, 200, fields.SUCCESS, deprecated=True),
    ]


def _assistant_patches() -> tuple[Body, ...]:
    cleared = ("business_name", "notification_email", "notification_emails", "recording_consent", "first_message", "max_duration_seconds",
               "voicemail_detection", "voicemail_message", "webhook_url", "webhook_secret", "webhook_events", "analysis_plan", "tts_config", "speech_config")  # fmt: skip
    return (
        {}, full("assistants"), dict.fromkeys(cleared), bodies.MIXED,
        {"llm_config": bodies.REALTIME, "tts_config": None},
        UNHEARD,
    )  # fmt: skip


def _calls() -> list[Operation]:
    def saved(world: World) -> dict[str, Any]:
        return {"destination": bodies.fresh_phone(), "assistant_id": world.make("assistant"), "number_id": world.kept["dialling"]}

    def overridden(world: World) -> dict[str, Any]:
        override = {"metadata": {"crm_id": "77"}, "llm_config": {"temperature": 0.2}}
        return saved(world) | {"assistant_override": override, "first_message": "Hello.", "reference": bodies.fresh_word("order")}

    def one_time(name: str) -> Body:
        return lambda world: {"destination": bodies.fresh_phone(), name: bodies.ONE_TIME, "number_id": world.kept["dialling"]}

    def by_agent(world: World) -> dict[str, Any]:
        return {"destination": "+31 6 0000-0001", "agent_id": world.make("assistant"), "number_id": world.kept["dialling"]}

    commands: tuple[Body, ...] = (
        {"type": "inject-context", "content": "The next slot is at ten.", "trigger_response": True}, {"type": "say", "content": "One moment.", "end_after": True},
        {"type": "end-call", "message": "Goodbye."}, {"type": "transfer", "destination": "+31201234567", "message": "One moment."},
        {"type": "transfer", "destination": "sip:desk@example.org"},
    )  # fmt: skip
    talks: tuple[Body, ...] = (
        lambda world: {"assistant_id": world.make("assistant")},
        lambda world: {"agent_id": world.make("assistant"), "assistant_override": {"metadata": {"page": "/prices"}}},
        {"assistant": bodies.ONE_TIME},
    )  # fmt: skip
    page = {"pagination": fields.PAGE}
    return [
        Operation("21", "GET", "/calls", 200, one("calls", ListOf(fields.CALL), **page)),
        Operation("22", "GET", "/calls/{call}", 200, fields.CALL),
        Operation("23", "POST", "/calls/outbound", 200, fields.OUTBOUND, (saved, overridden, by_agent, *map(one_time, ("assistant", "agent", "agent_config"))), _dialling),
        Operation("24", "POST", "/calls/{running}/control", 200, fields.CONTROL, commands),
        Operation("W1", "POST", "/v1/web-calls", 200, fields.WEB_CALL, talks),
        Operation("W1", "POST", "/calls/web", 200, fields.WEB_CALL, talks[:1]),
        Operation("25", "GET", "/usage", 200, Fields("usage envelope", logs=ListOf(fields.USAGE), summary=fields.SUMMARY, **page)),
    ]  # fmt: skip


def _dialling(world: World) -> None:
    """A number with a trunk that can dial."""
    world.kept["dialling"] = world.dialling_number()


def _byok() -> list[Operation]:
    keys = {"byok_keys": fields.BYOK_KEYS}
    config = {"byok_config": MapOf(OBJECT)}
    stored = Fields("byok stored", success=exactly(True), **keys)

    def all_keys(world: World) -> None:
        for slot in fields.SLOTS:
            key = '{"type": "service_account"}' if slot == "google_vertex" else world.resend_key if slot == "resend" else "sk-canary"
            world.ask("POST", "/byok", {"provider": slot, "api_key": key})

    def one_key(world: World) -> None:
        world.ask("POST", "/byok", {"provider": "openai", "api_key": "sk-canary"})

    vertex = {"provider": "google_vertex", "api_key": '{"type": "service_account"}'}
    return [
        Operation("31", "GET", "/byok", 200, Fields("byok envelope", **keys)),
        Operation("32", "POST", "/byok", 200, stored, ({"provider": "openai", "api_key": "sk-canary"}, vertex)),
        Operation("33", "DELETE", "/byok", 200, stored, ({"provider": "openai"}, {"provider": "xai"}), one_key),
        Operation("34", "GET", "/byok/config", 200, Fields("byok config", providers=ListOf(fields.BYOK_PROVIDER), **config)),
        Operation("35", "POST", "/byok/config", 200, Fields("byok config stored", **config), ({"provider": "openai", "config": {"model": "gpt-5.4"}},), one_key),
        Operation("31", "GET", "/byok", 200, Fields("byok envelope", **keys), before=all_keys),
    ]  # fmt: skip


def _domains() -> list[Operation]:
    def first(world: World) -> dict[str, Any]:
        return {"domain_name": bodies.fresh_name("mail")}

    def older_spelling(world: World) -> dict[str, Any]:
        world.without_domain()
        return {"domain": bodies.fresh_name("mail")}

    def at_resend(name: str) -> Body:
        return lambda world: {name: world.resend.add(bodies.fresh_name("mail"), "verified", key=world.resend_key)}

    def without(world: World) -> None:
        world.without_domain()

    def with_one(world: World) -> None:
        world.with_domain()

    older = {"agent": "hmsovereign-node/1.3.0"}
    remote = ListOf(fields.REMOTE_DOMAIN)
    synced = Fields("domain synced", domain=fields.DOMAIN, message=exactly("Domain synced successfully from Resend"), success=exactly(True))
    return [
        Operation("36", "GET", "/domains", 200, fields.MAYBE_DOMAIN, before=without),
        Operation("36", "GET", "/domains", 200, fields.MAYBE_DOMAIN, (None, None), before=with_one),
        Operation("37", "POST", "/domains", 201, fields.WITH_DOMAIN, (first, older_spelling), without),
        Operation("38", "DELETE", "/domains", 200, fields.SUCCESS, before=with_one),
        Operation("39", "GET", "/domains/sync", 200, Fields("domains envelope", domains=remote, selected_domain_id=TEXT.n), before=without),
        Operation("39", "GET", "/domains/sync", 200, Fields("domains envelope", domains=remote, selected_domain_id=TEXT.n), before=with_one),
        Operation("40", "POST", "/domains/sync", 200, synced, (at_resend("resendDomainId"), at_resend("domain_id")), with_one),
        Operation("41", "POST", "/domains/verify", 200, Fields("domain verified", domain=fields.DOMAIN, verified=BOOL), (None, None), with_one),
        Operation("42", "POST", "/domains/refresh", 200, fields.WITH_DOMAIN, (None, None), with_one),
        Operation("36", "GET", "/domains", 200, fields.OLDER_DOMAIN, (None, None), with_one, **older),
        Operation("37", "POST", "/domains", 201, fields.OLDER_DOMAIN, (first,), without, **older),
        Operation("39", "GET", "/domains/sync", 200, remote, before=with_one, **older),
        Operation("42", "POST", "/domains/refresh", 200, fields.OLDER_DOMAIN, before=with_one, **older),
    ]  # fmt: skip


def _organizations() -> list[Operation]:
    retention = {"content_retention_days": 30, "metadata_retention_days": 730}
    return [
        Operation("48", "GET", "/organizations", 200, fields.ORGANIZATION),
        Operation("48", "GET", "/organizations?include_children=true", 200, fields.ORGANIZATION),
        Operation("49", "POST", "/organizations", 201, fields.ORGANIZATION_CREATED, (
            lambda world: {"name": bodies.fresh_word("Kid"), "parent_org_id": str(world.organization.pk)},
            lambda world: {"name": bodies.fresh_word("Own"), "email": "own@example.org"},
        )),
        Operation("50", "PATCH", "/organizations", 200, fields.RETENTION, (retention,)),
        Operation("51", "GET", "/account", 200, fields.ORGANIZATION, deprecated=True),
    ]  # fmt: skip


def _campaigns() -> list[Operation]:
    patch = {"name": "Autumn", "system_message_template": None, "schedule_start_time": "08:15", "schedule_days": [6, 7], "number_id": None}
    found = _objects(("52", "53", "54", "55", "56"), "campaigns", "campaign", "campaigns", "campaign", fields.CAMPAIGN, ({}, patch))
    return [
        *found,
        Operation("57", "GET", "/campaigns/{campaign}/leads", 200, one("leads", ListOf(fields.LEAD), pagination=fields.PAGE)),
        Operation("58", "POST", "/campaigns/{campaign}/leads", 201, one("lead", fields.LEAD), (bare("leads"), full("leads"))),
        Operation("59", "DELETE", "/campaigns/{campaign}/leads/{lead}", 200, fields.SUCCESS),
        Operation("C1", "POST", "/campaigns/{campaign}/leads/{lead}/skip", 200, one("lead", fields.LEAD)),
        Operation("C2", "POST", "/campaigns/{running_campaign}/leads/{waiting_lead}/call-now", 200, one("lead", fields.LEAD), ({"whenever": True},)),
        Operation("C3", "POST", "/campaigns/{called_campaign}/redial", 201, one("campaign", fields.CAMPAIGN), (None, {"name": "Again", "outcomes": ["no_answer"]})),
    ]  # fmt: skip


def _chats() -> list[Operation]:
    contact = "contact_id=%2B31600000001"
    page = {"pagination": fields.PAGE}
    return [
        Operation("61", "POST", "/chats", 201, fields.CHAT, (bare("chats"), full("chats")), deprecated=True),
        Operation("62", "GET", f"/chats?{contact}", 200, one("messages", ListOf(fields.CHAT), **page), deprecated=True),
        Operation("63", "DELETE", "/chats/{chat}", 204, None, deprecated=True),
        Operation("64", "GET", f"/chats/context?{contact}", 200, fields.CONTEXT, deprecated=True),
        Operation("64", "GET", f"/chats/context?{contact}&agent_id={{assistant}}", 200, fields.CONTEXT, deprecated=True),
    ]


def operations() -> list[Operation]:
    """Every operation, in the order of the contract."""
    tool_patch: tuple[Body, ...] = ({}, {"description": None, "tool_config": {"description": "Other"}}, {"name": "stop"}, {"tool_config": {}})
    number_patch = ({}, {"assistant_id": None, "workflow_id": None, "transfer_trunk_id": None, "name": None, "is_active": False})
    plain = _objects(("11", "12", "13", "14", "15"), "tool-templates", "tool_template", "tool_templates", "tool_template", fields.TOOL_TEMPLATE, tool_patch, warns=True)
    plain.insert(2, Operation("12", "POST", "/tool-templates", 201, plain[1].answer, (bodies.OLDER_FUNCTION, bodies.FLAT_FUNCTION)))
    templates = _objects(("43", "44", "45", "46", "47"), "analysis-templates", "analysis_template", "analysis_templates", "analysis_template", fields.ANALYSIS_TEMPLATE, ({}, {"description": None}))
    listed = Fields("analysis list", analysis_templates=ListOf(fields.ANALYSIS_TEMPLATE), data=ListOf(fields.ANALYSIS_TEMPLATE), total=COUNT, limit=COUNT, offset=COUNT)
    templates[0] = Operation("43", "GET", "/analysis-templates", 200, listed)
    assistants = _objects(("1", "2", "3", "4", "5"), "assistants", "assistant", "assistants", "assistant", fields.ASSISTANT, (), warns=True)
    whole = one("assistant", fields.ASSISTANT, warnings=fields.WARNINGS)
    assistants.insert(3, Operation("4", "PATCH", "/assistants/{assistant}", 200, whole, _assistant_patches()))
    tested = ({}, None, {"headers": {"X-Api-Key": "k"}})
    return [
        *assistants, *_agents(), *plain,
        *_objects(("16", "17", "18", "19", "20"), "numbers", "number", "numbers", "number", fields.NUMBER_ROW, number_patch),
        *_calls(),
        *_objects(("26", "27", "28", "29"), "sip-trunks", "trunk", "trunks", "trunk", fields.TRUNK, ()),
        Operation("30", "GET", "/voices", 200, one("voices", ListOf(fields.VOICE))),
        *_byok(), *_domains(), *templates,
        Operation("43", "GET", "/analysis-templates?limit=1&offset=1", 200, listed),
        *_organizations(), *_campaigns(),
        Operation("60", "GET", "/health", 200, fields.HEALTH, is_public=True),
        *_chats(),
        *_objects(("65", "66", "67", "68", "69"), "workflows", "workflow", "workflows", "workflow", fields.WORKFLOW, ({}, {"definition": bodies.SMALL_DEFINITION | {"nodes": [bodies.NODES[0] | UNHEARD]}}), row_item=fields.WORKFLOW_ROW, warns=True),
        *_objects(("70", "71", "72", "73", "74"), "mcp-servers", "mcp_server", "mcp_servers", "mcp_server", fields.MCP_SERVER, ({}, {"headers": {}, "timeout_seconds": 5})),
        Operation("75", "POST", "/mcp-servers/{mcp_server}/test", 200, fields.MCP_TEST, tested),
        Operation("E1", "GET", "/engine", 200, fields.ENGINE),
    ]  # fmt: skip
