"""Parts without a process: signature, quotes, example values, the ring log's file."""

import random
from pathlib import Path

import jsonschema
import pytest

from engines.sandbox.assistant import read_assistant
from engines.sandbox.examples import Examples
from engines.sandbox.outcomes import dice, draw
from engines.sandbox.quoting import Quotes, sentences
from engines.sandbox.rings import Ring, RingLog
from engines.sandbox.script import SCRIPTS
from engines.sandbox.signing import sign

VECTORS = [
    (
        "whsec_test_secret_12345",
        "1700000000",
        '{"test":true}',
        "sha256=b7875b4bd3cc6c5c1a4453189b5fa746880c17cb42258530a7355906dbc5ec1d",
    ),
    (
        "s3cret",
        "1767225600",
        '{"message":{"type":"status-update"}}',
        "sha256=255a075e62d2b0ccb58a2f99acd51cb29fd16799697a6871e17121921b9a41eb",
    ),
    (
        "sleutel-é",
        "1767225600",
        '{"message":{"type":"tool-calls","naam":"Zoë"}}',
        "sha256=3df3fd6822f742901c99551f60645a8fcb9185659cf2856334d2e8db3b4fe878",
    ),
]


@pytest.mark.parametrize(("secret", "timestamp", "body", "signature"), VECTORS)
def test_signature_vectors(secret: str, timestamp: str, body: str, signature: str) -> None:
    assert sign(secret, timestamp, body.encode()) == signature


def test_sentences_lose_marks_and_headings() -> None:
    prompt = "# Role\nYou are Ada.\n- **Prices** start at 45 euros! Ask before booking.\n2) We close at five o'clock."
    assert sentences(prompt) == ["Prices start at 45 euros!", "We close at five o'clock."]


def test_quotes_fit_what_was_heard_and_come_from_the_campaign_first() -> None:
    quotes = Quotes(["We open at nine every day. A check-up costs 45 euros."], random.Random(1))
    assert quotes.take("What does a check-up cost in euros?") == "A check-up costs 45 euros."
    assert Quotes(["First prompt has this sentence.", "You call Sam of Acme."], random.Random(1)).take("?") == (
        "You call Sam of Acme."
    )
    assert Quotes([], random.Random(1)).take("?") is None


def test_example_values_fit_their_schema() -> None:
    schema = {
        "type": "object",
        "required": ["mood", "score", "tags", "done", "who", "day", "part", "short"],
        "$defs": {"part": {"type": "object", "properties": {"n": {"type": "integer", "minimum": 5, "maximum": 6}}}},
        "properties": {
            "mood": {"enum": ["good", "bad"]},
            "score": {"type": "number", "minimum": 0, "maximum": 1},
            "tags": {"type": "array", "items": {"type": "string"}, "minItems": 2},
            "done": {"type": "boolean"},
            "who": {"type": ["string", "null"]},
            "day": {"type": "string", "format": "date"},
            "part": {"$ref": "#/$defs/part"},
            "short": {"type": "string", "maxLength": 4, "minLength": 2},
        },
    }
    for seed in range(20):
        value = Examples(random.Random(seed), "Simulated call.", "+31600000001").fill(schema)
        jsonschema.validate(value, schema)


def test_outcomes_of_other_numbers_are_spread() -> None:
    drawn = [draw(dice(1, f"+3160000{n:04d}", 0), f"+3160000{n:04d}", inbound=False)[0] for n in range(2000)]
    assert 0.55 < drawn.count("answered") / 2000 < 0.65
    assert 0.11 < drawn.count("no_answer") / 2000 < 0.19
    assert len(set(drawn)) == 8


def test_only_machines_sound_like_machines() -> None:
    assistant = read_assistant({"llm_config": {}}, {}, None)
    for script in SCRIPTS.values():
        assert all(assistant.hears_machine(line) for line in script.machine)
        assert not any(assistant.hears_machine(line) for line in script.hello)


def test_end_call_phrase_ignores_case_and_punctuation() -> None:
    raw = {"llm_config": {}, "speech_config": {"end_call_phrases": ["tot ziens"]}}
    assistant = read_assistant(raw, {}, None)
    assert assistant.ends_call("Dank u wel. Tot ziens!")
    assert not assistant.ends_call("Tot ziens is een groet.")


def test_ring_log_survives_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "rings.jsonl"
    log = RingLog(path)
    log.ring(Ring("eng-1", "r1", "k1", "outbound", "+31", "+32", "2026-01-05T09:30:00.000Z", "i", "busy", "d", "r1"))
    log.settle("eng-1", 7)
    log.close()
    with path.open("ab") as file:
        file.write(b'{"ring": {"call_id": "eng-2"')
    again = RingLog(path)
    again.ring(Ring("eng-3", None, None, "outbound", "+31", "+33", "2026-01-05T09:31:00.000Z", "i", "busy"))
    again.close()
    last = RingLog(path)
    page = last.page(None, 10, 0)
    assert [(ring["call_id"], ring["seconds"]) for ring in page["rings"]] == [("eng-1", 7), ("eng-3", 0)]
    assert (last.of_key("k1"), last.of_reference("r1")) == (last.of_call("eng-1"), last.of_call("eng-1"))
    assert last.seen("+32") == 1
