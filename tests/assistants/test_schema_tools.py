import pytest

from apps.assistants.schema import Tool, canonical_tool, clean_assistant, tool_name, tools_of
from tests.assistants import bodies
from tests.assistants.bodies import MCP, SCHEMA, TOOLS

FLAT = {"name": "look_up", "description": "Looks up.", "url": "https://a.example.org"}
DESK = {"type": "number", "number": "+31201234567", "description": "Desk"}


def judge(*tools):
    config = {"provider": "openai", "model": "gpt-5.4", "tools": list(tools)}
    outcome = clean_assistant({"llm_config": config}, context=bodies.context(), partial=True, stored={})
    if outcome.ok:
        assert outcome.values["llm_config"] == config
    return outcome


def problems(*tools):
    found = judge(*tools).problems
    return [(problem.path.removeprefix("llm_config.tools."), problem.code) for problem in found]


def test_every_shape_is_accepted_and_echoed():
    outcome = judge(*TOOLS)
    assert (outcome.problems, outcome.warnings) == ([], [])


INVALID, MISSING = "invalid_value", "missing_field"
REFUSED = [
    ("text", ("0", INVALID)),
    ({}, ("0.name", MISSING)),
    ({**FLAT, "name": ""}, ("0.name", MISSING)),
    ({**FLAT, "name": "1st"}, ("0.name", INVALID)),
    ({**FLAT, "name": "a b"}, ("0.name", INVALID)),
    ({**FLAT, "name": "x" * 65}, ("0.name", INVALID)),
    ({**FLAT, "name": ["x"]}, ("0.name", INVALID)),
    ({**FLAT, "type": "webhook"}, ("0.type", INVALID)),
    ({**FLAT, "type": ["function"]}, ("0.type", INVALID)),
    ({**FLAT, "description": 3}, ("0.description", INVALID)),
    ({**FLAT, "parameters": []}, ("0.parameters", INVALID)),
    ({**FLAT, "parameters": {"type": "string"}}, ("0.parameters.type", INVALID)),
    ({**FLAT, "parameters": {"type": "object", "required": "day"}}, ("0.parameters", INVALID)),
    ({**FLAT, "parameters": {"properties": {"a": {"$ref": "https://x.org/y"}}}}, ("0.parameters", INVALID)),
    ({**FLAT, "parameters": {"description": "x" * 65536}}, ("0.parameters", INVALID)),
    ({**FLAT, "url": "mailto:a@b.c"}, ("0.url", INVALID)),
    ({**FLAT, "url": "http://10.0.0.1"}, ("0.url", INVALID)),
    ({**FLAT, "server": "x"}, ("0.server", INVALID)),
    ({**FLAT, "server": {"url": "http://10.0.0.1"}}, ("0.server.url", INVALID)),
    ({**FLAT, "server": {"secret": "x" * 256}}, ("0.server.secret", INVALID)),
    ({**FLAT, "async": "yes"}, ("0.async", INVALID)),
    ({**FLAT, "message": "x" * 2001}, ("0.message", INVALID)),
    ({"type": "function", "function": []}, ("0.function", INVALID)),
    ({"type": "function", "function": {"description": "x"}}, ("0.function.name", MISSING)),
    ({"type": "function", "function": FLAT, "server": {"secret": "x"}}, ("0.server.url", MISSING)),
    ({"type": "transfer_call"}, ("0.destinations", MISSING)),
    ({"type": "transfer_call", "destinations": []}, ("0.destinations", INVALID)),
    ({"type": "transfer_call", "destinations": [3]}, ("0.destinations.0", INVALID)),
    ({"type": "transfer_call", "destinations": [{"description": "x"}]}, ("0.destinations.0.number", MISSING)),
    (
        {"type": "transfer_call", "destinations": [{**DESK, "number": "0201234567"}]},
        ("0.destinations.0.number", INVALID),
    ),
    ({"type": "transfer_call", "destinations": [{**DESK, "type": "sip"}]}, ("0.destinations.0.type", INVALID)),
    ({"type": "mcp", "allowed_tools": ["x"]}, ("0.mcp_server_id", MISSING)),
    ({"type": "mcp", "mcp_server_id": "x", "allowed_tools": ["x"]}, ("0.mcp_server_id", INVALID)),
    ({"type": "mcp", "mcp_server_id": bodies.TEMPLATE, "allowed_tools": ["x"]}, ("0.mcp_server_id", INVALID)),
    ({"type": "mcp", "mcp_server_id": MCP}, ("0.allowed_tools", MISSING)),
    ({"type": "mcp", "mcp_server_id": MCP, "allowed_tools": []}, ("0.allowed_tools", INVALID)),
    ({"type": "mcp", "mcp_server_id": MCP, "allowed_tools": ["x"] * 26}, ("0.allowed_tools", INVALID)),
    ({"type": "mcp", "mcp_server_id": MCP, "allowed_tools": [3]}, ("0.allowed_tools.0", INVALID)),
    ({"type": "mcp", "mcp_server_id": MCP, "allowed_tools": ["x"], "required": "x"}, ("0.required", INVALID)),
]


