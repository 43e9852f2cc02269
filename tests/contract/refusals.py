"""Every error that api 8 and 9 name, operation by operation. What each operation shares is in the test itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.contract import bodies
from tests.contract.operations import Body

if TYPE_CHECKING:
    from tests.contract.world import World

MISSING, WRONG, UNKNOWN = "missing_field", "invalid_value", "unknown_provider"
NOBODY = "0190f3c2-7b1e-7c4d-9a55-3f0e8c6d1b27"


@dataclass(frozen=True)
class Refusal:
    """`who`: whose program asks: ours, a client's, or one without money. `faults` of the sandbox hold for the request."""

    row: str
    method: str
    path: str
    status: int
    type: str
    param: str | None = None
    body: Body = None
    before: Callable[[World], None] | None = None
    who: str = "ours"
    agent: str = ""
    faults: tuple[tuple[str, Any], ...] = ()

    def __str__(self) -> str:
        return f"{self.row} {self.method} {self.path} {self.status} {self.type} {self.param or ''}"


def _assistants() -> list[Refusal]:
    def with_part(part: str, **config: Any) -> dict[str, Any]:
        return {"name": "a", part: config}

    llm, tts, stt = {"provider": "openai", "model": "gpt-5.4"}, {"provider": "elevenlabs", "voice_id": "v"}, bodies.STT
    wrong: list[tuple[str, dict[str, Any], str]] = [
        ("name", {}, MISSING), ("name", {"name": None}, MISSING), ("name", {"name": ""}, WRONG), ("name", {"name": 7}, WRONG),
        ("name", {"name": "x" * 201}, WRONG), ("notification_email", {"name": "a", "notification_email": "nobody"}, WRONG),
        ("notification_emails", {"name": "a", "notification_emails": ["a@example.org"] * 6}, WRONG),
        ("recording_consent.enabled", {"name": "a", "recording_consent": {"message": "m"}}, MISSING),
        ("recording_consent.message", {"name": "a", "recording_consent": {"enabled": True}}, MISSING),
        ("first_message", {"name": "a", "first_message": "x" * 2001}, WRONG), ("is_active", {"name": "a", "is_active": None}, WRONG),
        ("is_active", {"name": "a", "is_active": "true"}, WRONG), ("max_duration_seconds", {"name": "a", "max_duration_seconds": 0}, WRONG),
        ("silence_timeout_seconds", {"name": "a", "silence_timeout_seconds": 61}, WRONG),
        ("silence_timeout_seconds", {"name": "a", "silence_timeout_seconds": None}, WRONG),
        ("gdpr_mode", {"name": "a", "gdpr_mode": None}, WRONG), ("webhook_url", {"name": "a", "webhook_url": "ftp://example.com"}, WRONG),
        ("webhook_secret", {"name": "a", "webhook_secret": ""}, WRONG), ("webhook_secret", {"name": "a", "webhook_secret": "x" * 256}, WRONG),
        ("webhook_events", {"name": "a", "webhook_events": "status-update"}, WRONG), ("llm_config", {"name": "a", "llm_config": None}, WRONG),
        ("stt_config", {"name": "a", "stt_config": None}, WRONG), ("llm_config.provider", with_part("llm_config", provider="acme", model="m"), UNKNOWN),
        ("llm_config.provider", with_part("llm_config", model="m"), MISSING), ("llm_config.model", with_part("llm_config", provider="openai"), MISSING),
        ("stt_config.language", with_part("stt_config", provider="deepgram", model="nova-3-general"), MISSING),
        ("tts_config.voice_id", with_part("tts_config", provider="elevenlabs"), MISSING),
        ("llm_config.temperature", with_part("llm_config", **llm, temperature=2.1), WRONG),
        ("llm_config.max_completion_tokens", with_part("llm_config", **llm, max_completion_tokens=0), WRONG),
        ("llm_config.voice", with_part("llm_config", **bodies.REALTIME | {"voice": "nobody"}), WRONG),
        ("llm_config.speed", with_part("llm_config", **bodies.REALTIME, speed=2), WRONG),
        ("tts_config.stability", with_part("tts_config", **tts, stability=1.5), WRONG),
        ("tts_config.style", with_part("tts_config", **tts, model="eleven_v3", style=0.5), WRONG),
        ("tts_config.voice_id", with_part("tts_config", provider="xai", voice_id="nobody"), WRONG),
        ("tts_config.provider", with_part("tts_config", provider="piper", voice_id="nl_NL-pim-medium"), WRONG),
        ("stt_config.endpointing", with_part("stt_config", **stt | {"endpointing": 5001}), WRONG),
        ("stt_config.utterance_end_ms", with_part("stt_config", **stt, utterance_end_ms=999), WRONG),
        ("stt_config.sample_rate", with_part("stt_config", provider="elevenlabs", model="scribe_v2_realtime", language="nl", sample_rate=44100), WRONG),
        ("speech_config.turn_taking.endpointing_max_delay", {"name": "a", "speech_config": {"turn_taking": {"endpointing_min_delay": 2, "endpointing_max_delay": 1}}}, WRONG),
        ("speech_config.background_audio.clip", {"name": "a", "speech_config": {"background_audio": {"clip": "beach"}}}, WRONG),
        ("speech_config.silence.messages", {"name": "a", "speech_config": {"silence": {"messages": ["m"] * 6}}}, WRONG),
        ("analysis_plan.structured_data_plan.enabled", {"name": "a", "analysis_plan": {"structured_data_plan": {}}}, MISSING),
        ("analysis_plan.structured_data_plan.template_id", {"name": "a", "analysis_plan": {"structured_data_plan": {"enabled": True, "template_id": NOBODY}}}, WRONG),
        ("llm_config.tools.1.name", with_part("llm_config", **llm, tools=[{"name": "a", "description": "d"}, {"name": "a", "description": "d"}]), WRONG),
        ("llm_config.tools.0.destinations", with_part("llm_config", **llm, tools=[{"type": "transfer_call"}]), MISSING),
        ("llm_config.tools.0.mcp_server_id", with_part("llm_config", **llm, tools=[{"type": "mcp", "mcp_server_id": NOBODY, "allowed_tools": ["a"]}]), WRONG),
    ]  # fmt: skip
    found = [Refusal("2", "POST", "/assistants", 400, type, param, body) for param, body, type in wrong]
    for row, path in (("4", "/assistants/{assistant}"), ("9", "/agents/{assistant}")):
        found += [
            Refusal(row, "PATCH", path, 400, WRONG, "name", {"name": None}),
            Refusal(row, "PATCH", path, 400, UNKNOWN, "llm_config.provider", {"llm_config": {"provider": "acme", "model": "m"}}),
        ]
    return [*found, Refusal("7", "POST", "/agents", 400, MISSING, "name", {})]


