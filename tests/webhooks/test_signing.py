"""The signed examples of the specification, and what a receiver must refuse."""

import datetime as dt

import pytest

from apps.webhooks.signing import sign, verify

SPEC = [
    ("whsec_test_secret_12345", "1700000000", '{"test":true}',
     "sha256=b7875b4bd3cc6c5c1a4453189b5fa746880c17cb42258530a7355906dbc5ec1d"),
    ("s3cret", "1767225600", '{"message":{"type":"status-update"}}',
     "sha256=255a075e62d2b0ccb58a2f99acd51cb29fd16799697a6871e17121921b9a41eb"),
    ("sleutel-é", "1767225600", '{"message":{"type":"tool-calls","naam":"Zoë"}}',
     "sha256=3df3fd6822f742901c99551f60645a8fcb9185659cf2856334d2e8db3b4fe878"),
]  # fmt: skip
SECRET, STAMP, BODY, SIGNATURE = SPEC[0][0], SPEC[0][1], SPEC[0][2].encode(), SPEC[0][3]
THEN = dt.datetime.fromtimestamp(1_700_000_000, dt.UTC)


@pytest.mark.parametrize(("secret", "timestamp", "body", "signature"), SPEC)
def test_the_examples_of_the_specification(secret, timestamp, body, signature):
    assert sign(secret, timestamp, body.encode()) == signature
    assert sign(secret, int(timestamp), body.encode()) == signature
    now = dt.datetime.fromtimestamp(int(timestamp), dt.UTC)
    assert verify([secret], signature, timestamp, body.encode(), now)
    assert verify([secret], signature.removeprefix("sha256="), timestamp, body.encode(), now)


@pytest.mark.parametrize(("seconds", "fits"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_a_signature_is_good_for_five_minutes_either_way(seconds, fits):
    assert verify([SECRET], SIGNATURE, STAMP, BODY, THEN + dt.timedelta(seconds=seconds)) is fits


def test_two_secrets_are_valid_while_one_is_replaced():
    assert verify(["new", SECRET], SIGNATURE, STAMP, BODY, THEN)
    assert verify([SECRET, "new"], SIGNATURE, STAMP, BODY, THEN)
    assert not verify(["new", "newer"], SIGNATURE, STAMP, BODY, THEN)
    assert not verify([], SIGNATURE, STAMP, BODY, THEN)


def test_an_empty_secret_signs_nothing():
    assert not verify([""], sign("", STAMP, BODY), STAMP, BODY, THEN)


@pytest.mark.parametrize(
    "signature", [None, "", "sha256=", "sha256=" + "0" * 64, SIGNATURE[:-1], SIGNATURE.upper(), "é"]
)
def test_a_wrong_signature_is_refused(signature):
    assert not verify([SECRET], signature, STAMP, BODY, THEN)


@pytest.mark.parametrize(
    "timestamp", [None, "", "x", "-1700000000", "1700000000.0", " 1700000000", "١٧٠٠٠٠٠٠٠٠", "9" * 400]
)
def test_a_timestamp_that_is_no_number_of_seconds_is_refused(timestamp):
    signature = sign(SECRET, timestamp or "", BODY)
    assert not verify([SECRET], signature, timestamp, BODY, THEN)


def test_any_changed_part_is_refused():
    assert not verify([SECRET], SIGNATURE, "1700000001", BODY, THEN)
    assert not verify([SECRET], SIGNATURE, STAMP, BODY + b" ", THEN)
