"""The bodies of outbound and web calls, judged in the contract's order: 400, 404, 400, then the call is asked for."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _

from apps.assistants.models import Assistant
from apps.assistants.schema import Cleaned, clean_one_time, clean_override
from apps.assistants.services import context_for, values_of
from apps.calls.models import Call
from apps.calls.services.bodies import lost_parts
from apps.calls.services.requests import CallRequest
from apps.calls.services.reserve import check_assistant, dialling_number
from apps.core.errors import Invalid, NotFound
from apps.core.phone import clean_e164
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization
from apps.voice.services import capabilities, connection_for, known_capabilities

GREETING, REFERENCE = 2000, 64


@dataclass(frozen=True)
class Wanted:
    """A body that is well formed; whether the call can be placed is judged when it is asked for.

    `to` is None for a web call.
    """

    organization: Organization
    to: str | None
    assistant: Assistant | None
    one_time: dict[str, Any] | None
    override: dict[str, Any] | None
    number: PhoneNumber | None
    greeting: str | None
    reference: str | None


class _Problems:
    """What is wrong with a body, in the order it was found."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.first: tuple[str, str] | None = None

    def add(self, param: str, text: str, type: str = "invalid_value") -> None:
        self.lines.append(f"{param}: {text}")
        self.first = self.first or (param, type)

    def include(self, cleaned: Cleaned, path: str) -> None:
        for problem in cleaned.under(path).problems:
            self.add(problem.path, problem.text, problem.code)

    def stop(self) -> None:
        if self.first:
            raise Invalid(self.lines[0], param=self.first[0], details=self.lines, type=self.first[1])


def read_outbound(organization: Organization, data: Any) -> Wanted:
    """Raises Invalid for the body, then NotFound for an unknown assistant or number."""
    problems = _Problems()
    to = _destination(data, problems)
    number_id = _uuid(data, "number_id", problems)
    return _read(organization, data, problems, to=to, number_id=number_id)


def read_web(organization: Organization, data: Any) -> Wanted:
    """Raises Invalid for the body, then NotFound for an unknown assistant."""
    return _read(organization, data, _Problems(), to=None, number_id=None)


def _read(
    organization: Organization, data: Any, problems: _Problems, *, to: str | None, number_id: UUID | None
) -> Wanted:
    assistant_id = _uuid(data, "assistant_id" if data.get("assistant_id") is not None else "agent_id", problems)
    one_time = next((data[name] for name in ("assistant", "agent", "agent_config") if data.get(name) is not None), None)
    override = data.get("assistant_override")
    _check_choice(data, one_time, override, problems)
    greeting = _text(data, "first_message", 0, GREETING, problems)
    reference = _text(data, "reference", 1, REFERENCE, problems)
    assistant = _assistant(organization, assistant_id)
    context = context_for(organization)
    if one_time is not None:
        cleaned = clean_one_time(one_time, context=context)
        problems.include(cleaned, "assistant")
        one_time = cleaned.values
    elif override is not None:
        cleaned = clean_override(override, saved=values_of(assistant) if assistant else {}, context=context)
        problems.include(cleaned, "assistant_override")
        override = cleaned.values
    problems.stop()
    if assistant_id and assistant is None:
        raise NotFound(_("There is no assistant with this id."))
    return Wanted(
        organization, to, assistant, one_time, override, _number(organization, number_id), greeting, reference
    )


def call_request(wanted: Wanted, *, intent: str, by_key_id: UUID | None, now: dt.datetime) -> CallRequest:
    """What is to be called, through which engine. Raises Invalid for an assistant or a number that cannot call, then
    Unavailable without an engine."""
    organization = wanted.organization
    check_assistant(wanted.assistant)
    number = dialling_number(organization, wanted.assistant, wanted.number) if wanted.to else None
    connection = connection_for(organization)
    known = capabilities(connection, now)
    # A simulator has no room for sound: what it offers is typed.
    in_text = wanted.to is None and known.simulated and known.has("text")
    return CallRequest(
        organization=organization, to=wanted.to, key=f"api:{intent}", origin="api", connection=connection,
        simulated=known.simulated, assistant=wanted.assistant, one_time=wanted.one_time, override=wanted.override,
        number=number, by_key_id=by_key_id, reference=wanted.reference, greeting=wanted.greeting, in_text=in_text,
    )  # fmt: skip


def call_warnings(call: Call) -> list[str]:
    """What the engine cannot honour of this call's assistant."""
    return lost_parts(call, known_capabilities(call.connection)) if call.connection else []


def _destination(data: dict[str, Any], problems: _Problems) -> str:
    value = data.get("destination")
    if value is None or value == "":
        problems.add("destination", _("this field is required"), "missing_field")
        return ""
    number = clean_e164(value) if isinstance(value, str) else None
    if number is None:
        problems.add("destination", _("a phone number in E.164 form is expected, such as +31850000001"))
    return number or ""


def _check_choice(data: dict[str, Any], one_time: Any, override: Any, problems: _Problems) -> None:
    has_saved = data.get("assistant_id") is not None or data.get("agent_id") is not None
    if has_saved == (one_time is not None):
        both = _("send either assistant_id or assistant, not both") if has_saved else _("this field is required")
        problems.add("assistant_id", both, "invalid_value" if has_saved else "missing_field")
    if override is not None and not has_saved:
        problems.add("assistant_override", _("only with assistant_id"))


def _uuid(data: dict[str, Any], name: str, problems: _Problems) -> UUID | None:
    value = data.get(name)
    if value is None:
        return None
    try:
        return UUID(value)
    except (ValueError, AttributeError, TypeError):
        problems.add(name, _("a UUID is expected"))
        return None


def _text(data: dict[str, Any], name: str, least: int, most: int, problems: _Problems) -> str | None:
    value = data.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not least <= len(value) <= most or "\x00" in value:
        text = _("a text of %(least)s to %(most)s characters is expected")
        problems.add(name, text % {"least": least, "most": most})
        return None
    return value


def _assistant(organization: Organization, pk: UUID | None) -> Assistant | None:
    return Assistant.objects.for_organization(organization).live().filter(pk=pk).first() if pk else None


def _number(organization: Organization, pk: UUID | None) -> PhoneNumber | None:
    if pk is None:
        return None
    found = PhoneNumber.objects.for_organization(organization).select_related("transfer_trunk").filter(pk=pk).first()
    if found is None:
        raise NotFound(_("There is no number with this id."))
    return found
