"""What an engine announced is another's answer: read with care, bounded, never more than it says."""

from __future__ import annotations

import pytest

from apps.voice.capabilities import BASE_CONTROL, read

ANNOUNCED = {
    "kind": "sandbox", "version": "1.0.0", "instance": "5f0c", "simulated": True, "clock": 0, "needs_keys": False,
    "features": ["reference", "certainty", "invented"], "answer_seconds": {"assistant-request": 6, "tool-calls": 11},
    "limits": {"concurrent": 200, "starts_per_second": None}, "control": ["say", "dtmf"], "providers": None, "sip": None,
}  # fmt: skip


def test_everything_announced_is_read() -> None:
    found = read(ANNOUNCED)
    assert (found.kind, found.simulated, found.clock, found.needs_keys) == ("sandbox", True, 0, False)
    assert found.has("reference")
    assert not found.has("deadline")
    assert found.limits == {"concurrent": 200, "starts_per_second": None}
    assert found.control == ("say", "dtmf")


def test_nothing_announced_is_the_base_wire() -> None:
    found = read({})
    assert (found.kind, found.features, found.simulated, found.needs_keys) == ("base", frozenset(), False, True)
    assert found.control == BASE_CONTROL
    assert (found.our_seconds("assistant-request"), found.customer_seconds("assistant-request")) == (4.5, 4.0)
    assert (found.our_seconds("tool-calls"), found.customer_seconds("tool-calls")) == (9.5, 9.0)


@pytest.mark.parametrize(
    ("allowed", "ours", "customers"), [(6, 5.5, 5.0), (60, 59.5, 5.0), (2, 1.5, 1.0), (0.2, 0.5, 0.5)]
)
def test_customers_never_get_more_than_five_seconds(allowed: float, ours: float, customers: float) -> None:
    found = read({"kind": "worker", "answer_seconds": {"assistant-request": allowed}})
    assert found.our_seconds("assistant-request") == ours
    assert found.customer_seconds("assistant-request") == customers


def test_fields_of_the_wrong_type_count_as_missing() -> None:
    wrong = {name: {"a": [1]} for name in ANNOUNCED} | {
        "features": "reference",
        "limits": [1],
        "clock": True,
        "sip": "x",
    }
    found = read(wrong)
    assert (found.features, found.simulated, found.clock, found.concurrent) == (frozenset(), False, 1.0, None)
    assert found.sip is None
    assert found.customer_seconds("tool-calls") == 9.0