@pytest.mark.parametrize(("tool", "expected"), REFUSED)
def test_refused(tool, expected):
    assert problems(tool) == [expected]


def test_at_most_64_tools():
    tools = [{**FLAT, "name": f"t{number}"} for number in range(65)]
    assert judge(*tools[:64]).ok
    assert [problem.path for problem in judge(*tools).problems] == ["llm_config.tools"]


NESTED = {"type": "function", "function": {"name": "look_up", "description": "x"}}


@pytest.mark.parametrize(
    "pair",
    [
        (FLAT, FLAT),
        (FLAT, NESTED),
        ({"type": "end_call"}, {"type": "endCall"}),
        ({"type": "end_call"}, {**FLAT, "name": "end_call"}),
        ({"type": "transfer_call", "destinations": [DESK]}, {"type": "transferCall", "destinations": [DESK]}),
    ],
)
def test_two_tools_of_one_name_are_refused(pair):
    assert problems(*pair) == [("1.name", INVALID)]


def test_a_missing_description_is_a_warning():
    tools = [{"name": "a"}, {"type": "transfer_call", "destinations": [{"number": "+31201234567"}]}]
    hint = "without a description the model has to guess when to use this"
    assert judge(*tools).warnings == [
        f"llm_config.tools.0.description: {hint}",
        f"llm_config.tools.1.destinations.0.description: {hint}",
    ]


def test_deeply_nested_parameters_are_judged_without_an_exception():
    parameters = {"type": "object"}
    for _step in range(28):
        parameters = {"type": "object", "properties": {"a": parameters}}
    assert judge({**FLAT, "parameters": parameters}).ok


def test_canonical_tools():
    flat, late, spelled, nested, end, transfer, mcp = tools_of({"tools": TOOLS})
    assert flat == Tool("function", "flat", "Flat.", SCHEMA, "https://a.example.org/x")
    assert late == Tool("function", "late", "L.", None, "https://b.example.org", "s")
    assert spelled == Tool("function", "spelled", "Older.", is_async=True, message="One moment.")
    assert nested == Tool("function", "nested", "Nested.", SCHEMA, "https://c.example.org", "geheim", is_async=True)
    assert end == Tool("end_call", "end_call")
    assert transfer == Tool("transfer", "transfer_call", destinations=tuple(TOOLS[5]["destinations"]))
    assert mcp == Tool("mcp", None, mcp_server_id=MCP, allowed_tools=("find_slot",), required=False)


def test_the_own_url_wins_over_the_server():
    tool = {**FLAT, "server": {"url": "https://other.example.org", "secret": "s"}}
    assert (canonical_tool(tool).url, canonical_tool(tool).secret) == ("https://a.example.org", "s")


def test_names_and_the_unknown():
    assert [tool_name(tool) for tool in TOOLS] == [
        "flat",
        "late",
        "spelled",
        "nested",
        "end_call",
        "transfer_call",
        None,
    ]
    assert canonical_tool({"type": "zzz"}) is None
    assert list(tools_of(None)) == list(tools_of({"tools": None})) == list(tools_of({"tools": ["x"]})) == []
