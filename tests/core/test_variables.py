import pytest

from apps.core.variables import as_text, fill, missing, names

FILLED = [
    ("Hello {{name}}!", {"name": "Sam"}, "Hello Sam!"),
    ("{{ name }} of {{company}}", {"name": "Sam", "company": "Acme"}, "Sam of Acme"),
    ("{{Name}}", {"name": "Sam"}, "{{Name}}"),
    ("{{unknown}} stays", {}, "{{unknown}} stays"),
    ("{{a}}", {"a": "{{b}}", "b": "no"}, "{{b}}"),
    ("{{a}}{{b}}", {"a": "{", "b": "{b}}"}, "{{b}}"),
    ("{{E-mail_adres}}", {"E-mail_adres": "x@example.org"}, "x@example.org"),
    ("{{Straße}} {{naïef}}", {"Straße": "Hof", "naïef": "ja"}, "Hof ja"),
    ("{{n}} {{t}} {{f}} {{x}}", {"n": 3, "t": True, "f": 1.5, "x": None}, "3 true 1.5 {{x}}"),
    ("{{list}}", {"list": ["a"]}, "{{list}}"),
    ("{{empty}}|", {"empty": ""}, "|"),
    ("{name} {{}} {{ }} {{{name}}}", {"name": "Sam"}, "{name} {{}} {{ }} {Sam}"),
    (r"\1 {{a}}", {"a": r"\g<0>"}, r"\1 \g<0>"),
]


@pytest.mark.parametrize(("text", "variables", "expected"), FILLED)
def test_fill(text, variables, expected):
    assert fill(text, variables) == expected


def test_names_are_case_sensitive_and_trimmed():
    assert names("{{ a }} {{A}} {{a}} {{}} {{ }} {b}") == {"a", "A"}


def test_missing_counts_blank_as_no_value():
    text = "{{d}} {{c}} {{b}} {{a}}"
    assert missing(text, {"a": "x", "b": " ", "c": "", "d": 0}) == ["b", "c"]


@pytest.mark.parametrize(("value", "expected"), [("a", "a"), (True, "true"), (3, "3"), (None, None), ([], None)])
def test_as_text(value, expected):
    assert as_text(value) == expected


@pytest.mark.timeout(2)
def test_hostile_braces_cost_no_time():
    hostile = "{{" * 100_000
    assert fill(hostile, {"a": "b"}) == hostile
    assert fill("{{ " + " " * 100_000, {"": "b"}).startswith("{{ ")