def _templates() -> list[Refusal]:
    transfer = {"name": "t", "tool_type": "transfer_call", "tool_config": {"destinations": []}}
    schema = {"type": "object", "properties": {"a": {"$ref": "https://example.com/schema.json"}}}
    big = {"type": "object", "description": "x" * 65_536}
    tools: list[tuple[str, str, Any]] = [
        ("name", MISSING, {"tool_type": "end_call", "tool_config": {}}), ("tool_type", MISSING, {"name": "t", "tool_config": {}}),
        ("tool_config", MISSING, {"name": "t", "tool_type": "end_call"}), ("tool_type", WRONG, {"name": "t", "tool_type": "dance", "tool_config": {}}),
        ("tool_config.destinations", WRONG, transfer), ("name", WRONG, {"name": "has spaces", "tool_type": "function", "tool_config": {}}),
    ]  # fmt: skip
    analyses: list[tuple[str, str, Any]] = [
        ("name", MISSING, {"schema": bodies.SCHEMA}), ("schema", MISSING, {"name": "n"}), ("schema", WRONG, {"name": "n", "schema": {"type": "string"}}),
        ("schema", WRONG, {"name": "n", "schema": schema}), ("schema", WRONG, {"name": "n", "schema": big}),
    ]  # fmt: skip
    return [
        *(Refusal("12", "POST", "/tool-templates", 400, type, param, body) for param, type, body in tools),
        Refusal("14", "PATCH", "/tool-templates/{tool_template}", 400, WRONG, "tool_config", {"tool_config": None}),
        *(Refusal("44", "POST", "/analysis-templates", 400, type, param, body) for param, type, body in analyses),
        Refusal("46", "PATCH", "/analysis-templates/{analysis_template}", 400, WRONG, "schema", {"schema": {"type": "array"}}),
    ]


