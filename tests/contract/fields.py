"""The field tables of api 8, written by hand from the specification and from nothing of ours: the independent judge.

A field of a response is always there, null when it is empty; `Maybe` marks the few that are not.
"""

from __future__ import annotations

from tests.contract.kinds import (
    BOOL,
    COUNT,
    E164,
    INSTANT,
    INT,
    NOTHING,
    NUMBER,
    OBJECT,
    TEXT,
    TEXTS,
    TIME,
    UUID,
    WORD,
    Fields,
    Kind,
    ListOf,
    MapOf,
    Maybe,
    exactly,
    one_of,
)

STAMPS = {"created_at": INSTANT, "updated_at": INSTANT}
FRAME = {"id": UUID, **STAMPS}
PAGE = Fields("Pagination", total=COUNT, limit=COUNT, offset=COUNT)
SUCCESS = Fields("Success", success=exactly(True))
WARNINGS = Maybe(TEXTS)

# 8.1
ASSISTANT = Fields(
    "Assistant", **FRAME, org_id=UUID, name=WORD, business_name=TEXT.n, notification_email=TEXT.n, notification_emails=TEXTS.n,
    recording_consent=Fields("Consent", enabled=BOOL, message=TEXT).n, first_message=TEXT.n, is_active=BOOL,
    max_duration_seconds=INT.n, autonomous_silence_handling=BOOL, silence_timeout_seconds=INT, voicemail_detection=BOOL.n,
    voicemail_message=TEXT.n, gdpr_mode=BOOL, webhook_url=TEXT.n, webhook_secret=TEXT.n, webhook_events=TEXTS.n,
    analysis_plan=OBJECT.n, stt_config=OBJECT, llm_config=OBJECT, tts_config=OBJECT.n, speech_config=OBJECT.n,
)  # fmt: skip

# 8.2: `server_url` mirrors `tool_config.url`, which an end of call has not.
TOOL_TEMPLATE = Fields(
    "ToolTemplate", **FRAME, org_id=UUID, name=WORD, description=TEXT.n,
    tool_type=one_of("function", "end_call", "transfer_call"), tool_config=OBJECT,
    function_definition=Maybe(Fields("FunctionDefinition", name=WORD, description=TEXT.n, parameters=OBJECT.n)),
    server_url=TEXT.n, server_secret=TEXT.n, **{"async": BOOL},
)  # fmt: skip

# 8.3
NUMBER_ROW = Fields(
    "PhoneNumber", **FRAME, phone_number=E164, agent_id=UUID.n, assistant_id=UUID.n, agent_name=TEXT.n, assistant_name=TEXT.n,
    business_name=TEXT.n, transfer_trunk_id=UUID.n, transfer_trunk_name=TEXT.n, workflow_id=UUID.n, workflow_name=TEXT.n,
    source=one_of("manual", "upstream"), is_active=BOOL, name=TEXT.n,
)  # fmt: skip

# 8.4
MESSAGE = Fields("Message", role=one_of("system", "user", "assistant"), content=TEXT)
CALL = Fields(
    "Call", **STAMPS, id=WORD, caller_phone=TEXT.n, assistant_phone=TEXT.n, agent_phone=TEXT.n, status=WORD,
    direction=one_of("inbound", "outbound", "web"), end_reason=TEXT.n, error=TEXT.n, started_at=INSTANT.n, ended_at=INSTANT.n,
    duration_seconds=NUMBER.n, summary=TEXT.n, analysis_result=OBJECT.n, messages=ListOf(MESSAGE).n, room_name=TEXT,
    recording_url=TEXT.n, agent_id=UUID.n, assistant_id=UUID.n, agent_name=TEXT.n, assistant_name=TEXT.n, business_name=TEXT.n,
    number_id=UUID.n, phone_number=TEXT.n, metadata=OBJECT.n, reference=TEXT.n,
)  # fmt: skip
OUTBOUND = Fields("Outbound", success=exactly(True), call_id=WORD, status=exactly("dialing"), room_name=WORD, warnings=WARNINGS)
CONTROL = Fields("Control", success=exactly(True), message=WORD)
WEB_CALL = Fields("WebCall", token=WORD, server_url=WORD, call_id=WORD, room_name=WORD, expires_at=INSTANT, warnings=WARNINGS)

