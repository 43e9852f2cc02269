"""The ways to begin a call from a page: what they need, and why one cannot be used right now."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.models import Assistant
from apps.calls.forms import CallForm, SimulateForm
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization
from apps.voice.models import Connection
from apps.voice.services import find_connection, is_down, known_capabilities

SIMULATE, TYPE = "simulate", "text"


def start_forms(
    organization: Organization, assistants: list[Assistant], numbers: list[PhoneNumber]
) -> dict[str, Any]:  # fmt: skip
    """Both forms with the reasons why one is greyed out (empty: it can be used)."""
    connection = find_connection(organization)
    return {
        "call_form": call_form(organization, assistants, numbers),
        "simulate_form": simulate_form(organization, numbers),
        "call_problem": call_problem(connection, assistants, numbers),
        "simulate_problem": simulate_problem(connection, numbers),
        "only_simulates": only_simulates(connection),
    }


def call_form(
    organization: Organization, assistants: list[Assistant], numbers: list[PhoneNumber], data: Any = None,
    initial: dict[str, Any] | None = None,
) -> CallForm:  # fmt: skip
    return CallForm(
        data, organization=organization, assistants=[each for each in assistants if each.is_active],
        numbers=[each for each in numbers if can_dial(each)], initial=initial,
    )  # fmt: skip


def simulate_form(organization: Organization, numbers: list[PhoneNumber], data: Any = None) -> SimulateForm:
    return SimulateForm(data, organization=organization, numbers=[each for each in numbers if each.is_active])


def call_problem(connection: Connection | None, assistants: list[Assistant], numbers: list[PhoneNumber]) -> str:
    if problem := _engine_problem(connection):
        return problem
    if not any(each.is_active for each in assistants):
        return _("Create an assistant and activate it first.")
    if not any(can_dial(each) for each in numbers):
        return _("Add a phone number with a SIP trunk first: calls leave from it.")
    return ""


def simulate_problem(connection: Connection | None, numbers: list[PhoneNumber]) -> str:
    if problem := _engine_problem(connection):
        return problem
    assert connection is not None
    if not known_capabilities(connection).has(SIMULATE):
        return _("Calls cannot be simulated here: only the sandbox does that.")
    if not any(each.is_active for each in numbers):
        return _("Register a phone number first: somebody has to be called.")
    return ""


def talk_problem(connection: Connection | None, assistant: Assistant) -> str:
    """Why nobody can type with this assistant; empty when one can, or when the engine was never asked yet."""
    if problem := _engine_problem(connection):
        return problem
    assert connection is not None
    if connection.engine_read_at and (problem := text_problem(connection)):
        return problem
    return "" if assistant.is_active else _("The assistant is not active. Activate it first.")


def text_problem(connection: Connection) -> str:
    if known_capabilities(connection).has(TYPE):
        return ""
    return _("Assistants can be called here, not written to.")


def only_simulates(connection: Connection | None) -> bool:
    return connection is not None and known_capabilities(connection).simulated


def can_dial(number: PhoneNumber) -> bool:
    return number.is_active and number.transfer_trunk is not None and number.transfer_trunk.can_dial


def _engine_problem(connection: Connection | None) -> str:
    return _("Calls are not possible at the moment.") if connection is None or is_down(connection) else ""