def _numbers() -> list[Refusal]:
    def taken(world: World) -> dict[str, Any]:
        body = {"phone_number": bodies.fresh_phone()}
        world.ask("POST", "/numbers", body)
        return body

    wrong: list[tuple[str, str, Any]] = [
        ("phone_number", MISSING, {}), *(("phone_number", WRONG, {"phone_number": text}) for text in ("0612345678", "+0123", "abc", "+3112", 31850000001, None)),
        *((name, WRONG, {"phone_number": "+31850000001", name: value}) for name in ("assistant_id", "agent_id", "transfer_trunk_id", "workflow_id") for value in (NOBODY, "x", 7)),
        ("is_active", WRONG, {"phone_number": "+31850000001", "is_active": None}), ("name", WRONG, {"phone_number": "+31850000001", "name": "x" * 201}),
        ("name", WRONG, {"phone_number": "+31850000001", "name": 7}), ("is_active", WRONG, {"phone_number": "+31850000001", "is_active": "yes"}),
    ]  # fmt: skip
    trunks: list[tuple[str, str, Any]] = [
        ("name", MISSING, {}), ("name", WRONG, {"name": None}), ("transport", WRONG, {"name": "t", "transport": "sctp"}),
        ("inbound_addresses", WRONG, {"name": "t", "inbound_addresses": "192.0.2.1"}), ("name", WRONG, {"name": ["t"]}), ("name", WRONG, {"name": 7}),
        *((name, WRONG, {"name": "t", name: value}) for name in ("concurrent_calls", "starts", "starts_seconds") for value in (0, "3", True)),
    ]  # fmt: skip
    return [
        *(Refusal("17", "POST", "/numbers", 400, type, param, body) for param, type, body in wrong),
        Refusal("17", "POST", "/numbers", 409, "already_exists", "phone_number", taken),
        Refusal("17", "POST", "/numbers", 409, "already_exists", "phone_number", lambda world: taken(world.others[1])),
        Refusal("19", "PATCH", "/numbers/{number}", 400, WRONG, "assistant_id", {"assistant_id": NOBODY}),
        Refusal("19", "PATCH", "/numbers/{number}", 400, WRONG, "is_active", {"is_active": None}),
        *(Refusal("27", "POST", "/sip-trunks", 400, type, param, body) for param, type, body in trunks),
    ]


