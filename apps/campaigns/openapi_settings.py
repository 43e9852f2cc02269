"""The settings of a campaign beyond the contract, as the API's description shows them."""

from __future__ import annotations

from typing import Any

from apps.campaigns.dialler.retries import LONGEST_DELAY, MOST_ATTEMPTS, MOST_DELAYS, SHORTEST_DELAY, Kind
from apps.campaigns.models import Campaign
from apps.campaigns.services.settings import (
    BOUNDS,
    LONGEST_TALK,
    MOST_CREDITS,
    MOST_EMAILS,
    MOST_WINDOWS,
    SHORTEST_TALK,
)
from apps.core.openapi import Schema, array, boolean, integer, moment, number, record, text, uuid


def bounded(name: str, description: str, **rules: Any) -> Schema:
    least, most = BOUNDS[name]
    return integer(description, minimum=least, maximum=most, **rules)


CLOCK: Schema = {"pattern": r"^(([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?|24:00)$"}
WINDOW = record({
    "days": array(integer(minimum=1, maximum=7), "Monday is 1.", minItems=1),
    "start": text(**CLOCK), "end": text("Not after the start: on the next day.", **CLOCK),
})  # fmt: skip
RULE = record(
    {
        "attempts": integer("Calls to one lead in all, when the last one ended so.", minimum=1, maximum=MOST_ATTEMPTS),
        "delays": array(
            integer(minimum=SHORTEST_DELAY, maximum=LONGEST_DELAY),
            "Minutes to wait after the first attempt, the second, …; the last one repeats.", maxItems=MOST_DELAYS,
        ),
        "seconds": integer(
            "Of `short_call` only: a talk below that is short.", minimum=SHORTEST_TALK, maximum=LONGEST_TALK
        ),
    },
    required=[], description="What is left out follows `max_attempts` and `retry_delay_minutes`; `seconds` is then 10.",
)  # fmt: skip
SETTINGS: dict[str, Schema] = {
    "windows": array(
        WINDOW, "Several calling windows. Set, they take the place of the three `schedule_*` fields.", null=True, minItems=1,
        maxItems=MOST_WINDOWS, default=None,
        examples=[[{"days": [1, 2, 3, 4, 5], "start": "09:00", "end": "12:00"}, {"days": [6], "start": "10:00", "end": "16:00"}]],
    ),
    "uses_lead_zone": boolean(
        "The calling hours go by the clock of the person called: the lead's zone, else every zone of the number, else `timezone`.",
        default=False,
    ),
    "skips_holidays": boolean("No calls on public holidays where the person called is.", default=False),
    "region": text(
        "Of the people called, where their own is unknown: a subdivision of ISO 3166-2, such as `DE-BY`.", null=True,
        maxLength=10, default=None, examples=["DE-BY"],
    ),
    "purpose": text(
        "`marketing`: the rules for unasked calls of the country that is called hold.", enum=list(Campaign.Purpose.values),
        default="service",
    ),
    "attestation": text(
        "Where the consent of everybody on the list comes from, in a sentence. Whoever sends it stands for it.", null=True,
        maxLength=500, default=None, examples=[None],
    ),
    "retry_rules": record(
        dict.fromkeys(Kind.values, RULE), required=[], additionalProperties=False, default={},
        description="How each outcome is tried again. An outcome that is not named follows `max_attempts` and "
        "`retry_delay_minutes`; a `short_call` is then not tried again.",
        examples=[{"busy": {"attempts": 5, "delays": [10, 30, 120]}}],
    ),
    "max_attempts_per_day": bounded(
        "max_attempts_per_day", "Calls to one lead in a day of its own clock; null: no limit.", null=True, default=None
    ),
    "spreads_day_parts": boolean(
        "The next attempt comes in another part of the day: 9 to 12, 12 to 17 or 17 to 21 by the lead's clock.", default=False
    ),
    "voicemail_counts": text(
        "When a voicemail counts as answered: when a message was left, always or never. A message is left once per lead.",
        enum=list(Campaign.Voicemail.values), default="message",
    ),
    "starts": bounded("starts", "At most so many call starts in any `starts_seconds`; null: no limit.", null=True, default=None),
    "starts_seconds": bounded("starts_seconds", "The length of that window.", default=1),
    "floor_calls": bounded("floor_calls", "Lines that other campaigns leave to it while it has leads to call.", default=0),
    "priority": integer("1 low, 2 normal, 3 high: who gets more of the lines that are left.", enum=list(Campaign.Priority.values), default=2),
    "breaker_percent": bounded("breaker_percent", "This share of failed calls pauses the campaign; 0: never.", default=50),
    "breaker_seconds": bounded("breaker_seconds", "The calls of so many seconds are looked at.", default=120),
    "breaker_calls": bounded("breaker_calls", "From so many calls on.", default=5),
    "budget": number(
        "Credits after which the campaign pauses, with up to four decimals; null: no limit.", null=True, exclusiveMinimum=0,
        maximum=MOST_CREDITS, default=None, examples=[250],
    ),
    "variant_assistant_id": uuid("The other assistant of a comparison; null: the same one.", null=True, default=None, examples=[None]),
    "variant_version": integer(
        "The saved version of that assistant; null: as it is now.", null=True, minimum=1, maximum=2**31 - 1, default=None,
        examples=[None],
    ),
    "variant_percent": bounded("variant_percent", "The share of leads that talk to the other one.", default=0),
    "report_emails": array(
        text(format="email", maxLength=254), "Who is sent the report when the campaign is over.", maxItems=MOST_EMAILS,
        default=[], examples=[["sales@example.com"]],
    ),
}  # fmt: skip
STATED: dict[str, Schema] = {
    "attested_by": text("Who stated the attestation.", null=True, examples=[None]),
    "attested_at": moment("When.", null=True, examples=[None]),
}
