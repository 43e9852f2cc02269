"""The shape of rule packs: what is shipped is right and named by its source, what is wrong is named by its field."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from apps.campaigns.rules.packs import shipped
from apps.campaigns.rules.public_holidays import regions_of
from apps.campaigns.rules.schema import HINT_KEYS, problems
from apps.campaigns.rules.words import HINTS, KINDS, country_name

VERSIONS = [version for versions in shipped().values() for version in versions]
NAMES = [f"{version.country}-{version.region or version.valid_from}" for version in VERSIONS]


@pytest.mark.parametrize("version", VERSIONS, ids=NAMES)
def test_a_shipped_version_is_right_and_names_its_sources(version: Any) -> None:
    assert problems(version.rules) == []
    assert version.sources
    for source in version.sources:
        assert source["kind"] in KINDS
        assert source["kind"] != "own"
        assert dt.date.fromisoformat(source["date"]) >= dt.date(2026, 11, 1)
        assert source["url"] == "" or source["url"].startswith("https://")
        assert source["text"]
    assert country_name(version.country) != version.country
    assert not version.region or version.region in regions_of(version.country)


def test_the_countries_that_are_shipped() -> None:
    keys = set(shipped())
    assert {("US", ""), ("EU", ""), ("NL", ""), ("BE", ""), ("DE", ""), ("FR", ""), ("GB", ""), ("CA", ""), ("ZZ", "")} <= keys
    assert {("US", state) for state in ("FL", "OK", "WA", "TX")} <= keys
    assert [version.valid_from.isoformat() for version in shipped()["NL", ""]] == ["2021-07-01", "2026-07-01"]


def test_every_hint_has_its_words() -> None:
    assert set(HINTS) == set(HINT_KEYS)


def part(**values: Any) -> dict[str, Any]:
    return {"marketing": values}


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ([], "rules"), ({"marketng": {}}, "marketng"), ({"marketing": []}, "marketing"), ({"hints": ["nonsense"]}, "hints"),
        ({"hints": "identify"}, "hints"), (part(hour={}), "marketing.hour"), (part(hours=[]), "marketing.hours"),
        (part(hours={"8": []}), "marketing.hours"), (part(hours={"1": "9-12"}), "marketing.hours.1"),
        (part(hours={"2": [["9:00", "12:00"]]}), "marketing.hours.2"), (part(hours={"2": [["12:00", "12:00"]]}), "marketing.hours.2"),
        (part(hours={"3": [["09:00", "12:00"], ["11:00", "13:00"]]}), "marketing.hours.3"),
        (part(hours={"3": [["14:00", "15:00"], ["11:00", "13:00"]]}), "marketing.hours.3"),
        (part(hours={"4": [["00:00", "24:01"]]}), "marketing.hours.4"), (part(hours={"4": [["00:00"]]}), "marketing.hours.4"),
        (part(hours={"5": [["00:00", "01:00"]] * 7}), "marketing.hours.5"), (part(hours={"6": [[9, 12]]}), "marketing.hours.6"),
        (part(special_days=[{"date": "02-30", "hours": []}]), "marketing.special_days"),
        (part(special_days=[{"date": "2026-12-24", "hours": []}]), "marketing.special_days"),
        (part(special_days=[{"date": "12-24", "hours": []}] * 2), "marketing.special_days"),
        (part(special_days=[{"date": "12-24", "hours": [["x", "y"]]}]), "marketing.special_days"), (part(special_days={"a": 1}), "marketing.special_days"),
        (part(attempts=[{"calls": 0, "days": 1}]), "marketing.attempts"), (part(attempts=[{"calls": 1}]), "marketing.attempts"),
        (part(attempts=[{"calls": True, "days": 1}]), "marketing.attempts"), (part(attempts=["3 a day"]), "marketing.attempts"),
        (part(attempts=[{"calls": 1, "days": 1}] * 5), "marketing.attempts"), (part(silence_days=0), "marketing.silence_days"),
        (part(silence_days="60"), "marketing.silence_days"), (part(consent=[]), "marketing.consent"),
        (part(consent=["oral"]), "marketing.consent"), (part(consent="express"), "marketing.consent"),
        (part(open_on_holidays="no"), "marketing.open_on_holidays"), (part(attestation=1), "marketing.attestation"),
        ({"service": {"silence_days": -1}}, "service.silence_days"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(rules: Any, field: str) -> None:
    found = problems(rules)
    assert [each.field for each in found] == [field]
    assert found[0].text


def test_what_is_right() -> None:
    assert problems({}) == []
    full = {
        "hours": {"1": [["00:00", "24:00"]], "7": []}, "open_on_holidays": False, "attestation": True, "silence_days": 60,
        "special_days": [{"date": "02-29", "hours": [["09:00", "12:00"], ["12:00", "13:00"]]}],
        "attempts": [{"calls": 4, "days": 30}], "consent": ["express"],
    }  # fmt: skip
    assert problems({"marketing": full, "service": full, "hints": ["ai_disclosure"]}) == []
    assert problems(part(hours=None, silence_days=None, consent=None, special_days=None, attempts=None)) == []