# 8.5
USAGE = Fields(
    "UsageLog", id=UUID, call_id=WORD, duration_sec=NUMBER, call_type=one_of("phone", "web"), byok_stt=BOOL, byok_llm=BOOL,
    byok_tts=BOOL, phone_number=TEXT.n, agent_name=TEXT.n, business_name=TEXT.n, created_at=INSTANT,
)  # fmt: skip
SUMMARY = Fields("UsageSummary", total_calls=COUNT, total_duration_seconds=NUMBER, total_duration_minutes=NUMBER)

# 8.6: never a password.
TRUNK = Fields(
    "SipTrunk", **FRAME, org_id=UUID, name=WORD, provider=TEXT, address=TEXT, transport=one_of("udp", "tcp", "tls"),
    auth_username=TEXT.n, is_active=BOOL, inbound_addresses=TEXTS.n, outbound_number=TEXT.n, outbound_address=TEXT,
    concurrent_calls=COUNT.n, starts=COUNT.n, starts_seconds=COUNT,
)  # fmt: skip

# 8.7
VOICE = Fields("Voice", id=WORD, name=WORD, language=TEXT, description=Fields("VoiceText", en=Maybe(TEXT), nl=Maybe(TEXT)))

# 8.8
SLOTS = ("deepgram", "openai", "elevenlabs", "inworld", "resend", "xai", "gladia", "mistral", "google", "google_vertex")
BYOK_KEYS = Fields("ByokKeys", **{f"{slot}_secret_id": TEXT.n for slot in SLOTS})
BYOK_PROVIDER = Fields(
    "ByokProvider", id=WORD, name=WORD, category=WORD, docsUrl=TEXT,
    models=ListOf(Fields("ByokModel", id=WORD, name=WORD, default=BOOL)),
)  # fmt: skip

# 8.9
RECORD = Fields("DnsRecord", record=TEXT, name=TEXT, type=TEXT, ttl=TEXT, status=TEXT, value=TEXT, priority=INT.n)
DOMAIN = Fields(
    "Domain", **FRAME, org_id=UUID, domain_name=WORD, resend_domain_id=TEXT.n, status=WORD, region=WORD,
    records=ListOf(RECORD).n, verified_at=INSTANT.n,
)  # fmt: skip
MIRRORS = {"id": UUID, "org_id": UUID, "domain_name": WORD, "status": WORD, "verified": BOOL, "created_at": INSTANT}
WITH_DOMAIN = Fields("DomainAnswer", domain=DOMAIN, **MIRRORS)
MAYBE_DOMAIN = Fields(
    "MaybeDomain", domain=DOMAIN.n, **{name: kind.n for name, kind in MIRRORS.items() if name != "verified"}, verified=BOOL,
)  # fmt: skip
REMOTE_DOMAIN = Fields("RemoteDomain", id=WORD, name=WORD, status=WORD, region=WORD)
OLDER_DOMAIN = Fields(
    "OlderDomain", **FRAME, org_id=UUID, domain=TEXT, domain_name=WORD, resend_domain_id=TEXT, status=WORD, region=WORD,
    records=ListOf(RECORD), verified=BOOL, verified_at=INSTANT.n,
)  # fmt: skip

# 8.10
ANALYSIS_TEMPLATE = Fields(
    "AnalysisTemplate", **FRAME, org_id=UUID, name=WORD, description=TEXT.n, system_prompt=TEXT, user_prompt=TEXT, schema=OBJECT,
    min_messages_threshold=INT.n,
)  # fmt: skip

# 8.11
CHILD = Fields("OrganizationChild", id=UUID, name=WORD, created_at=INSTANT)
ORGANIZATION = Fields(
    "Organization", id=UUID, name=WORD, minutes_balance=NUMBER, credits_balance=NUMBER, monthly_usage_minutes=NUMBER,
    active_numbers=COUNT, active_agents=COUNT, active_calls=COUNT, has_local_models_access=BOOL, parent_org_id=UUID.n,
    children=Maybe(ListOf(CHILD)), company_name=TEXT, email=NOTHING, plan=NOTHING, created_at=INSTANT,
    content_retention_days=INT, metadata_retention_days=INT,
)  # fmt: skip
ORGANIZATION_CREATED = Fields(
    "OrganizationCreated", id=UUID, name=WORD, parent_org_id=UUID.n, created_at=INSTANT,
    api_key=Kind("key", lambda value: isinstance(value, str) and value.startswith("fl_live_") and len(value) == 48),
)  # fmt: skip
RETENTION = Fields("Retention", content_retention_days=INT, metadata_retention_days=INT)

