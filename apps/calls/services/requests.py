"""What somebody wants called, before it is a call."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings

from apps.assistants.models import Assistant
from apps.numbers.models import PhoneNumber
from apps.organizations.models import Organization
from apps.voice.models import Connection


@dataclass(frozen=True)
class CallRequest:
    """One outbound or web call.

    Args:
        to: the destination in E.164; None: a web call, which has no phone at either end.
        key: one call per organization and key, e.g. `lead:<id>:2`; a second reservation returns the first.
        origin: `page`, `api` or `campaign:<id>`, for filters.
        connection, simulated: of the engine that will dial (voice.connection_for, capabilities).
        assistant: the saved one, or None for a one-time assistant.
        one_time, override: values of `clean_one_time`, `clean_override`.
        number: to call from; None: the assistant's oldest that can dial, else the organization's.
        by_key_id, reference: the API key, and its caller's own id of the call.
        metadata: keys that do not replace those of the assistant's `metadata`.
        greeting: beats every greeting of the assistant.
        system_message: a campaign's template, unfilled.
        variables: for `{{name}}`; None: `metadata.variables`.
        dial_at: not before; None: at once.
        wanted_until: not sent after; None: no end.
        starts: a campaign's limit of its own: so many calls begin in any so many seconds.
        in_text: a web call that is typed, not spoken (engine 4, `text`).
        leaves_voicemail: False: nothing is left on a voicemail, whatever the assistant would leave.
    """

    organization: Organization
    to: str | None
    key: str
    origin: str
    connection: Connection
    simulated: bool
    assistant: Assistant | None = None
    one_time: Mapping[str, Any] | None = None
    override: Mapping[str, Any] | None = None
    number: PhoneNumber | None = None
    by_key_id: UUID | None = None
    reference: str | None = None
    metadata: Mapping[str, Any] | None = None
    greeting: str | None = None
    system_message: str | None = None
    variables: Mapping[str, Any] | None = None
    dial_at: dt.datetime | None = None
    wanted_until: dt.datetime | None = None
    starts: tuple[int, int] | None = None
    in_text: bool = False
    leaves_voicemail: bool = True

    @property
    def is_web(self) -> bool:
        return self.to is None

    @property
    def charged(self) -> bool:
        return is_charged(simulated=self.simulated)


def is_charged(*, simulated: bool) -> bool:
    """Simulated calls cost nothing unless BILL_SIMULATED_CALLS is on."""
    return not simulated or settings.BILL_SIMULATED_CALLS
