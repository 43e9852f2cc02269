"""The write rules of api 8.15: at least one case each, every break with an entry of its own."""

import copy

import pytest

from apps.assistants.workflows import clean_definition, counts, draw, unreachable
from tests.assistants import bodies
from tests.assistants.bodies import SCHEMA, TOOLS

TTS = {"provider": "elevenlabs", "voice_id": "v"}
STT = {"provider": "deepgram", "model": "nova-3-general", "language": "nl"}


def talk(ident="greet", **fields):
    return {"id": ident, "type": "conversation", "instructions": "Greet.", **fields}


def edge(start="greet", end="bye", **fields):
    return {"from": start, "to": end, "description": "When done.", **fields}


def workflow(*nodes, edges=None, **fields):
    nodes = list(nodes) or [talk(), {"id": "bye", "type": "end"}]
    return {
        "version": 1,
        "entry_node": "greet",
        "nodes": nodes,
        "edges": [edge()] if edges is None else edges,
        **fields,
    }


FULL = workflow(
    talk(
        first_line="Hello.",
        tools=TOOLS[:6],
        llm_config={"provider": "openai", "model": "gpt-5.4", "temperature": 0.2},
        tts_config=TTS,
        stt_config=STT,
        ui={"x": 10, "y": -2.5},
    ),
    talk("help", **{"global": True, "global_description": "Wants help."}, voice="ara"),
    {"id": "look_up", "type": "tool", "tool_name": "find", "url": "https://a.example.org", "arguments": {"day": 1}},
    {"id": "desk", "type": "transfer", "destination": "+31201234567", "first_line": "One moment."},
    {"id": "bye", "type": "end", "first_line": "Bye."},
    global_prompt="Be kind.",
    edges=[
        edge(end="look_up", message="Let me see."),
        {"from": "look_up", "to": "desk"},
        edge("help", "bye", message=None),
    ],
)


def judge(definition, **changes):
    return clean_definition(definition, context=bodies.context(**changes))


def details(definition, **changes):
    return [str(problem) for problem in judge(definition, **changes).problems]


def node(**fields):
    """A workflow whose first node has these fields."""
    return workflow(talk(**fields), {"id": "bye", "type": "end"})


def test_everything_there_is_comes_back_as_it_was_sent():
    sent = copy.deepcopy(FULL)
    outcome = judge(sent)
    assert (outcome.problems, outcome.warnings) == ([], [])
    assert outcome.values == FULL
    assert counts(outcome.values) == (5, 3)


def test_unknown_keys_stay_and_edges_are_filled_in():
    sent = {
        "version": 1,
        "entry_node": "greet",
        "nodes": [talk(colour="red", llm_config={"seed": 1})],
        "note": {"by": "Ben"},
    }
    assert judge(sent).values == {**sent, "edges": []}