# 8.12
CAMPAIGN = Fields(
    "Campaign", **FRAME, name=WORD, agent_id=UUID, assistant_id=UUID,
    status=one_of("draft", "scheduled", "paused", "completed", "cancelled"), system_message_template=TEXT.n,
    schedule_start_time=TIME, schedule_end_time=TIME, timezone=WORD, total_leads=COUNT, completed_leads=COUNT, failed_leads=COUNT,
    number_id=UUID.n, schedule_days=ListOf(INT), max_attempts=INT, retry_delay_minutes=INT, max_concurrent_calls=INT,
    windows=ListOf(Fields("Window", days=ListOf(INT), start=TEXT, end=TEXT)).n, uses_lead_zone=BOOL, skips_holidays=BOOL,
    region=TEXT.n, purpose=one_of("marketing", "service"), attestation=TEXT.n, attested_by=TEXT.n, attested_at=INSTANT.n,
    retry_rules=MapOf(Fields("RetryRule", attempts=Maybe(INT), delays=Maybe(ListOf(INT)), seconds=Maybe(INT))),
    max_attempts_per_day=INT.n, spreads_day_parts=BOOL, voicemail_counts=one_of("message", "always", "never"), starts=INT.n,
    starts_seconds=INT, floor_calls=COUNT, priority=INT, breaker_percent=COUNT, breaker_seconds=INT,
    breaker_calls=INT, budget=NUMBER.n, variant_assistant_id=UUID.n, variant_version=INT.n, variant_percent=COUNT,
    report_emails=TEXTS,
)  # fmt: skip
LEAD = Fields(
    "Lead", **FRAME, campaign_id=UUID, phone_number=E164, name=TEXT.n, variables=MapOf(TEXT),
    status=one_of("pending", "calling", "completed", "failed", "skipped"), call_id=TEXT.n, attempts=COUNT, last_attempt_at=INSTANT.n,
    timezone=TEXT.n, region=TEXT.n, consent=TEXT.n, consent_at=INSTANT.n, consent_proof=TEXT.n,
)  # fmt: skip

# 8.13
CHECK = Fields("Check", status=one_of("ok", "error"), latency_ms=Maybe(NUMBER), error=Maybe(TEXT))
HEALTH = Fields(
    "Health", status=one_of("ok", "degraded"), timestamp=INSTANT, version=WORD,
    checks=Fields("Checks", database=CHECK, cache=CHECK, queue=CHECK, backend=CHECK),
)  # fmt: skip

# 8.14
CHAT = Fields(
    "ChatMessage", id=UUID, agent_id=UUID.n, contact_id=TEXT, channel=TEXT, role=TEXT, content=TEXT, metadata=OBJECT.n,
    created_at=INSTANT,
)  # fmt: skip
CONTEXT = Fields("ChatContext", contact_id=TEXT, agent_id=UUID.n, messages=ListOf(CHAT), formatted=TEXT)

# 8.15
WORKFLOW = Fields("Workflow", **FRAME, name=WORD, is_active=BOOL, definition=OBJECT)
WORKFLOW_ROW = Fields("WorkflowRow", **FRAME, name=WORD, is_active=BOOL, entry_node=TEXT, node_count=COUNT, edge_count=COUNT)

# 8.16: never the value of a header.
MCP_SERVER = Fields(
    "McpServer", **FRAME, name=WORD, url=WORD, transport=one_of("streamable_http", "sse"), header_names=TEXTS, timeout_seconds=INT,
)  # fmt: skip
MCP_TOOL = Fields("McpTool", name=WORD, description=TEXT.n, input_schema=OBJECT)
MCP_TEST = Fields("McpTest", ok=BOOL, duration_ms=NUMBER, tools=Maybe(ListOf(MCP_TOOL)), error=Maybe(TEXT))

# engine 3
ENGINE = Fields(
    "Engine", kind=WORD, version=WORD, instance=NOTHING, simulated=BOOL, clock=NUMBER, needs_keys=BOOL, features=TEXTS,
    answer_seconds=Fields("AnswerSeconds", **{"assistant-request": NUMBER, "tool-calls": NUMBER}),
    limits=Fields("Limits", concurrent=NOTHING, starts_per_second=NOTHING), control=TEXTS, providers=NOTHING, sip=NOTHING,
)  # fmt: skip

ERROR_KEYS = {"error": TEXT, "message": TEXT, "type": WORD, "param": Maybe(TEXT), "details": Maybe(TEXTS)}
