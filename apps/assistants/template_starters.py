"""Tools to start from (features 8). Nothing is stored until somebody picks one; the words go to a model, in English."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from apps.assistants.schema.tool_template import END_CALL, FUNCTION, TRANSFER, copied_tool


@dataclass(frozen=True)
class ToolStarter:
    """`config` is the template's `tool_config`; its name is the label, but for a blank one."""

    label: str | Promise
    text: str | Promise
    icon: str
    tool_type: str
    config: dict[str, Any] = field(default_factory=dict)
    is_blank: bool = False

    def values(self) -> dict[str, Any]:
        """The values of a template that is not stored yet."""
        words = {"name": "" if self.is_blank else str(self.label), "description": None, "server_secret": None}
        return words | {"tool_type": self.tool_type, "tool_config": copy.deepcopy(self.config)}

    def tool(self) -> dict[str, Any]:
        """The tool for an assistant (api 9.6)."""
        return copied_tool(self.values())


def _text(description: str) -> dict[str, str]:
    return {"type": "string", "description": description}


def _object(required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required)}


DATE = _text("The day, as YYYY-MM-DD.")
SERVICE = _text("What the appointment is for, in the caller's words.")
TOOL_STARTERS: dict[str, ToolStarter] = {
    "availability": ToolStarter(
        _("Availability check"), _("Asks your calendar which times are free."), "calendar-search", FUNCTION,
        {
            "name": "check_availability",
            "description": "Find free times on a day. Use it before you offer the caller any time.",
            "parameters": _object(("date",), date=DATE, service=SERVICE),
        },
    ),
    "booking": ToolStarter(
        _("Book appointment"), _("Books a time once the caller has agreed to it."), "calendar-check", FUNCTION,
        {
            "name": "book_appointment",
            "description": "Book an appointment. Use it only after the caller has confirmed day, time and name.",
            "parameters": _object(
                ("date", "time", "name"), date=DATE, time=_text("The start, as HH:MM, 24 hours."),
                name=_text("The caller's full name."), phone_number=_text("Where the caller can be reached, with country code."),
                service=SERVICE,
            ),
        },
    ),
    "customer": ToolStarter(
        _("Customer lookup"), _("Finds out who is calling in your customer system."), "user-search", FUNCTION,
        {
            "name": "lookup_customer",
            "description": "Find a customer. Use it as soon as you know a name, a phone number or a customer number.",
            "parameters": _object(
                (), name=_text("First and last name."), phone_number=_text("With country code."),
                customer_number=_text("As the caller says it, without spaces."),
            ),
        },
    ),
    "opt-out": ToolStarter(
        _("No more calls"), _("Puts the person on your do-not-call list. Needs no address."), "ban", FUNCTION,
        {
            "name": "opt_out",
            "description": "The person asks not to be called again. Use it at once, then confirm it and say goodbye.",
            "parameters": _object(()),
        },
    ),
    "callback": ToolStarter(
        _("Call back later"), _("Notes when the person wants to be called again. Needs no address."), "calendar-clock", FUNCTION,
        {
            "name": "request_callback",
            "description": "The person wants to be called at another time. Use it once the time is agreed, then confirm it.",
            "parameters": _object(
                (), at=_text("Date and time in the person's own time, as YYYY-MM-DDTHH:MM."),
                minutes={"type": "integer", "description": "Minutes from now, when no date was named.", "minimum": 1},
            ),
        },
    ),
    "end-call": ToolStarter(_("End call"), _("Lets the assistant hang up when the talk is over."), "phone-off", END_CALL),
    "transfer": ToolStarter(
        _("Transfer to support"), _("Hands the caller over to your support team."), "phone-forwarded", TRANSFER,
        {"destinations": [{
            "type": "number", "number": "",
            "description": "The caller asks for a person, is upset, or needs help you cannot give.",
        }]},
    ),
}  # fmt: skip
BLANKS: dict[str, ToolStarter] = {
    "function": ToolStarter(
        _("Webhook"), _("Calls an address of yours during the call."), "webhook", FUNCTION, is_blank=True
    ),
    "transfer_call": ToolStarter(
        _("Transfer"), _("Hands the caller to a person."), "phone-forwarded", TRANSFER, {"destinations": [{}]}, True
    ),
}  # fmt: skip