def _calls() -> list[Refusal]:
    to, url = "+447700900001", "/calls/outbound"

    def saved(**more: Any) -> Body:
        return lambda world: {"destination": to, "assistant_id": world.make("assistant"), "number_id": world.dialling_number()} | more

    def inactive(world: World) -> dict[str, Any]:
        pk = world.make("assistant")
        world.ask("PATCH", f"/assistants/{pk}", {"is_active": False})
        return {"destination": to, "assistant_id": pk, "number_id": world.dialling_number()}

    def asleep(world: World) -> dict[str, Any]:
        number = world.dialling_number()
        world.ask("PATCH", f"/numbers/{number}", {"is_active": False})
        return {"destination": to, "assistant_id": world.make("assistant"), "number_id": number}

    def trunkless(world: World) -> dict[str, Any]:
        number = world.post("/numbers", "number")
        world.ask("PATCH", f"/numbers/{number}", {"transfer_trunk_id": None})
        return {"destination": to, "assistant_id": world.make("assistant"), "number_id": number}

    def twice(world: World) -> dict[str, Any]:
        body = {"destination": bodies.fresh_phone(), "assistant": bodies.ONE_TIME, "number_id": world.dialling_number(), "reference": bodies.fresh_word("order")}
        world.ask("POST", url, body)
        return body | {"destination": bodies.fresh_phone()}

    one_time = bodies.ONE_TIME
    wrong: list[tuple[str, str, Body]] = [
        ("destination", MISSING, {"assistant_id": NOBODY}), ("destination", WRONG, saved(destination="0612345678")), ("destination", WRONG, saved(destination=447700900001)),
        ("assistant_id", MISSING, {"destination": to}), ("assistant_id", WRONG, saved(assistant=one_time)), ("assistant_id", WRONG, {"destination": to, "assistant_id": 7}),
        ("assistant_override", WRONG, {"destination": to, "assistant": one_time, "assistant_override": {}}), ("number_id", WRONG, saved(number_id="x")),
        ("assistant.llm_config", MISSING, {"destination": to, "assistant": {"first_message": "Hello."}}),
        ("assistant.stt_config", MISSING, {"destination": to, "assistant": {"llm_config": bodies.TEXT_MODEL}}),
        ("assistant.llm_config.provider", UNKNOWN, {"destination": to, "assistant": {"llm_config": {"provider": "acme", "model": "m"}, "stt_config": bodies.STT, "tts_config": bodies.TTS}}),
        ("assistant_override.silence_timeout_seconds", WRONG, saved(assistant_override={"silence_timeout_seconds": 0})),
        ("reference", WRONG, saved(reference="x" * 65)), ("reference", WRONG, saved(reference="")), ("first_message", WRONG, saved(first_message=7)),
    ]  # fmt: skip
    web: list[tuple[str, str, Body]] = [
        ("assistant_id", MISSING, {}), ("assistant_id", WRONG, lambda world: {"assistant_id": world.make("assistant"), "assistant": one_time}),
        ("assistant_override", WRONG, {"assistant": one_time, "assistant_override": {}}), ("assistant.llm_config", MISSING, {"assistant": {}}),
    ]  # fmt: skip
    commands: list[tuple[str, str, Any]] = [
        ("type", MISSING, {}), ("type", WRONG, {"type": "dance"}), ("content", MISSING, {"type": "say"}), ("content", MISSING, {"type": "inject-context"}),
        ("destination", MISSING, {"type": "transfer"}), ("destination", WRONG, {"type": "transfer", "destination": "0612"}), ("end_after", WRONG, {"type": "say", "content": "Hi", "end_after": 1}),
    ]  # fmt: skip
    errors = (("errors", 1),)
    return [
        Refusal("21", "GET", "/calls?limit=many", 400, WRONG, "limit"), Refusal("21", "GET", "/calls?offset=1.5", 400, WRONG, "offset"),
        Refusal("21", "GET", "/calls?start_date=yesterday", 400, WRONG, "start_date"), Refusal("25", "GET", "/usage?end_date=2026-13-01", 400, WRONG, "end_date"),
        Refusal("25", "GET", "/usage?limit=x", 400, WRONG, "limit"),
        *(Refusal("23", "POST", url, 400, type, param, body) for param, type, body in wrong),
        Refusal("23", "POST", url, 404, "not_found", None, {"destination": to, "assistant_id": NOBODY}), Refusal("23", "POST", url, 404, "not_found", None, saved(number_id=NOBODY)),
        Refusal("23", "POST", url, 404, "not_found", None, lambda world: {"destination": to, "assistant_id": world.others[1].make("assistant")}),
        *(Refusal("23", "POST", url, 400, "", None, body) for body in (inactive, asleep, trunkless)),
        Refusal("23", "POST", url, 402, "insufficient_credits", None, saved(), who="poor"),
        Refusal("23", "POST", url, 409, "duplicate_reference", "reference", twice), Refusal("23", "POST", url, 503, "backend_unavailable", None, saved(), faults=errors),
        *(Refusal("W1", "POST", "/v1/web-calls", 400, type, param, body) for param, type, body in web),
        Refusal("W1", "POST", "/v1/web-calls", 404, "not_found", None, {"assistant_id": NOBODY}), Refusal("W1", "POST", "/v1/web-calls", 400, "", None, inactive),
        Refusal("W1", "POST", "/v1/web-calls", 402, "insufficient_credits", None, {"assistant": one_time}, who="poor"),
        Refusal("W1", "POST", "/v1/web-calls", 503, "backend_unavailable", None, {"assistant": one_time}, faults=errors),
        Refusal("W1", "POST", "/v1/web-calls", 503, "backend_unavailable", None, {"assistant": one_time}, faults=(("lose_answers", 1),)),
        *(Refusal("24", "POST", "/calls/{running}/control", 400, type, param, body) for param, type, body in commands),
        Refusal("24", "POST", "/calls/{call}/control", 400, "call_not_active", None, {"type": "end-call"}),
    ]  # fmt: skip