REQUIRED = "this field is required"
END = {"id": "bye", "type": "end"}
TOOL = {"id": "look", "type": "tool", "tool_name": "find"}
PROVIDERS = "“nobody” is not a known provider; known are: openai, xai, mistral, google"
BROKEN = [
    ({"version": 1, "nodes": [END]}, [f"entry_node: {REQUIRED}"]),
    ("text", ["definition must be an object"]),
    ([], ["definition must be an object"]),
    ({}, [f"{key}: {REQUIRED}" for key in ("version", "entry_node", "nodes")]),
    (workflow(version=2), ["version must be 1"]),
    (workflow(version=True), ["version must be 1"]),
    (workflow(version="1"), ["version must be 1"]),
    (workflow(version=None), [f"version: {REQUIRED}"]),
    (workflow(entry_node="start"), ['entry_node "start" is not a node of this workflow']),
    (workflow(entry_node="bye"), ['entry_node "bye" is not a conversation node']),
    (workflow(entry_node=3), ["entry_node: must be text"]),
    (workflow(nodes={}), ["nodes: must be a list"]),
    (workflow(edges={}), ["edges: must be a list"]),
    (workflow(global_prompt=3), ["global_prompt: must be text"]),
    (workflow(global_prompt="x" * 100_001), ["global_prompt: must have at most 100000 characters"]),
    (workflow("text", talk(), END), ["nodes.0: must be an object"]),
    (workflow(edges=["x", edge()]), ["edges.0: must be an object"]),
    (workflow(talk(), {"type": "end"}, edges=[]), [f"nodes.1.id: {REQUIRED}"]),
    (workflow(talk(), {"id": "bye"}), [f"nodes.1.type: {REQUIRED}"]),
    (
        workflow(talk(), {"id": "bye", "type": "say"}),
        ["nodes.1.type: “say” is not one of: conversation, tool, transfer, end"],
    ),
    (workflow(talk(), END, talk("Bad")), ['node id "Bad" does not match ^[a-z][a-z0-9_]{0,40}$']),
    (workflow(talk(), END, talk("1a")), ['node id "1a" does not match ^[a-z][a-z0-9_]{0,40}$']),
    (workflow(talk(), END, talk("a\n")), ['node id "a\n" does not match ^[a-z][a-z0-9_]{0,40}$']),
    (workflow(talk(), END, talk("a" * 42)), [f'node id "{"a" * 42}" does not match ^[a-z][a-z0-9_]{{0,40}}$']),
    (workflow(talk(), END, talk(7)), ['node id "7" does not match ^[a-z][a-z0-9_]{0,40}$']),
    (workflow(talk(), END, END), ['node id "bye" is used more than once']),
    (workflow(edges=[edge(end="gone")]), ['edge "greet" -> "gone": "gone" is not a node of this workflow']),
    (
        workflow(edges=[edge("a", "b")]),
        [f'edge "a" -> "b": "{name}" is not a node of this workflow' for name in ("a", "b")],
    ),
    (workflow(edges=[{"description": "x"}]), [f"edges.0.from: {REQUIRED}", f"edges.0.to: {REQUIRED}"]),
    (workflow(edges=[edge(end=3)]), ["edges.0.to: must be text"]),
    (workflow(edges=[edge(), edge("greet", "greet")]), ['edge "greet" -> "greet" leads back to its own node']),
    (workflow(edges=[edge(), edge(description="Or.")]), ['edge "greet" -> "bye" is there more than once']),
    (
        workflow(edges=[edge(), edge("bye", "greet")]),
        ['node "bye" is of type end: no edge may leave it'],
    ),
    (
        workflow(talk(), {"id": "bye", "type": "transfer", "destination": "+31201234567"}, edges=[edge(), edge("bye", "greet")]),
        ['node "bye" is of type transfer: no edge may leave it'],
    ),
    (
        workflow(talk(), END, TOOL, edges=[edge(), edge(end="look")]),
        ['tool node "look" needs exactly one edge that leaves it, it has 0'],
    ),
    (
        workflow(talk(), END, TOOL, edges=[edge(end="look"), {"from": "look", "to": "bye"}, {"from": "look", "to": "greet"}]),
        ['tool node "look" needs exactly one edge that leaves it, it has 2'],
    ),
    (workflow(edges=[{"from": "greet", "to": "bye"}]), ['edge "greet" -> "bye" needs a description']),
    (workflow(edges=[edge(description=" ")]), ['edge "greet" -> "bye" needs a description']),
    (workflow(edges=[edge(description=3)]), ["edges.0.description: must be text"]),
    (workflow(edges=[edge(message="x" * 2001)]), ["edges.0.message: must have at most 2000 characters"]),
    (node(**{"global": True}), ['node "greet" is global and needs global_description']),
    (node(**{"global": "yes"}), ["nodes.0.global: must be true or false"]),
    (node(voice="ara", tts_config=TTS), ['node "greet" must not have both voice and tts_config']),
    (node(voice=""), ["nodes.0.voice: must not be empty"]),
    (node(instructions=""), [f"nodes.0.instructions: {REQUIRED}"]),
    (node(instructions=" "), ["nodes.0.instructions: must not be empty"]),
    (node(first_line="x" * 2001), ["nodes.0.first_line: must have at most 2000 characters"]),
    (node(tts_config={"provider": "elevenlabs"}), [f"nodes.0.tts_config.voice_id: {REQUIRED}"]),
    (node(tts_config={"voice_id": "v"}), [f"nodes.0.tts_config.provider: {REQUIRED}"]),
    (node(stt_config={"provider": "deepgram"}), [f"nodes.0.stt_config.{key}: {REQUIRED}" for key in ("model", "language")]),
    *[
        (node(llm_config={"provider": provider}), ["nodes.0.llm_config.provider: realtime_provider_not_allowed_per_node"])
        for provider in ("google_realtime", "xai_realtime", "openai_live")
    ],
    (node(llm_config="openai"), ["nodes.0.llm_config: must be an object"]),
    (node(llm_config={"temperature": 2.1}), ["nodes.0.llm_config.temperature: must be between 0 and 2"]),
    (node(llm_config={"model": 3}), ["nodes.0.llm_config.model: must be text"]),
    (node(tools=[TOOLS[6]]), ["nodes.0.tools.0.type: tools of MCP servers are not allowed here"]),
    (node(tools=[{"name": "a b", "description": "x", "parameters": SCHEMA}]),
     ["nodes.0.tools.0.name: must start with a letter or _ and hold only letters, digits, _ and -, at most 64 in all"]),
    (node(ui=[1, 2]), ["nodes.0.ui: must be an object"]),
    (node(ui={"x": "1"}), ["nodes.0.ui.x: must be a number"]),
    (workflow(talk(), END, {**TOOL, "tool_name": ""}, edges=[edge(end="look"), edge("look")]),
     [f"nodes.2.tool_name: {REQUIRED}"]),
    (workflow(talk(), END, {**TOOL, "url": "https://10.0.0.1"}, edges=[edge(end="look"), edge("look")]),
     ["nodes.2.url: The address leads to a private network."]),
    (workflow(talk(), END, {**TOOL, "arguments": []}, edges=[edge(end="look"), edge("look")]),
     ["nodes.2.arguments: must be an object"]),
    (workflow(talk(), {"id": "bye", "type": "transfer"}), [f"nodes.1.destination: {REQUIRED}"]),
    (workflow(talk(), {"id": "bye", "type": "transfer", "destination": "0201234567"}),
     ["nodes.1.destination: must be a phone number in international form, such as +31201234567"]),
    (workflow(talk(), *[talk(f"n{n}") for n in range(100)], edges=[]), ["a workflow has at most 100 nodes, not 101"]),
    (workflow(edges=[edge()] * 301), ["a workflow has at most 300 edges, not 301"]),
    (workflow(note="x" * 262_144), ["a definition has at most 256 KiB"]),
    (workflow(note="a\x00b"), ["definition.note: holds a character that cannot be stored"]),
]  # fmt: skip


