"""Bodies for the tests of the schema: a context, valid configs of every provider, and hypothesis strategies."""

import string

from hypothesis import strategies as st

from apps.assistants.schema import Context
from apps.catalog import providers

MCP = "0d5c1c6e-8f3b-4b44-9c7e-3a1f5f2b9a10"
TEMPLATE = "77aa1c6e-8f3b-4b44-9c7e-3a1f5f2b9a11"
SCHEMA = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}


def address_problem(url):
    return "The address leads to a private network." if "10.0.0" in url else None


def analysis_template(ident):
    return {"schema": SCHEMA, "messages": [{"role": "system", "content": "T"}]} if ident == TEMPLATE else None


def context(**changes):
    known = {"mcp_server_exists": MCP.__eq__, "analysis_template": analysis_template}
    return Context(address_problem=address_problem, **{**known, **changes})


TOOLS = [
    {"name": "flat", "description": "Flat.", "parameters": SCHEMA, "url": "https://a.example.org/x", "async": False},
    {
        "type": "function",
        "name": "late",
        "description": "L.",
        "server": {"url": "https://b.example.org", "secret": "s"},
    },
    {"name": "spelled", "description": "Older.", "async": True, "async_response": "One moment."},
    {
        "type": "function",
        "function": {"name": "nested", "description": "Nested.", "parameters": SCHEMA},
        "server": {"url": "https://c.example.org", "secret": "geheim"},
        "async": True,
    },
    {"type": "endCall"},
    {
        "type": "transferCall",
        "destinations": [{"type": "number", "number": "+31 20-123.4567", "description": "Desk", "message": "Hold on."}],
    },
    {"type": "mcp", "mcp_server_id": MCP, "allowed_tools": ["find_slot"], "required": False},
]

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=40)
WORD = st.text(string.ascii_letters + string.digits, min_size=2, max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)


def value_of(setting):
    """Any value that the rules must accept for a setting."""
    if setting.choices:
        return st.sampled_from(setting.choices)
    least, most = setting.minimum, setting.maximum
    if setting.variants:
        entry = st.one_of(*(_variant(name, variant) for name, variant in setting.variants.items()))
        return st.lists(entry, max_size=3)
    return {
        "boolean": st.booleans(),
        "integer": st.integers(least, most),
        "number": st.floats(least, most, allow_nan=False, allow_infinity=False) | st.just(most or 1),
        "string": WORD,
        "array": _list(setting),
        "object": _object(setting),
    }[setting.type]


def _list(setting):
    if setting.type != "array":
        return st.nothing()
    return st.lists(value_of(setting.items), min_size=setting.min_items or 0, max_size=min(setting.max_items or 3, 3))


def _object(setting):
    return st.fixed_dictionaries({}, optional={name: value_of(part) for name, part in setting.fields.items()})


def _variant(name, variant):
    needed = {key: value_of(variant.fields[key]) for key in variant.required if key != "type"}
    return st.fixed_dictionaries({"type": st.just(name), **needed})


@st.composite
def config(draw, part, provider_id=None):
    """A valid config of one provider, with settings of others and unknown ones mixed in."""
    entry = providers.provider(part, provider_id or draw(st.sampled_from([p.id for p in providers.providers(part)])))
    models = [model.id for model in entry.models if not model.refused_settings] or ["any-model"]
    found = {"provider": entry.id, "model": draw(st.sampled_from(models))}
    if part == "stt":
        found["language"] = draw(st.sampled_from(providers.languages()))
    if part == "tts":
        found["voice_id"] = draw(st.sampled_from(entry.voices) if entry.voices else WORD)
    mine = {**entry.settings}
    mine.pop("language", None)
    found |= draw(st.fixed_dictionaries({}, optional={name: value_of(setting) for name, setting in mine.items()}))
    taken = {*entry.settings, "provider", "model", "language", "voice_id", "messages", "tools"}
    foreign = {name for other in providers.providers(part) for name in other.settings} - taken
    keys = (st.sampled_from(sorted(foreign)) if foreign else TEXT) | TEXT.filter(lambda key: key not in taken)
    found |= draw(st.dictionaries(keys, JSON, max_size=3))
    if part == "llm":
        message = st.fixed_dictionaries({"role": st.sampled_from(["system", "user", "assistant"]), "content": TEXT})
        found["messages"] = draw(st.lists(message, max_size=3))
        found["tools"] = draw(st.lists(st.sampled_from(TOOLS), max_size=4, unique_by=id))
    return found


@st.composite
def speech(draw):
    parts = {name: value_of(part) for name, part in providers.speech_settings().items()}
    parts["pronunciation"] = st.lists(st.fixed_dictionaries({"from": WORD, "to": TEXT}), max_size=3)
    found = draw(st.fixed_dictionaries({}, optional=parts))
    turns = found.get("turn_taking", {})
    if turns.get("endpointing_max_delay", 9) < turns.get("endpointing_min_delay", 0):
        del turns["endpointing_max_delay"]
    return found


def assistants():
    """Valid bodies of POST /assistants."""
    events = st.lists(WORD, max_size=5)
    optional = {
        "business_name": TEXT | st.none(),
        "notification_email": st.sampled_from(["a@example.org", None]),
        "notification_emails": st.lists(st.just("a@example.org"), max_size=5) | st.none(),
        "recording_consent": st.just({"enabled": True, "message": "May we record?"}) | st.none(),
        "first_message": TEXT | st.none(),
        "is_active": st.booleans(),
        "max_duration_seconds": st.integers(1, 10_000) | st.none(),
        "autonomous_silence_handling": st.booleans(),
        "silence_timeout_seconds": st.integers(1, 60),
        "voicemail_detection": st.booleans() | st.none(),
        "voicemail_message": TEXT | st.none(),
        "gdpr_mode": st.booleans(),
        "webhook_url": st.sampled_from(["http://example.org/hook", "https://example.org:8443/x?y=1", None]),
        "webhook_secret": WORD | st.none(),
        "webhook_events": events | st.none(),
        "analysis_plan": st.just({"structured_data_plan": {"enabled": True, "schema": SCHEMA}}) | st.none(),
        "stt_config": config("stt"),
        "llm_config": config("llm"),
        "tts_config": config("tts"),
        "speech_config": speech() | st.none(),
    }
    return st.fixed_dictionaries({"name": WORD}, optional=optional)
