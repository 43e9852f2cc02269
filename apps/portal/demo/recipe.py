"""The plan of the demo's calls: about 300 over the last 29 days, equal for equal seed and day."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from apps.portal.demo.days import resolve, spoken
from apps.portal.demo.outbound import campaign_calls
from apps.portal.demo.reader import assistants, campaigns, cast, conversations
from apps.portal.demo.shapes import Conversation, DemoAssistant, LeadState, PlannedCall, Slots

DAYS = 29  # one less than the usual filter of 30 days, so that no call falls out of it during the first day
STATUS = {"transferred": "transferred", "error": "ended-with-error"}
# Calls nobody talked in: assistant, end reason, how many, seconds from and to (0: never answered).
SILENT = (
    ("zilverlinde-receptie", "user_hangup", 12, (3, 8)),
    ("zilverlinde-avondlijn", "user_hangup", 6, (6, 13)),
    ("ahrenkamp-empfang", "user_hangup", 11, (3, 9)),
    ("ringvale-frontdesk", "user_hangup", 6, (2, 6)),
    ("ringvale-qualify", "no_answer", 14, (0, 0)),
    ("ringvale-qualify", "busy", 4, (0, 0)),
    ("ringvale-qualify", "declined", 2, (0, 0)),
    ("ringvale-qualify", "error", 1, (0, 0)),
    ("ringvale-frontdesk", "assistant_inactive", 1, (0, 0)),
)
# The other party of a call whose talk names no number: the ranges reserved for fiction, apart from leads and staff.
CALLERS = {
    "nl": (("+3160000", 8000, 9999, 4),),
    "de": (*[("+492214710", 200, 299, 3)] * 4, ("+493023125", 0, 999, 3), ("+498999998", 0, 999, 3)),
    "en": (("+447700900", 700, 899, 3), ("+442079460", 500, 899, 3)),
}
OPEN_DAILY = {"ringvale-frontdesk", "ahrenkamp-empfang"}
# Share of calls by weekday, Monday first, and the usual minutes of the day with their weights.
OFFICE = (10, 9, 8, 9, 7, 0, 0)
ANY_DAY = (9, 8, 8, 8, 7, 2, 1)
EVENING = (4, 4, 4, 3, 5, 7, 6)
OFFICE_HOURS = ((480, 540, 6), (540, 630, 9), (630, 720, 7), (720, 780, 3), (780, 900, 7), (900, 1020, 5))
EVENING_HOURS = ((1050, 1140, 5), (1140, 1290, 9), (1290, 1400, 3))
WEEKEND_HOURS = ((540, 720, 5), (720, 1020, 6), (1020, 1320, 6))
OUTBOUND_HOURS = ((570, 690, 8), (690, 750, 4), (810, 960, 8), (960, 1020, 3))


def plan(seed: int = 7, *, today: date) -> list[PlannedCall]:
    """Every ended call of the demo workspace, oldest first.

    `today` decides which of the days are weekends and fills the dates people name. Equal arguments give an equal
    list.
    """
    rng = Random(seed)  # noqa: S311  the demo needs repeatable, not secret, choices
    calls = [*_campaigns(rng, today), *_talks(rng, today), *_silent(rng, today)]
    return sorted(calls, key=lambda call: (-call.days_ago, call.minute_of_day, call.other_party))


def lead_states(calls: list[PlannedCall], campaign: str) -> dict[str, LeadState]:
    """Where each lead of a campaign stands after the planned calls, by phone number."""
    made: dict[str, list[PlannedCall]] = {}
    for call in calls:
        if call.campaign == campaign:
            made.setdefault(call.other_party, []).append(call)
    row = campaigns()[campaign]
    return {lead.phone_number: _state(made.get(lead.phone_number, []), row.max_attempts) for lead in row.leads}


def slots_of(conversation: Conversation, use: int, called_on: date, lead: Slots) -> dict[str, str | int]:
    """The slots of the `use`-th time (from 0) a conversation is held; a lead's variables are slots too."""
    slots: dict[str, str | int] = dict(lead)
    slots |= {name: values[use % len(values)] for name, values in conversation.slots.items()}
    for name, specs in conversation.dates.items():
        spec = specs[use % len(specs)]
        if spec.startswith("{"):
            mark, offset = spec[1:].split("}")
            spec = f"{slots[mark]}{offset}"
        slots |= spoken(name, resolve(spec, called_on, conversation.language), conversation.language)
    return slots


