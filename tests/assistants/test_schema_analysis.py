import pytest

from apps.assistants.schema import clean_assistant
from tests.assistants import bodies
from tests.assistants.bodies import SCHEMA, TEMPLATE

COPIED = [{"role": "system", "content": "T"}]
OWN = {"type": "object", "properties": {"own": {"type": "string"}}}


def judge(plan, stored=None, **changes):
    return clean_assistant(
        {"analysis_plan": plan}, context=bodies.context(**changes), partial=True, stored=stored or {}
    )


def structured(**plan):
    return {"structured_data_plan": {"enabled": True, **plan}}


REFUSED = [
    ({"structured_data_plan": {}}, "structured_data_plan.enabled", "missing_field"),
    ({"structured_data_plan": []}, "structured_data_plan", "invalid_value"),
    ({"min_messages_threshold": -1}, "min_messages_threshold", "invalid_value"),
    ({"min_messages_threshold": 1.5}, "min_messages_threshold", "invalid_value"),
    (structured(enabled="yes"), "structured_data_plan.enabled", "invalid_value"),
    (structured(schema=[]), "structured_data_plan.schema", "invalid_value"),
    (structured(schema={"type": "array"}), "structured_data_plan.schema.type", "invalid_value"),
    (structured(schema={"$ref": "http://x.org"}), "structured_data_plan.schema", "invalid_value"),
    (structured(schema={"$dynamicRef": "http://x.org"}), "structured_data_plan.schema", "invalid_value"),
    (
        structured(messages=[{"role": "assistant", "content": "x"}]),
        "structured_data_plan.messages.0.role",
        "invalid_value",
    ),
    (structured(template_id=bodies.MCP), "structured_data_plan.template_id", "invalid_value"),
    (structured(template_id="x"), "structured_data_plan.template_id", "invalid_value"),
]


@pytest.mark.parametrize(("plan", "path", "code"), REFUSED)
def test_refused(plan, path, code):
    assert [(p.path, p.code) for p in judge(plan).problems] == [(f"analysis_plan.{path}", code)]


@pytest.mark.parametrize(
    "plan",
    [
        {},
        {"min_messages_threshold": 0},
        structured(schema=OWN, messages=COPIED, extra=1),
        {"structured_data_plan": None},
    ],
)
def test_echoed(plan):
    assert judge(plan).require() == {"analysis_plan": plan}


def test_a_template_is_copied_in():
    found = judge(structured(template_id=TEMPLATE)).require()["analysis_plan"]
    assert found == structured(template_id=TEMPLATE, schema=SCHEMA, messages=COPIED)


def test_what_was_sent_beats_the_template():
    found = judge(structured(template_id=TEMPLATE, schema=OWN)).require()["analysis_plan"]
    assert found == structured(template_id=TEMPLATE, schema=OWN, messages=COPIED)


def test_a_stored_plan_survives_its_deleted_template():
    plan = structured(template_id=TEMPLATE, schema=SCHEMA, messages=COPIED)
    gone = {"analysis_template": lambda ident: None}
    assert not judge(plan, **gone).ok
    assert judge(plan, stored={"analysis_plan": plan}, **gone).require() == {"analysis_plan": plan}
