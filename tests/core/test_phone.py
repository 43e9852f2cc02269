"""Phone numbers as people write them."""

import pytest
from django.utils import translation

from apps.core import phone

GERMAN = [
    ("+493023125001", "+493023125001"), ("+49 30 2312-5001", "+493023125001"), ("+49 (0)30 23125001", "+493023125001"),
    ("+49.30.23125001", "+493023125001"), ("0049 30 23125001", "+493023125001"), ("00493023125001", "+493023125001"),
    ("030/23125001", "+493023125001"), ("(030) 231 25001", "+493023125001"), ("030-23125001", "+493023125001"),
    ("030\u00a023125001", "+493023125001"), ("030\u202f231\u201025001", "+493023125001"), ("'03023125001", "+493023125001"),
    ("'+493023125001", "+493023125001"), ("3023125001", "+493023125001"), ("\u202a+49 30 23125001\u202c", "+493023125001"),
    ("０３０ 23125001", "+493023125001"), ("tel:+49-30-23125001", "+493023125001"), ("+49 30 / 2312-5001", "+493023125001"),
    ("+493023125001.0", "+493023125001"), ("3023125001,0", "+493023125001"),
    ("+43/664/1234567", "+436641234567"), ("0043/664/1234567", "+436641234567"), ("+31 6 12345678", "+31612345678"),
    ("+1 (415) 555-0186", "+14155550186"), ("+999123456789", "+999123456789"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "number"), GERMAN)
def test_every_spelling_of_a_number(text, number):
    assert phone.parse(text, "DE") == phone.Parsed(number)


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("06 12345678", "NL", "+31612345678"), ("06-12345678", "NL", "+31612345678"), ("06 12 34 56 78", "FR", "+33612345678"),
        ("(415) 555-0186", "US", "+14155550186"), ("0044 20 79460411", "US", "+442079460411"),
        ("02 1234 5678", "IT", "+390212345678"), ("+31612345678", None, "+31612345678"), ("0031612345678", None, "+31612345678"),
    ],
)  # fmt: skip
def test_national_numbers_follow_the_country(text, country, number):
    assert phone.parse(text, country).number == number


REFUSED = [
    ("", "empty"), ("  \u00a0", "empty"), ("'", "empty"),
    ("n/a", "not_a_number"), ("-", "not_a_number"), ("?", "not_a_number"), ("k.A.", "not_a_number"), ("*31#", "not_a_number"),
    ("030,23125001", "not_a_number"),
    ("4,93023E+12", "scientific"), ("4.93023e+12", "scientific"), ("5E11", "scientific"),
    ("030 23125001 / 0171 3920012", "two_numbers"), ("030 23125001/02", "two_numbers"),
    ("0171 3920012 oder 030 123456", "two_numbers"), ("+4915112345678, +4915112345679", "two_numbers"),
    ("030 23125001; 0171 3920012", "two_numbers"), ("030 23125001\n0171 3920012", "two_numbers"),
    ("030 23125001 - 0171 3920012", "two_numbers"), ("+49 30 23125001 +49 171 3920012", "two_numbers"),
    ("bitte per Mail", "letters"), ("0800 FLOWERS", "letters"), ("030 23125001 ext. 12", "letters"),
    ("030 12", "too_short"), ("110", "too_short"), ("0", "too_short"), ("+49", "too_short"), ("+12345", "too_short"),
    ("+4930231250011234567", "too_long"), ("030 23125001 0171 3920012", "too_long"), ("1" * 40, "too_long"),
    ("+0123456789", "impossible"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "problem"), REFUSED)
def test_what_is_refused_says_what_it_is(text, problem):
    assert phone.parse(text, "DE") == phone.Parsed(problem=problem)
    assert phone.PROBLEMS[problem]


def test_a_national_number_needs_a_country():
    assert phone.parse("030 23125001").problem == "no_country"


def test_possible_but_unknown_is_a_warning_only():
    assert phone.parse("(555) 555-0199", "US") == phone.Parsed("+15555550199", warning=phone.UNVERIFIED)


@pytest.mark.parametrize(
    ("text", "number"),
    [("+31 6-12.34 56 78", "+31612345678"), ("0612345678", None), ("+1234567", "+1234567"), ("+123456", None),
     ("+123456789012345", "+123456789012345"), ("+1234567890123456", None), ("+31 (0)6 12345678", None), ("+٣١٦١٢٣٤٥٦٧٨", None),
     ("+31612345678\n", "+31612345678")],
)  # fmt: skip
def test_e164_input_follows_one_expression(text, number):
    assert phone.clean_e164(text) == number


def test_numbers_are_grouped_for_reading():
    assert phone.format_international("+493023125001") == "+49 30 23125001"
    assert phone.format_international("nonsense") == "nonsense"


def test_countries_are_named_in_the_language_of_the_page():
    assert ("DE", "Germany (+49)") in phone.country_choices()
    with translation.override("nl"):
        dutch = phone.country_choices()
    assert ("DE", "Duitsland (+49)") in dutch
    assert ("GB", "Verenigd Koninkrijk (+44)") in dutch
    assert len(dutch) > 240
    assert not any("*" in label for _code, label in dutch)


def test_zones_of_a_number():
    assert phone.zones("+493023125001") == ["Europe/Berlin"]
    assert phone.zones("+12125550100") == ["America/New_York"]
    assert len(phone.zones("+18005550100")) > 3
    assert phone.zones("+999123456789") == []