def _own_keys() -> list[Refusal]:
    keys: list[tuple[str, str, Any]] = [
        ("provider", MISSING, {"api_key": "k"}), ("provider", UNKNOWN, {"provider": "acme", "api_key": "k"}), ("provider", UNKNOWN, {"provider": 7, "api_key": "k"}),
        ("api_key", MISSING, {"provider": "openai"}), ("api_key", MISSING, {"provider": "openai", "api_key": ""}), ("api_key", WRONG, {"provider": "openai", "api_key": 7}),
        ("api_key", WRONG, {"provider": "google_vertex", "api_key": "no JSON"}), ("api_key", WRONG, {"provider": "google_vertex", "api_key": "[]"}),
    ]  # fmt: skip

    def no_keys(world: World) -> None:
        world.send("DELETE", "/domains")
        world.empty_byok()

    def none(world: World) -> None:
        world.without_domain()

    def one(world: World) -> None:
        world.with_domain()

    settings = {"provider": "openai", "config": {}}
    name: dict[str, Any] = {"domain_name": "mail.example.org"}
    older = "hmsovereign-node/1.9.9"
    return [
        *(Refusal("32", "POST", "/byok", 400, type, param, body) for param, type, body in keys),
        Refusal("33", "DELETE", "/byok", 400, MISSING, "provider", {}), Refusal("33", "DELETE", "/byok", 400, UNKNOWN, "provider", {"provider": "acme"}),
        Refusal("35", "POST", "/byok/config", 400, MISSING, "provider", {"config": {}}), Refusal("35", "POST", "/byok/config", 400, MISSING, "config", {"provider": "openai"}),
        Refusal("35", "POST", "/byok/config", 400, WRONG, "config", {"provider": "openai", "config": []}), Refusal("35", "POST", "/byok/config", 400, "", None, settings, no_keys),
        Refusal("37", "POST", "/domains", 400, MISSING, "domain_name", {}, none), Refusal("37", "POST", "/domains", 400, WRONG, "domain_name", {"domain_name": "no domain"}, none),
        Refusal("37", "POST", "/domains", 400, WRONG, "domain_name", {"domain_name": 7}, none),
        Refusal("37", "POST", "/domains", 400, "", None, name, no_keys), Refusal("37", "POST", "/domains", 409, "already_exists", None, name, one),
        Refusal("38", "DELETE", "/domains", 404, "not_found", None, None, none), Refusal("41", "POST", "/domains/verify", 404, "not_found", None, {}, none),
        Refusal("42", "POST", "/domains/refresh", 404, "not_found", None, {}, none), Refusal("36", "GET", "/domains", 404, "not_found", None, None, none, agent=older),
        Refusal("39", "GET", "/domains/sync", 400, "", None, None, no_keys), Refusal("40", "POST", "/domains/sync", 400, MISSING, "resendDomainId", {}, none),
        Refusal("40", "POST", "/domains/sync", 400, "", None, {"resendDomainId": "d"}, no_keys),
    ]  # fmt: skip


def _organizations() -> list[Refusal]:
    retention: list[tuple[str, str, Any]] = [
        ("content_retention_days", MISSING, {"metadata_retention_days": 30}), ("metadata_retention_days", MISSING, {"content_retention_days": 30}),
        ("content_retention_days", WRONG, {"content_retention_days": 31, "metadata_retention_days": 90}),
        ("metadata_retention_days", WRONG, {"content_retention_days": 30, "metadata_retention_days": 1000}),
        ("content_retention_days", WRONG, {"content_retention_days": 365, "metadata_retention_days": 90}),
        ("content_retention_days", WRONG, {"content_retention_days": None, "metadata_retention_days": 90}),
        ("content_retention_days", WRONG, {"content_retention_days": "30", "metadata_retention_days": 90}),
    ]  # fmt: skip
    return [
        *(Refusal("50", "PATCH", "/organizations", 400, type, param, body) for param, type, body in retention),
        Refusal("49", "POST", "/organizations", 400, MISSING, "name", {}), Refusal("49", "POST", "/organizations", 400, WRONG, "parent_org_id", {"name": "n", "parent_org_id": "x"}),
        Refusal("49", "POST", "/organizations", 400, WRONG, "email", {"name": "n", "email": "nobody"}),
        Refusal("49", "POST", "/organizations", 403, "forbidden", None, {"name": "n", "parent_org_id": NOBODY}),
        Refusal("49", "POST", "/organizations", 403, "forbidden", None, {"name": "n"}, who="client"),
        Refusal("49", "POST", "/organizations", 403, "forbidden", None, lambda world: {"name": "n", "parent_org_id": str(world.others[0].organization.pk)}, who="client"),
    ]  # fmt: skip


