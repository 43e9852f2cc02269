"""Zones, regions and consents as people write them."""

import datetime as dt

import pytest

from apps.campaigns.columns import guess_columns, signature_of
from apps.campaigns.intake import Refusal, read_about
from apps.campaigns.readings import read_consent, read_moment, read_region, read_zone

ZONES = [
    ("Europe/Berlin", "", "Europe/Berlin"), ("europe/berlin", "", "Europe/Berlin"), ("Amsterdam", "", "Europe/Amsterdam"),
    ("new york", "", "America/New_York"), ("W. Europe Standard Time", "", "Europe/Berlin"), ("CET", "+31612345678", "Europe/Amsterdam"),
    ("MEZ", "", "Europe/Berlin"), ("EST", "+14155550186", "America/New_York"), ("PT", "+14155550186", "America/Los_Angeles"),
    ("PT", "+351912345678", None), ("Central", "+14155550186", "America/Chicago"), ("CST", "+8613812345678", None),
    ("Mars/Base", "", None), ("+02:00", "", None), ("", "", ""), ("  ", "", ""),
]  # fmt: skip
REGIONS = [
    ("BY", "+498912345678", "BY"), ("by", "+498912345678", "BY"), ("Bayern", "+498912345678", "BY"), ("DE-BY", "+3120123456", "DE-BY"),
    ("New York", "+14155550186", "NY"), ("ZZ", "+14155550186", None), ("Nowhere", "+31612345678", None), ("NH", "+31201234567", "NH"),
    ("", "+31612345678", ""),
]  # fmt: skip
CONSENTS = [
    ("yes", "express"), ("Ja", "express"), ("Ausdrückliche Einwilligung", "express"), ("schriftelijk", "written"),
    ("Express written consent", "written"), ("Bestandskunde", "customer"), ("nee", ""), ("", ""), ("perhaps", None),
]  # fmt: skip
MOMENTS = [
    ("2026-01-14", "DE", "2026-01-13T23:00Z"), ("14.01.2026 18:30", "DE", "2026-01-14T17:30Z"), ("14/1/26", "NL", "2026-01-13T23:00Z"),
    ("1/14/2026 6:30 PM", "US", "2026-01-14T17:30Z"), ("2026-01-14T18:30:00+02:00", "", "2026-01-14T16:30Z"),
    ("1768411800", "", "2026-01-14T17:30Z"), ("14.01.2026 18:30 Uhr", "DE", "2026-01-14T17:30Z"), ("31.02.2026", "DE", None),
    ("last year", "", None),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number", "zone"), ZONES)
def test_zones(text, number, zone):
    assert read_zone(text, number) == zone


@pytest.mark.parametrize(("text", "number", "region"), REGIONS)
def test_regions(text, number, region):
    assert read_region(text, number) == region


@pytest.mark.parametrize(("text", "kind"), CONSENTS)
def test_consents(text, kind):
    assert read_consent(text) == kind


@pytest.mark.parametrize(("text", "country", "instant"), MOMENTS)
def test_moments(text, country, instant):
    expected = dt.datetime.fromisoformat(instant) if instant else None
    assert read_moment(text, zone="Europe/Berlin", country=country) == expected


def test_a_consent_of_next_month_is_a_typing_error():
    now = dt.datetime(2026, 1, 14, tzinfo=dt.UTC)
    texts = {"consent": "yes", "consent_at": "2026-02-14"}
    assert read_about(texts, number="+31612345678", zone="UTC", now=now) == Refusal("bad_consent_at", "2026-02-14")
    assert read_about(texts | {"consent_at": "2026-01-14"}, number="+31612345678", zone="UTC", now=now)["consent"] == "express"


def test_columns_are_taken_for_what_their_rows_read_as():
    header = ["Telefon", "Zeitzone", "Bundesland", "Einwilligung", "Einwilligung am", "Nachweis"]
    rows = [["030 23125001", "Europe/Berlin", "Bayern", "ja", "14.01.2026", "Formular 7"]]
    found = guess_columns(header, sample=rows, country="DE")
    assert found.about == {"timezone": 1, "region": 2, "consent": 3, "consent_at": 4, "consent_proof": 5}
    assert (found.number, dict(found.variables)) == (0, {})


def test_a_column_whose_rows_read_as_something_else_stays_a_variable():
    found = guess_columns(["phone", "region", "consent"], sample=[["+31612345678", "EMEA north", "perhaps"]], country="NL")
    assert (dict(found.about), dict(found.variables)) == ({}, {1: "region", 2: "consent"})


def test_what_the_message_asks_for_is_a_variable_too():
    found = guess_columns(["phone", "State"], sample=[["+14155550186", "NY"]], country="US", wanted=["state"])
    assert (found.about, found.variables) == ({"region": 1}, {1: "state"})


def test_a_signature_is_the_same_for_the_same_columns_alone():
    assert signature_of(["Phone ", "First  name"]) == signature_of(["phone", "first name"])
    assert signature_of(["phone", "name"]) != signature_of(["name", "phone"])