def _campaigns(rng: Random, today: date) -> Iterator[PlannedCall]:
    for campaign in campaigns().values():
        if campaign.history is None:
            continue
        for entry in campaign_calls(campaign, campaign.history, rng, today):
            talk = entry.conversation
            day = today - timedelta(days=entry.days_ago)
            yield PlannedCall(
                days_ago=entry.days_ago,
                minute_of_day=entry.minute,
                organization=campaign.organization,
                assistant=campaign.assistant,
                number=campaign.phone_number,
                other_party=entry.lead.phone_number,
                direction="outbound",
                conversation=talk.key if talk else None,
                status=_status(entry.end_reason, "outbound", talked=talk is not None),
                end_reason=entry.end_reason,
                duration_seconds=_seconds(talk, rng) if talk else 0,
                slots=slots_of(talk, entry.use, day, entry.lead.variables) if talk else {},
                campaign=campaign.key,
                attempt=entry.attempt,
            )


def _talks(rng: Random, today: date) -> Iterator[PlannedCall]:
    for talk in conversations().values():
        if talk.campaign:
            continue
        owner = assistants()[talk.assistant]
        for use in range(talk.repeat):
            days_ago, minute = _moment(owner, talk.part, rng, today)
            slots = slots_of(talk, use, today - timedelta(days=days_ago), {})
            caller = talk.caller or ""
            yield PlannedCall(
                days_ago=days_ago,
                minute_of_day=minute,
                organization=owner.organization,
                assistant=owner.key,
                number=_number(owner.key),
                other_party=str(slots[caller[1:-1]]) if caller.startswith("{") else caller or _caller(owner, rng),
                direction=owner.direction,
                conversation=talk.key,
                status=_status(talk.end_reason, owner.direction, talked=True),
                end_reason=talk.end_reason,
                duration_seconds=_seconds(talk, rng),
                slots=slots,
            )


def _silent(rng: Random, today: date) -> Iterator[PlannedCall]:
    for key, end_reason, count, (low, high) in SILENT:
        owner = assistants()[key]
        for _ in range(count):
            days_ago, minute = _moment(owner, None, rng, today)
            yield PlannedCall(
                days_ago=days_ago,
                minute_of_day=minute,
                organization=owner.organization,
                assistant=key,
                number=_number(key),
                other_party=_caller(owner, rng),
                direction=owner.direction,
                conversation=None,
                status=_status(end_reason, owner.direction, talked=high > 0),
                end_reason=end_reason,
                duration_seconds=rng.randint(low, high),
                slots={},
            )


def _moment(owner: DemoAssistant, part: str | None, rng: Random, today: date) -> tuple[int, int]:
    """Days ago and minute of the day. A talk of the evening follows a day at work, so it falls on a weekday."""
    after_hours = owner.key == "zilverlinde-avondlijn" and part is None
    shares = EVENING if after_hours else ANY_DAY if owner.key in OPEN_DAILY else OFFICE
    ago = range(1, DAYS + 1)
    # The last week is busier than the first: the demo shows a business that grows.
    weights = [shares[(today - timedelta(days=day)).weekday()] * (1.4 - day / 60) for day in ago]
    days_ago = rng.choices(ago, weights)[0]
    weekend = (today - timedelta(days=days_ago)).weekday() > 4
    hours = _hours(owner, part, weekend=weekend)
    start, end, _ = rng.choices(hours, [weight for *_, weight in hours])[0]
    return days_ago, rng.randrange(start, end)


def _hours(owner: DemoAssistant, part: str | None, *, weekend: bool) -> tuple[tuple[int, int, int], ...]:
    if part == "morning":
        return OFFICE_HOURS[:2]
    if owner.key == "zilverlinde-avondlijn":
        return WEEKEND_HOURS if weekend else EVENING_HOURS
    return OUTBOUND_HOURS if owner.direction == "outbound" else OFFICE_HOURS


def _caller(owner: DemoAssistant, rng: Random) -> str:
    prefix, low, high, width = rng.choice(CALLERS[owner.language])
    return f"{prefix}{rng.randint(low, high):0{width}d}"


def _number(assistant: str) -> str:
    return next(row.phone_number for row in cast().numbers if row.assistant == assistant)


def _seconds(talk: Conversation, rng: Random) -> int:
    return max(3, round(talk.seconds * rng.uniform(0.94, 1.09)))


def _status(end_reason: str, direction: str, *, talked: bool) -> str:
    if talked:
        return STATUS.get(end_reason, "ended")
    return "failed" if direction == "outbound" else "rejected"


def _state(calls: list[PlannedCall], max_attempts: int) -> LeadState:
    if not calls:
        return LeadState(status="pending", attempts=0, last=None)
    last = max(calls, key=lambda call: call.attempt)
    if last.conversation:
        status = "completed"
    else:
        final = last.end_reason == "invalid_number" or last.attempt >= max_attempts
        status = "failed" if final else "pending"
    return LeadState(status=status, attempts=last.attempt, last=last)