def _campaigns() -> list[Refusal]:
    def body(**more: Any) -> Body:
        return lambda world: {"name": "c", "assistant_id": world.make("assistant")} | more

    def over(world: World) -> None:
        world.ask("PATCH", f"/campaigns/{world.make('campaign')}", {"status": "cancelled"})

    def again(world: World) -> dict[str, Any]:
        phone = {"phone_number": bodies.fresh_phone(), "variables": {"name": "Sam", "company": "Acme"}}
        world.ask("POST", f"/campaigns/{world.kept['campaign']}/leads", phone)
        return phone

    def templated(world: World) -> None:
        world.make("campaign")
        world.ask("PATCH", f"/campaigns/{world.kept['campaign']}", {"system_message_template": "{{company}}"})

    lead = {"phone_number": "+31600000007"}
    wrong: list[tuple[str, str, Body]] = [
        ("name", MISSING, lambda world: {"assistant_id": world.make("assistant")}), ("assistant_id", MISSING, {"name": "c"}), ("timezone", WRONG, body(timezone="Mars/Base")),
        ("schedule_start_time", WRONG, body(schedule_start_time="9 o'clock")), ("schedule_end_time", WRONG, body(schedule_start_time="10:00", schedule_end_time="10:00")),
        ("status", WRONG, body(status="completed")), ("status", WRONG, body(status="paused")), ("schedule_days", WRONG, body(schedule_days=[])), ("max_attempts", WRONG, body(max_attempts=11)),
        ("retry_delay_minutes", WRONG, body(retry_delay_minutes=4)), ("max_concurrent_calls", WRONG, body(max_concurrent_calls=51)), ("number_id", WRONG, body(number_id=NOBODY)),
        ("leads", WRONG, body(system_message_template="{{company}}", leads=[lead])), ("leads", WRONG, body(leads=[{"phone_number": "x"}])), ("leads", WRONG, body(leads={})),
        ("max_attempts", WRONG, body(max_attempts="3")), ("name", WRONG, body(name=7)),
        ("windows", WRONG, body(windows=[])), ("windows", WRONG, body(windows=[{"days": [1], "start": "9", "end": "12:00"}])),
        ("windows", WRONG, body(windows=[{"days": [1], "start": "09:00", "end": "12:00"}, {"days": [1], "start": "11:00", "end": "13:00"}])),
        ("retry_rules", WRONG, body(retry_rules={"weather": {"attempts": 2}})), ("retry_rules", WRONG, body(retry_rules={"busy": {"attempts": 11}})),
        ("retry_rules", WRONG, body(retry_rules={"busy": {"delays": [4]}})), ("retry_rules", WRONG, body(retry_rules={"busy": {"seconds": 5}})),
        ("purpose", WRONG, body(purpose="fun")), ("budget", WRONG, body(budget=0)), ("budget", WRONG, body(budget="5")), ("priority", WRONG, body(priority="high")),
        ("floor_calls", WRONG, body(floor_calls=2, max_concurrent_calls=1)), ("starts", WRONG, body(starts=0)), ("breaker_percent", WRONG, body(breaker_percent=101)),
        ("report_emails", WRONG, body(report_emails=["sales"])), ("variant_percent", WRONG, body(variant_percent=100)), ("variant_assistant_id", WRONG, body(variant_percent=50)),
        ("variant_assistant_id", WRONG, body(variant_percent=50, variant_assistant_id=NOBODY)), ("variant_version", WRONG, body(variant_percent=50, variant_version=99)),
    ]  # fmt: skip
    leads: list[tuple[str, str, Any]] = [
        ("phone_number", MISSING, {}), ("phone_number", WRONG, {"phone_number": "0612"}), ("variables", WRONG, lead | {"variables": []}),
        ("variables", WRONG, lead | {"variables": {str(number): "v" for number in range(51)}}), ("variables", WRONG, lead | {"variables": {"a": "x" * 2001}}),
        ("variables", WRONG, lead | {"variables": {"a": {}}}), ("phone_number", WRONG, {"phone_number": 31600000001}),
    ]  # fmt: skip
    own, path = "/campaigns/{campaign}", "/campaigns/{campaign}/leads"
    return [
        *(Refusal("53", "POST", "/campaigns", 400, type, param, each) for param, type, each in wrong),
        Refusal("53", "POST", "/campaigns", 404, "not_found", None, {"name": "c", "assistant_id": NOBODY}),
        Refusal("55", "PATCH", own, 400, WRONG, "status", {"status": "completed"}), Refusal("55", "PATCH", own, 400, WRONG, "timezone", {"timezone": None}),
        Refusal("55", "PATCH", own, 409, "", None, {"name": "Later"}, over), Refusal("58", "POST", path, 409, "", None, lead, over),
        *(Refusal("58", "POST", path, 400, type, param, each) for param, type, each in leads),
        Refusal("58", "POST", path, 400, WRONG, "variables", lead, templated), Refusal("58", "POST", path, 409, "already_exists", "phone_number", again),
        Refusal("59", "DELETE", "/campaigns/{campaign}/leads/{calling_lead}", 409, "", None, None, lambda world: world.make("calling_lead") and None),
        Refusal("57", "GET", f"{path}?limit=x", 400, WRONG, "limit"),
    ]  # fmt: skip


