"""The calls of a campaign that was dialled: which lead was tried when, and what came of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from apps.portal.demo.reader import conversations
from apps.portal.demo.shapes import CampaignHistory, Conversation, DemoCampaign, DemoLead

MISSED = ("no_answer", "no_answer", "busy", "no_answer", "declined")
FIRST_TRY = 0.7  # share of reached leads who pick up at the first attempt


@dataclass(frozen=True)
class Attempt:
    """One attempt at a lead. `use` counts how often the conversation was held before, for its slots."""

    lead: DemoLead
    attempt: int
    days_ago: int
    minute: int
    end_reason: str
    conversation: Conversation | None
    use: int


def campaign_calls(campaign: DemoCampaign, history: CampaignHistory, rng: Random, today: date) -> Iterator[Attempt]:
    """Every attempt, leads in their order, retries after the campaign's delay and inside its window."""
    days = _working_days(history, today)
    outcomes = _outcomes(campaign, history, rng)
    uses: dict[str, int] = {}
    open_at, close_at = _minutes(campaign.schedule_start_time), _minutes(campaign.schedule_end_time)
    step = (close_at - open_at - campaign.retry_delay_minutes) // history.leads_per_day
    for index, (lead, (talk, missed)) in enumerate(zip(campaign.leads, outcomes, strict=False)):
        day, place = divmod(index, history.leads_per_day)
        minute = open_at + place * step + rng.randrange(max(1, step - 3))
        for attempt, end_reason in enumerate([*missed, talk.end_reason if talk else None], start=1):
            if end_reason is None:
                break
            reached = talk if attempt > len(missed) else None
            use = uses.get(reached.key, 0) if reached else 0
            if reached:
                uses[reached.key] = use + 1
            yield Attempt(lead, attempt, days[day], minute, end_reason, reached, use)
            minute += campaign.retry_delay_minutes + rng.randrange(4)
            if minute >= close_at:
                day, minute = day + 1, open_at + rng.randrange(20)


def _outcomes(
    campaign: DemoCampaign, history: CampaignHistory, rng: Random
) -> list[tuple[Conversation | None, list[str]]]:
    """Per lead: the talk it ended with, or None, and the attempts that failed before."""
    talks = [row for row in conversations().values() if row.campaign == campaign.key for _ in range(row.repeat)]
    found: list[tuple[Conversation | None, list[str]]] = [(talk, _missed(rng)) for talk in talks]
    found += [(None, [rng.choice(MISSED) for _ in range(campaign.max_attempts)])] * history.unreached_leads
    found += [(None, ["invalid_number"])] * history.invalid_leads
    rng.shuffle(found)
    # The leads tried last are those still waiting for their second attempt.
    return found + [(None, [rng.choice(MISSED)]) for _ in range(history.waiting_leads)]


def _missed(rng: Random) -> list[str]:
    if rng.random() < FIRST_TRY:
        return []
    return [rng.choice(MISSED) for _ in range(rng.choice((1, 1, 2)))]


def _working_days(history: CampaignHistory, today: date) -> list[int]:
    ago = range(history.first_day, history.last_day - 1, -1)
    return [day for day in ago if (today - timedelta(days=day)).weekday() < 5]


def _minutes(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
