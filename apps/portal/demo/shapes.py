"""What the demo content consists of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Slots = Mapping[str, str | int]


@dataclass(frozen=True)
class DemoBrand:
    organization: str
    name: str
    slug: str
    primary_color: str
    accent_color: str
    support_email: str
    language: str


@dataclass(frozen=True)
class DemoOrganization:
    """`parent` is the key of the agency, or None for the agency itself; `credits` is the opening balance."""

    key: str
    name: str
    parent: str | None
    language: str
    timezone: str
    country: str
    credits: int
    email: str


@dataclass(frozen=True)
class DemoTrunk:
    key: str
    organization: str
    name: str
    provider: str
    address: str
    transport: str
    auth_username: str


@dataclass(frozen=True)
class DemoNumber:
    """`assistant` and `trunk` are keys; None for a spare line."""

    organization: str
    phone_number: str
    name: str
    assistant: str | None
    trunk: str | None


@dataclass(frozen=True)
class Cast:
    brand: DemoBrand
    organizations: tuple[DemoOrganization, ...]
    trunks: tuple[DemoTrunk, ...]
    numbers: tuple[DemoNumber, ...]


@dataclass(frozen=True)
class DemoAssistant:
    """`config` is a complete body for creating the assistant (api 8.1)."""

    key: str
    organization: str
    language: str
    direction: str
    config: dict[str, Any]


@dataclass(frozen=True)
class Conversation:
    """One hand-written talk. `{slot}` marks in turns, summary and analysis are filled by `reader.render`.

    `repeat` is how often the plan uses it, `part` limits it to `morning` or `evening`, `campaign` to the calls of one
    campaign (then the lead's variables are slots too), `caller` is the other party's number when the talk names one.
    """

    key: str
    assistant: str
    language: str
    direction: str
    end_reason: str
    seconds: int
    repeat: int
    turns: tuple[dict[str, Any], ...]
    summary: str
    analysis: dict[str, Any] | None
    slots: dict[str, list[str | int]]
    dates: dict[str, list[str]]
    part: str | None = None
    campaign: str | None = None
    caller: str | None = None


@dataclass(frozen=True)
class Rendered:
    """A conversation with every slot filled. Turns: `{role, text}`, or `{role: "tool", tool: {name, arguments,
    result, latency_ms}}`."""

    turns: list[dict[str, Any]]
    summary: str
    analysis: dict[str, Any] | None


@dataclass(frozen=True)
class DemoLead:
    phone_number: str
    variables: dict[str, str]


@dataclass(frozen=True)
class CampaignHistory:
    """How the dialled part of a campaign went: from `first_day` to `last_day` (days ago), working days only."""

    first_day: int
    last_day: int
    leads_per_day: int
    unreached_leads: int
    invalid_leads: int
    waiting_leads: int


@dataclass(frozen=True)
class DemoCampaign:
    """Times are `HH:MM` in `timezone`; `history` is None for a draft."""

    key: str
    organization: str
    assistant: str
    phone_number: str
    name: str
    status: str
    system_message_template: str
    schedule_start_time: str
    schedule_end_time: str
    timezone: str
    schedule_days: tuple[int, ...]
    max_attempts: int
    retry_delay_minutes: int
    max_concurrent_calls: int
    history: CampaignHistory | None
    leads: tuple[DemoLead, ...]


@dataclass(frozen=True)
class PlannedCall:
    """One ended call. `duration_seconds` is the talk, 0 when unanswered; `minute_of_day` is local to the organization.

    `conversation` is None when nobody talked. `campaign` and `attempt` (from 1) are set on campaign calls, whose
    `other_party` is the lead's number.
    """

    days_ago: int
    minute_of_day: int
    organization: str
    assistant: str
    number: str
    other_party: str
    direction: str
    conversation: str | None
    status: str
    end_reason: str
    duration_seconds: int
    slots: Slots
    campaign: str | None = None
    attempt: int = 0


@dataclass(frozen=True)
class LeadState:
    """`status` as in features 14 (`pending`, `completed`, `failed`); `last` is the lead's last call."""

    status: str
    attempts: int
    last: PlannedCall | None
