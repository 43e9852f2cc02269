import copy

import pytest

from apps.assistants.schema import clean_assistant, for_engine, public_view
from apps.assistants.schema.views import clamped_turn_detection
from tests.assistants import bodies
from tests.assistants.bodies import MCP, SCHEMA, TOOLS

GROK = {"provider": "xai_realtime", "model": "grok-voice-think-fast-2.0"}


def assistant(**body):
    return clean_assistant({"name": "Desk", **body}, context=bodies.context()).require()


def llm(**config):
    return {"provider": "openai", "model": "gpt-5.4", **config}


def send(values, direction="outbound", variables=None, **more):
    return for_engine(values, direction=direction, variables=variables or {}, **more)


def test_public_view_shows_no_secret():
    values = assistant(
        first_message="Hi", webhook_secret="geheim", webhook_url="https://x.org", llm_config=llm(tools=TOOLS)
    )
    before = copy.deepcopy(values)
    view = public_view(values, assistant_id="a", metadata={"crm_id": "77"})
    assert list(view) == [
        "id",
        "name",
        "first_message",
        "llm_config",
        "stt_config",
        "tts_config",
        "autonomous_silence_handling",
        "voicemail_detection",
        "metadata",
    ]
    assert view["metadata"] == {"crm_id": "77"}
    assert view["llm_config"]["tools"][1]["server"] == {"url": "https://b.example.org"}
    assert "geheim" not in str(view)
    assert values == before
    view["llm_config"]["tools"].clear()
    assert values == before


def test_tools_travel_without_address_and_secret():
    sent = send(assistant(llm_config=llm(tools=TOOLS)))["llm_config"]["tools"]
    assert sent == [
        {"name": "flat", "description": "Flat.", "parameters": SCHEMA, "async": False},
        {"type": "function", "name": "late", "description": "L."},
        {"name": "spelled", "description": "Older.", "async": True, "async_response": "One moment."},
        {
            "type": "function",
            "function": {"name": "nested", "description": "Nested.", "parameters": SCHEMA},
            "async": True,
        },
        {"type": "endCall"},
        TOOLS[5],
        {"type": "mcp", "mcp_server_id": MCP, "allowed_tools": ["find_slot"], "required": False},
    ]


def test_parameters_keep_properties_that_are_called_like_our_keys():
    parameters = {"type": "object", "properties": {"url": {"type": "string"}, "secret": {"type": "string"}}}
    tool = {"name": "a", "description": "x", "parameters": parameters, "url": "https://x.org"}
    values = assistant(llm_config=llm(tools=[tool]))
    assert send(values)["llm_config"]["tools"] == [{"name": "a", "description": "x", "parameters": parameters}]
    assert public_view(values, assistant_id=None, metadata={})["llm_config"]["tools"] == [tool]


@pytest.mark.parametrize(
    ("handling", "tools", "expected"),
    [
        (False, [], []),
        (True, [], [{"type": "end_call"}]),
        (True, [{"type": "endCall"}], [{"type": "endCall"}]),
        (True, None, [{"type": "end_call"}]),
    ],
)
def test_silence_handling_adds_end_call_without_changing_the_stored_tools(handling, tools, expected):
    values = assistant(autonomous_silence_handling=handling, llm_config=llm(tools=tools))
    assert send(values)["llm_config"]["tools"] == expected
    assert values["llm_config"]["tools"] == tools


GREETINGS = [
    ("inbound", None, "Saved {{x}}", "Saved 1"),
    ("outbound", None, "Saved {{x}}", "Out 1"),
    ("web", None, "Saved {{x}}", "Saved 1"),
    ("outbound", "Asked {{x}} {{y}}", "Saved", "Asked 1 {{y}}"),
    ("outbound", "", "Saved", ""),
    ("inbound", None, None, None),
]


@pytest.mark.parametrize(("direction", "greeting", "saved", "expected"), GREETINGS)
def test_greeting(direction, greeting, saved, expected):
    values = assistant(first_message=saved, speech_config={"first_message_outbound": "Out {{x}}"})
    assert send(values, direction, {"x": 1}, greeting=greeting)["first_message"] == expected


def test_an_unset_outbound_greeting_falls_back():
    values = assistant(first_message="Saved", speech_config={"first_message_outbound": ""})
    assert send(values)["first_message"] == "Saved"


def test_the_campaign_prompt_follows_the_assistants_own():
    messages = [
        {"role": "system", "content": "You call {{name}}."},
        {"role": "user", "content": "{{name}}?"},
    ]
    values = assistant(llm_config=llm(messages=messages), voicemail_message="For {{name}}", voicemail_detection=True)
    sent = send(values, variables={"name": "{{x}}", "x": "no"}, system_message="Of {{company}}, {{name}}.")
    assert sent["llm_config"]["messages"] == [
        {"role": "system", "content": "You call {{x}}."},
        {"role": "system", "content": "Of {{company}}, {{x}}."},
        {"role": "user", "content": "{{name}}?"},
    ]
    assert (sent["voicemail_message"], sent["voicemail_detection"]) == ("For {{x}}", True)
    assert values["llm_config"]["messages"] == messages
    alone = send(assistant(llm_config=llm()), system_message="S")["llm_config"]["messages"]
    assert alone == [{"role": "system", "content": "S"}]


def test_each_direction_gets_its_own_parts():
    common = {
        "speech_config",
        "max_duration_seconds",
        "autonomous_silence_handling",
        "silence_timeout_seconds",
        "analysis_plan",
        "gdpr_mode",
        "first_message",
        "llm_config",
        "stt_config",
        "tts_config",
    }
    values = assistant(webhook_url="https://x.org", webhook_secret="s")
    assert set(send(values, "web")) == common
    assert set(send(values, "inbound")) == common | {"recording_consent"}
    assert set(send(values, "outbound")) == common | {"voicemail_detection", "voicemail_message"}
    realtime = assistant(llm_config=GROK, tts_config={"provider": "inworld", "voice_id": "Katrien"})
    assert set(send(realtime, "web")) == common - {"stt_config", "tts_config"}


def test_turn_detection_is_clamped_when_used_and_stored_as_sent():
    sent = {"threshold": 9, "prefix_padding_ms": -1, "silence_duration_ms": 50, "idle_timeout_ms": None, "x": 5}
    values = assistant(llm_config={**GROK, "turn_detection": sent})
    assert values["llm_config"]["turn_detection"] == sent
    used = {"threshold": 1, "prefix_padding_ms": 0, "silence_duration_ms": 100, "idle_timeout_ms": None, "x": 5}
    assert send(values)["llm_config"]["turn_detection"] == used
    assert clamped_turn_detection({**GROK}) is None
    assert clamped_turn_detection(llm(turn_detection=sent)) is None