def _chats() -> list[Refusal]:
    good = bodies.BARE["chats"](None)  # type: ignore[arg-type]
    missing = [Refusal("61", "POST", "/chats", 400, MISSING, name, {key: good[key] for key in good if key != name}) for name in good]
    return [
        *missing, Refusal("61", "POST", "/chats", 400, WRONG, "agent_id", good | {"agent_id": NOBODY}), Refusal("61", "POST", "/chats", 400, WRONG, "content", good | {"content": None}),
        Refusal("61", "POST", "/chats", 400, WRONG, "metadata", good | {"metadata": {"a": "x" * 17_000}}), Refusal("61", "POST", "/chats", 400, WRONG, "metadata", good | {"metadata": []}),
        Refusal("62", "GET", "/chats", 400, MISSING, "contact_id"), Refusal("62", "GET", "/chats?contact_id=a&limit=x", 400, WRONG, "limit"),
        Refusal("62", "GET", "/chats?contact_id=a&agent_id=x", 400, WRONG, "agent_id"), Refusal("64", "GET", "/chats/context", 400, MISSING, "contact_id"),
    ]  # fmt: skip


def _workflows() -> list[Refusal]:
    talk, tool, end = bodies.NODES[0], bodies.NODES[1], bodies.NODES[3]
    sure = {"description": "d"}
    small = {"version": 1, "entry_node": "greet", "nodes": [talk, end], "edges": []}

    def link(start: str, target: str, **more: Any) -> dict[str, Any]:
        return {"from": start, "to": target, **sure, **more}

    broken: list[dict[str, Any]] = [
        small | {"version": 2}, small | {"entry_node": "start"}, small | {"entry_node": "bye"}, small | {"nodes": [talk, talk]}, small | {"nodes": [talk | {"id": "Not Good"}]},
        small | {"edges": [link("greet", "nowhere")]}, small | {"edges": [link("greet", "greet")]}, small | {"edges": [link("greet", "bye"), link("greet", "bye")]},
        small | {"edges": [link("bye", "greet")]}, small | {"nodes": [talk, tool]}, small | {"edges": [{"from": "greet", "to": "bye"}]},
        small | {"nodes": [talk | {"global": True}, end]}, small | {"nodes": [talk | {"voice": "v", "tts_config": bodies.TTS}, end]},
        small | {"nodes": [talk | {"llm_config": bodies.REALTIME}, end]}, small | {"nodes": [talk | {"stt_config": {"provider": "deepgram"}}, end]},
        small | {"nodes": [{"id": f"n{number}", "type": "end"} for number in range(101)]}, small | {"nodes": [talk | {"instructions": "x" * 300_000}]},
        small | {"nodes": [talk, {"id": "t", "type": "transfer", "destination": "0612"}]}, small | {"nodes": [talk, {"id": "t", "type": "dance"}]},
        small | {"nodes": [{"id": "greet", "type": "conversation"}, end]}, small | {"nodes": [talk | {"tools": [{"type": "mcp", "mcp_server_id": NOBODY, "allowed_tools": ["a"]}]}, end]},
    ]  # fmt: skip

    def in_use(world: World) -> None:
        world.ask("POST", "/numbers", {"phone_number": bodies.fresh_phone(), "workflow_id": world.make("workflow")})

    return [
        *(Refusal("66", "POST", "/workflows", 400, "", "definition", {"name": "w", "definition": each}) for each in broken),
        Refusal("66", "POST", "/workflows", 400, MISSING, "name", {"definition": small}), Refusal("66", "POST", "/workflows", 400, MISSING, "definition", {"name": "w"}),
        Refusal("66", "POST", "/workflows", 400, "", "definition", {"name": "w", "definition": []}), Refusal("68", "PATCH", "/workflows/{workflow}", 400, "", "definition", {"definition": broken[0]}),
        Refusal("68", "PATCH", "/workflows/{workflow}", 400, WRONG, "name", {"name": None}), Refusal("69", "DELETE", "/workflows/{workflow}", 409, "in_use", None, None, in_use),
    ]  # fmt: skip