@pytest.mark.parametrize(("definition", "expected"), BROKEN)
def test_each_rule_says_what_is_broken(definition, expected):
    assert details(definition) == expected


def test_an_unknown_provider_keeps_its_code():
    problem = judge(node(llm_config={"provider": "nobody"})).problems[0]
    assert (problem.path, problem.code) == ("nodes.0.llm_config.provider", "unknown_provider")


def test_all_breaks_come_at_once():
    found = details(workflow(talk(), {"id": "Bye", "type": "end"}, version=2, entry_node="x", edges=[edge("a", "a")]))
    assert found == [
        "version must be 1",
        'node id "Bye" does not match ^[a-z][a-z0-9_]{0,40}$',
        'entry_node "x" is not a node of this workflow',
        'edge "a" -> "a": "a" is not a node of this workflow',
        'edge "a" -> "a": "a" is not a node of this workflow',
        'edge "a" -> "a" leads back to its own node',
    ]


def test_limits_are_reached_but_not_passed():
    nodes = [talk(), *[talk(f"n{number}") for number in range(99)]]
    edges = [edge(f"n{a}", f"n{b}") for a in range(20) for b in range(20) if a != b][:300]
    assert len(edges) == 300
    assert details(workflow(*nodes, edges=edges)) == []


def test_unreachable_nodes_are_warnings():
    lost = workflow(talk(), END, talk("lost"), talk("after"), edges=[edge(), edge("lost", "after")])
    outcome = judge(lost)
    assert outcome.problems == []
    assert outcome.warnings == ['nodes.2: nothing leads to node "lost"', 'nodes.3: nothing leads to node "after"']
    lost["nodes"][2] |= {"global": True, "global_description": "Is lost."}
    assert unreachable(lost) == []


def test_an_unknown_model_is_a_warning():
    assert judge(node(llm_config={"provider": "openai", "model": "gpt-99"})).warnings != []


@pytest.mark.parametrize("definition", [*[each for each, _details in BROKEN], FULL, None, {"nodes": [1, {"id": []}]}])
def test_whatever_is_typed_can_be_drawn(definition):
    drawing = draw(definition, frozenset({"nodes.0.id"}))
    assert all(0 <= box.x <= drawing.width and 0 <= box.y <= drawing.height for box in drawing.boxes)
    assert len({(box.x, box.y) for box in drawing.boxes}) == len(drawing.boxes)


def test_the_drawing_shows_entry_ways_and_lost_nodes():
    drawing = draw(workflow(talk(), END, talk("lost")), frozenset({"nodes.1.first_line", "edges.0"}))
    assert [(b.id, b.is_entry, b.is_unreachable, b.is_wrong) for b in drawing.boxes] == [
        ("greet", True, False, False),
        ("bye", False, False, True),
        ("lost", False, True, False),
    ]
    assert [(line.start, line.end, line.is_wrong) for line in drawing.lines] == [("greet", "bye", True)]
