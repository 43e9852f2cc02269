"""Every kind of object that the API creates or changes: its fields, and how what was sent comes back (api 8)."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from hypothesis import strategies as st

from apps.core.scope import Scope, acting
from apps.organizations.models import Organization
from tests import factories
from tests.properties.configs import (
    DEFINITION,
    DESTINATIONS,
    SCHEMA,
    SPEECH,
    STT,
    TTS,
    WEB,
    any_of,
    llm_configs,
    plan,
)
from tests.properties.shapes import GONE, Body, Field, Resource, composed, parts, spoilt
from tests.properties.values import (
    EMAIL,
    FLAG,
    FUNCTION_NAME,
    HUGE,
    JSON,
    NAME,
    NO_OBJECT,
    PROMPT,
    PROMPTS,
    SPOKEN,
    UNSTORABLE,
    Kind,
    addresses,
    choice,
    listed,
    normal_phone,
    phones,
    row,
    unicode,
    whole,
    words,
)

# 8.1
TTS_DEFAULT = {"provider": "elevenlabs", "model": "eleven_flash_v2_5", "voice_id": "ukiwGs47sHyibruHJ1vg", "stability": 0.5, "similarity_boost": 0.75}
REALTIME = ("google_realtime", "xai_realtime", "openai_live")
TITLE, LABEL = words(NAME, 1), words(NAME)


@dataclass(frozen=True)
class Rows:
    """What bodies refer to, by id. `prompts` are those of the analysis template."""

    assistant: str
    other: str
    trunk: str
    workflow: str
    number: str
    server: str
    template: str
    campaign: str
    schema: Body
    prompts: tuple[str, str]

    @classmethod
    def make(cls, owner: Organization) -> Rows:
        template = factories.make_analysis_template(owner)
        assistants = [factories.make_assistant(owner) for _ in range(2)]
        campaign = factories.make_campaign(owner, assistant=assistants[0])
        others = [make(owner) for make in (factories.make_trunk, factories.make_workflow, factories.make_number, factories.make_mcp_server)]
        ids = [str(each.pk) for each in (*assistants, *others, template, campaign)]
        with acting(Scope((owner.pk,))):
            return cls(*ids, template.schema, (template.system_prompt, template.user_prompt))


def _assistants(rows: Rows, path: str) -> Resource:
    consent = Kind(
        st.fixed_dictionaries({"enabled": FLAG.good, "message": unicode(SPOKEN, 1)}),
        st.one_of(NO_OBJECT, *(spoilt(st.just({"enabled": True, "message": "m"}), name, bad) for name, bad in (("enabled", FLAG.bad), ("message", words(SPOKEN).bad)))),
    )
    said = Field(words(SPOKEN), null=True)
    fields = {
        "name": Field(TITLE, required=True), "business_name": Field(LABEL, null=True), "notification_email": Field(EMAIL, null=True),
        "notification_emails": Field(listed(EMAIL, 5), null=True), "recording_consent": Field(consent, null=True), "first_message": said, "is_active": Field(FLAG),
        "max_duration_seconds": Field(whole(1, 2**31 - 1), null=True), "autonomous_silence_handling": Field(FLAG), "silence_timeout_seconds": Field(whole(1, 60)),
        "voicemail_detection": Field(FLAG, null=True), "voicemail_message": said, "gdpr_mode": Field(FLAG), "webhook_url": Field(WEB, null=True),
        "webhook_secret": Field(words(255, 1), null=True), "webhook_events": Field(listed(TITLE, 100), null=True), "analysis_plan": Field(plan(rows.template), null=True),
        "stt_config": Field(any_of(STT)), "llm_config": Field(any_of(llm_configs(rows.server))), "tts_config": Field(any_of(TTS), null=True), "speech_config": Field(SPEECH, null=True),
    }  # fmt: skip

    def shows(body: Body, before: Body | None) -> Body:
        found, llm = dict(body), body.get("llm_config") or (before or {}).get("llm_config") or {}
        if "tts_config" in body and body["tts_config"] is None:
            found["tts_config"] = None if llm.get("provider") in REALTIME else TTS_DEFAULT
        inner = (body.get("analysis_plan") or {}).get("structured_data_plan") or {}
        if "template_id" in inner:
            system, user = rows.prompts
            copied = {"schema": rows.schema, "messages": [{"role": "system", "content": system}, {"role": "user", "content": user}]}
            found["analysis_plan"] = body["analysis_plan"] | {"structured_data_plan": copied | inner}
        return found

    return Resource(path, path.strip("/")[:-1], fields, "Assistant", shows=shows, follows={"llm_config": ("tts_config",)})


# 8.2: three bodies; each type is a resource of its own here. In the two older ones null on creation means absent.
_FUNCTION = composed({}, {"name": FUNCTION_NAME, "description": Kind(unicode(300, 1), PROMPTS.bad), "parameters": SCHEMA, "url": WEB, "async": FLAG})
_SECRET = Field(words(255, 1), null=True)


def _function(config: Body, name: str, description: str | None) -> Body:
    definition = {"name": config.get("name", name), "description": config.get("description") or description or None, "parameters": config.get("parameters")}
    return {"tool_config": config, "function_definition": definition, "server_url": config.get("url"), "async": config.get("async", False)}


def _function_shows(body: Body, before: Body | None) -> Body:
    whole = (before or {}) | body
    return body | {"tool_type": "function"} | _function(whole["tool_config"], whole["name"], whole.get("description"))


def _older_shows(body: Body, before: Body | None) -> Body:
    config = {key: value for key, value in body["function_definition"].items() if key in ("name", "description", "parameters")}
    config |= {new: body[old] for new, old in (("url", "server_url"), ("async", "async")) if body.get(old) is not None}
    kept = {key: value for key, value in body.items() if key in ("name", "description", "server_secret")}
    return kept | {"tool_type": "function"} | _function(config, body["name"], body.get("description"))


def _flat_shows(body: Body, before: Body | None) -> Body:
    config = {key: body[key] for key in ("url", "async", "parameters") if body.get(key) is not None}
    kept = {key: value for key, value in body.items() if key in ("name", "description")}
    return kept | {"tool_type": "function"} | _function(config, body["name"], body.get("description"))


def _other_shows(body: Body, before: Body | None) -> Body:
    snake = {"endCall": "end_call", "transferCall": "transfer_call"}
    return body | ({"tool_type": snake.get(body["tool_type"], body["tool_type"])} if "tool_type" in body else {})


def _tool_templates() -> list[Resource]:
    # What is no name of a function may still name a template, unless the function has no other.
    name = Field(Kind(FUNCTION_NAME.good, TITLE.bad), required=True)
    description, url, flag, create = Field(words(PROMPT), null=True), Field(WEB, null=True), Field(FLAG, null=True), ("POST",)
    no_type = st.one_of(st.sampled_from(["dance", "", 7, True, [], {}]), UNSTORABLE, HUGE)
    end, transfer, function = (Field(Kind(st.sampled_from(names), no_type), required=True) for names in (("end_call", "endCall"), ("transfer_call", "transferCall"), ("function",)))
    empty, going = Kind(st.just({}), NO_OBJECT), composed({"destinations": DESTINATIONS})
    definition = Field(composed({"name": FUNCTION_NAME}, {"description": words(300, 1), "parameters": SCHEMA}), required=True, asked_as="tool_type")

    def template(fields: dict[str, Field], **more: Any) -> Resource:
        return Resource("/tool-templates", "tool_template", {"name": name, "description": description} | fields, "ToolTemplate", **more)

    follows = dict.fromkeys(("name", "description", "tool_config"), ("function_definition", "server_url", "async"))
    return [
        template({"tool_type": function, "tool_config": Field(_FUNCTION, required=True), "server_secret": _SECRET}, shows=_function_shows, follows=follows),
        template({"tool_type": end, "tool_config": Field(empty, required=True), "server_secret": _SECRET}, shows=_other_shows),
        template({"tool_type": transfer, "tool_config": Field(going, required=True)}, shows=_other_shows, follows=follows),
        template({"function_definition": definition, "server_url": url, "async": flag, "server_secret": _SECRET}, shows=_older_shows, verbs=create),
        template({"type": replace(function, asked_as="tool_type"), "url": url, "async": flag, "parameters": Field(SCHEMA, null=True)}, shows=_flat_shows, verbs=create),
    ]  # fmt: skip


# 8.3
def _numbers(rows: Rows) -> Resource:
    fields = {
        "phone_number": Field(phones(), required=True, change=False), "name": Field(TITLE, null=True), "is_active": Field(FLAG),
        "assistant_id": Field(row(rows.assistant), null=True), "agent_id": Field(row(rows.other), null=True, instead=("assistant_id",)),
        "transfer_trunk_id": Field(row(rows.trunk), null=True), "workflow_id": Field(row(rows.workflow), null=True),
    }  # fmt: skip

    def shows(body: Body, before: Body | None) -> Body:
        found = dict(body)
        if "phone_number" in body:
            found["phone_number"] = normal_phone(body["phone_number"])
        if chosen := next((key for key in ("assistant_id", "agent_id") if key in body), None):
            found |= {"assistant_id": body[chosen], "agent_id": body[chosen]}
        return found

    links = ("assistant_id", "agent_id", "agent_name", "assistant_name", "business_name")
    follows = dict.fromkeys(("assistant_id", "agent_id"), links) | {"transfer_trunk_id": ("transfer_trunk_name",), "workflow_id": ("workflow_name",)}
    return Resource("/numbers", "number", fields, "PhoneNumber", shows=shows, follows=follows)


# 8.6: no PATCH. The server in any of its spellings.
def _trunks() -> list[Resource]:
    host = Kind(st.sampled_from(["sip.example.com", "192.0.2.7", "sip.example.com:5070", "[2001:db8::1]:5060"]), words(255).bad)
    common = {
        "name": Field(TITLE, required=True), "provider": Field(words(NAME), null=True), "transport": Field(choice("udp", "tcp", "tls"), null=True),
        "inbound_addresses": Field(listed(words(255, 1), None), null=True), "outbound_number": Field(words(32, 1), null=True),
    }  # fmt: skip
    newer = {"address": Field(host), "auth_username": Field(words(NAME), null=True), "auth_password": Field(words(255))}
    older = {"outbound_address": Field(host), "username": Field(words(NAME), null=True), "password": Field(words(255))}
    split = {"host": Field(Kind(st.sampled_from(["sip.example.com", "192.0.2.7"]), words(200).bad)), "port": Field(whole(1, 65535))}

    def shows(body: Body, before: Body | None) -> Body:
        found = {key: value for key, value in body.items() if key in common or key in newer} | {"auth_password": GONE, "password": GONE}
        port = f":{body['port']}" if "port" in body else ""
        found["address"] = body.get("address") or body.get("outbound_address") or (body["host"] + port if "host" in body else "")
        if "username" in body:
            found["auth_username"] = body["username"]
        return found | {"outbound_address": found["address"], "provider": body.get("provider") or "", "is_active": True}

    return [Resource("/sip-trunks", "trunk", common | more, "SipTrunk", verbs=("POST",), shows=shows) for more in (newer, older, split)]


# 8.10: prompts, or the same as messages.
def _analysis_templates() -> list[Resource]:
    messages = Kind(
        st.builds(lambda system, user, more: [{"role": "assistant", "content": "a"}, *system, *user, *more], *(
            st.lists(st.fixed_dictionaries({"role": st.just(role), "content": unicode(200)}), min_size=1, max_size=2) for role in ("system", "user")
        ), st.just([])),
        st.sampled_from(["", {}, 7, [7], [{"role": "tool", "content": "a"}], [{"content": "a"}], [{"role": "user"}], [{"role": "user", "content": 7}], [{"role": "user", "content": "\x00"}]]),
    )  # fmt: skip
    common = {
        "name": Field(TITLE, required=True), "description": Field(words(PROMPT), null=True), "schema": Field(SCHEMA, required=True),
        "min_messages_threshold": Field(whole(0, 10_000), null=True),
    }  # fmt: skip

    def shows(body: Body, before: Body | None) -> Body:
        found = {key: value for key, value in body.items() if key != "messages"}
        for entry in reversed(body.get("messages", [])):
            if entry["role"] in ("system", "user"):
                found[f"{entry['role']}_prompt"] = entry["content"]
        return found

    prompts = ("system_prompt", "user_prompt")
    forms = [dict.fromkeys(prompts, Field(words(PROMPT))), {"messages": Field(messages)}]
    return [
        Resource("/analysis-templates", "analysis_template", common | more, "AnalysisTemplate", shows=shows, follows={"messages": prompts}) for more in forms
    ]  # fmt: skip


# 8.12
_TIME = Kind(
    st.one_of(st.times().map(lambda at: f"{at:%H:%M:%S}"), st.times().map(lambda at: f"{at:%H:%M}")),
    st.one_of(st.sampled_from(["", "24:00", "9", "10:60", "noon", 9, True, [], {}, "10:00:00Z"]), UNSTORABLE, HUGE),
)
_VALUE = Kind(
    st.one_of(unicode(2000, 1), st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)),
    st.one_of(st.sampled_from([{}, [], ["a"], {"a": 1}, "x" * 2001]), UNSTORABLE),
)
_VARIABLES = Kind(
    st.dictionaries(st.one_of(unicode(30, 1), st.just("name"), st.just("company")), _VALUE.good, max_size=4),
    st.one_of(NO_OBJECT, spoilt(st.just({"a": "b"}), "company", _VALUE.bad), st.just({str(number): "v" for number in range(51)})),
)


def _lead_shows(body: Body, before: Body | None) -> Body:
    texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in (body.get("variables") or {}).items()}
    if body.get("name"):
        texts = {"name": body["name"]} | texts
    return {"phone_number": normal_phone(body["phone_number"]), "variables": texts, "name": texts.get("name")}


def _leads(rows: Rows) -> Resource:
    fields = {"phone_number": Field(phones(), required=True), "name": Field(Kind(unicode(2000, 1), words(2000).bad), null=True), "variables": Field(_VARIABLES, null=True)}
    path = f"/campaigns/{rows.campaign}/leads"
    return Resource(path, "lead", fields, "Lead", verbs=("POST",), shows=_lead_shows, has_page=False, listed=f"{path}?limit=1000")


def _campaigns(rows: Rows) -> Resource:
    leads = st.lists(parts({"phone_number": phones(), "variables": Kind(st.just({"company": "Acme", "n": 1}), st.nothing())}), max_size=3, unique_by=lambda lead: normal_phone(lead["phone_number"]))
    no_leads = st.sampled_from(["", 7, {}, [7], [{}], [{"phone_number": "0612"}], [{"phone_number": "+31600000001", "variables": []}], [{"phone_number": "+31600000001"}] * 2])
    template = st.builds(lambda head, tail: head.replace("{", "") + "{{ company }}" + tail.replace("{", ""), unicode(80), unicode(80))
    ours = row(rows.assistant)
    # An unknown assistant is 404, not 400 (api 8.12).
    owner = Kind(ours.good, st.sampled_from(["", "x", 7, True, [], {}, rows.assistant + "0", "\x00", "\ud800", 2**70]))
    fields = {
        "name": Field(TITLE, required=True), "assistant_id": Field(owner, required=True, change=False), "status": Field(choice("draft"), change=False),
        "system_message_template": Field(Kind(template, words(PROMPT).bad), null=True), "schedule_start_time": Field(_TIME), "schedule_end_time": Field(_TIME),
        "timezone": Field(choice("Europe/Amsterdam", "UTC", "America/Argentina/Buenos_Aires", "Asia/Kolkata", "Pacific/Chatham", "Etc/GMT+12")),
        "leads": Field(Kind(leads, no_leads), change=False), "number_id": Field(row(rows.number), null=True),
        "schedule_days": Field(listed(whole(1, 7), None, 1, entries=9)), "max_attempts": Field(whole(1, 10)), "retry_delay_minutes": Field(whole(5, 1440)),
        "max_concurrent_calls": Field(whole(1, 50)),
    }  # fmt: skip

    def settle(body: Body, before: Body | None) -> Body:
        """The end is after the start, whether one of them is sent or both."""
        hours = {"schedule_start_time": "09:00:00", "schedule_end_time": "17:00:00"} | {key: (before or {})[key] for key in ("schedule_start_time", "schedule_end_time") if before}
        start, end = (_full(body.get(key, hours[key])) for key in hours)
        if start < end:
            return body
        late = start < "23:59:59"
        return body | ({"schedule_start_time": start, "schedule_end_time": "23:59:59"} if late else {"schedule_start_time": "00:00", "schedule_end_time": end})

    def shows(body: Body, before: Body | None) -> Body:
        found = {key: value for key, value in body.items() if key != "leads"}
        found |= {key: _full(body[key]) for key in ("schedule_start_time", "schedule_end_time") if key in body}
        if "schedule_days" in body:
            found["schedule_days"] = sorted(set(body["schedule_days"]))
        if "assistant_id" in body:
            found["agent_id"] = body["assistant_id"]
        return found | ({} if before else {"total_leads": len(body.get("leads", [])), "status": "draft"})

    return Resource("/campaigns", "campaign", fields, "Campaign", settle=settle, shows=shows)


def _full(text: str) -> str:
    return text if text.count(":") == 2 else f"{text}:00"


# 8.14
def _chats(rows: Rows) -> Resource:
    word, contact, content = (Kind(unicode(limit, 1), st.one_of(words(limit).bad, st.just(""))) for limit in (100, 255, PROMPT))
    fields = {
        "contact_id": Field(contact, required=True), "channel": Field(word, required=True), "role": Field(word, required=True),
        "content": Field(content, required=True), "agent_id": Field(row(rows.assistant), null=True),
        "metadata": Field(Kind(st.dictionaries(unicode(20), JSON, max_size=3), st.one_of(NO_OBJECT, spoilt(st.just({}), "a", UNSTORABLE), st.just({"a": "x" * 16_385}))), null=True),
    }  # fmt: skip
    return Resource("/chats", "", fields, "ChatMessage", verbs=("POST",), has_page=False, listed="/chats")


# 8.15
def _workflows() -> Resource:
    fields = {"name": Field(TITLE, required=True), "definition": Field(DEFINITION, required=True), "is_active": Field(FLAG)}

    def shows(body: Body, before: Body | None) -> Body:
        return body | ({"definition": {"edges": []} | body["definition"]} if "definition" in body else {})

    return Resource("/workflows", "workflow", fields, "Workflow", shows=shows)


# 8.16
def _mcp_servers() -> Resource:
    hosts, tails = ["93.184.215.14", "93.184.215.14:443", "93.184.215.14:8443"], st.from_regex(r"/[a-zA-Z0-9._~-]{0,12}(\?[a-z0-9=&]{1,9})?", fullmatch=True)
    url = st.builds(lambda scheme, host, tail, end: f"{scheme}://{host}{tail}{end}", st.sampled_from(["https", "HTTPS"]), st.sampled_from(hosts), tails, st.sampled_from(["", "#part"]))
    name = st.from_regex(r"X-[A-Za-z0-9!#$%&'*+.^_`|~-]{1,40}", fullmatch=True)
    value = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
    plain = Kind(value, st.one_of(st.sampled_from(["a\r\nb", "ä", " a", 7, None, [], "x" * 4097]), UNSTORABLE))
    headers = Kind(
        st.dictionaries(name, plain.good, max_size=10).filter(lambda found: len({key.lower() for key in found}) == len(found)),
        st.one_of(NO_OBJECT, spoilt(st.just({}), "X-A", plain.bad), st.sampled_from([{f"X-{number}": "v" for number in range(11)}, {"Host": "a"}, {"a b": "c"}, {"": "c"}])),
    )
    fields = {
        "name": Field(TITLE, required=True), "url": Field(Kind(url, st.one_of(addresses("https").bad, st.just("http://93.184.215.14/"))), required=True),
        "transport": Field(choice("streamable_http", "sse")), "headers": Field(headers), "timeout_seconds": Field(whole(5, 60)),
    }  # fmt: skip

    def settle(body: Body, before: Body | None) -> Body:
        """Another host needs its headers in the same call."""
        return body | ({"headers": {}} if before and "url" in body and "headers" not in body else {})

    def shows(body: Body, before: Body | None) -> Body:
        found = body | {"headers": GONE}
        if "headers" in body:
            found["header_names"] = list(body["headers"])
        if "url" in body:
            parsed = urlsplit(body["url"])
            found["url"] = parsed._replace(netloc=parsed.netloc.lower().removesuffix(":443"), fragment="").geturl()
        return found

    return Resource("/mcp-servers", "mcp_server", fields, "McpServer", settle=settle, shows=shows, follows={"headers": ("header_names",)})


# 8.11: only a PATCH, which needs both.
def _retention() -> Resource:
    fields = {"content_retention_days": Field(choice(30, 90, 180, 365), required=True), "metadata_retention_days": Field(choice(30, 90, 180, 365, 730), required=True)}

    def settle(body: Body, before: Body | None) -> Body:
        content, metadata = body["content_retention_days"], body["metadata_retention_days"]
        return body | {"metadata_retention_days": max(content, metadata)}

    return Resource("/organizations", "", fields, "", verbs=("PATCH",), settle=settle)


def resources(rows: Rows) -> list[Resource]:
    return [
        _assistants(rows, "/assistants"), _assistants(rows, "/agents"), *_tool_templates(), _numbers(rows), *_trunks(), *_analysis_templates(), _campaigns(rows),
        _leads(rows), _chats(rows), _workflows(), _mcp_servers(), _retention(),
    ]  # fmt: skip