def _mcp_servers() -> list[Refusal]:
    url = "https://mcp.example.com/mcp"

    def taken(world: World) -> dict[str, Any]:
        body = {"name": bodies.fresh_word("Taken"), "url": url}
        world.ask("POST", "/mcp-servers", body)
        return body

    def in_use(world: World) -> None:
        tool = {"type": "mcp", "mcp_server_id": world.make("mcp_server"), "allowed_tools": ["a"]}
        world.ask("POST", "/assistants", {"name": "a", "llm_config": {"provider": "openai", "model": "gpt-5.4", "tools": [tool]}})

    def with_headers(world: World) -> None:
        body = {"name": bodies.fresh_word("Own"), "url": url, "headers": {"X-Key": "k"}}
        world.kept["mcp_server"] = world.ask("POST", "/mcp-servers", body)["mcp_server"]["id"]

    wrong: list[tuple[str, str, Any]] = [
        ("name", MISSING, {"url": url}), ("url", MISSING, {"name": "n"}), ("url", WRONG, {"name": "n", "url": "http://mcp.example.com"}), ("url", WRONG, {"name": "n", "url": "https://10.0.0.1/"}),
        ("url", WRONG, {"name": "n", "url": "https://169.254.169.254/"}), ("transport", WRONG, {"name": "n", "url": url, "transport": "stdio"}),
        ("headers", WRONG, {"name": "n", "url": url, "headers": {f"X-{number}": "v" for number in range(11)}}), ("timeout_seconds", WRONG, {"name": "n", "url": url, "timeout_seconds": 61}),
        ("timeout_seconds", WRONG, {"name": "n", "url": url, "timeout_seconds": 4}),
    ]  # fmt: skip
    own = "/mcp-servers/{mcp_server}"
    return [
        *(Refusal("71", "POST", "/mcp-servers", 400, type, param, body) for param, type, body in wrong),
        Refusal("71", "POST", "/mcp-servers", 409, "already_exists", "name", taken), Refusal("73", "PATCH", own, 400, "", "headers", {"url": "https://other.example.com/mcp"}, with_headers),
        Refusal("73", "PATCH", own, 409, "already_exists", "name", lambda world: {"name": taken(world)["name"]}), Refusal("74", "DELETE", own, 409, "in_use", None, None, in_use),
        Refusal("75", "POST", f"{own}/test", 400, WRONG, "headers", {"headers": []}),
    ]  # fmt: skip


def refusals() -> list[Refusal]:
    return [
        *_assistants(), *_templates(), *_numbers(), *_calls(), *_own_keys(), *_organizations(), *_campaigns(), *_chats(), *_workflows(), *_mcp_servers(),
    ]  # fmt: skip
