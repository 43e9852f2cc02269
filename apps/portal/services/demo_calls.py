"""The demo's ended calls and its three campaigns, as rows."""

from __future__ import annotations

import datetime as dt
import zoneinfo
from typing import TYPE_CHECKING

from apps.billing.services import cost_of
from apps.calls.models import Call, CallEvent
from apps.calls.sql import index_texts
from apps.campaigns.models import Attempt, Campaign, Lead
from apps.portal.demo import content

if TYPE_CHECKING:
    from apps.portal.services.demo import Built

ENDED = Campaign.Status.COMPLETED


def make_campaigns(built: Built, planned: list[content.PlannedCall], now: dt.datetime) -> None:
    for each in content.campaigns().values():
        campaign = _campaign(built, each, now)
        states = content.lead_states(planned, each.key)
        leads = [
            _lead(campaign, position, lead, states.get(lead.phone_number))
            for position, lead in enumerate(each.leads, 1)
        ]
        Lead.objects.bulk_create(leads)
        built.campaigns[each.key] = (campaign, {lead.phone_number: lead for lead in leads})


def _campaign(built: Built, each: content.DemoCampaign, now: dt.datetime) -> Campaign:
    organization = built.organizations[each.organization]
    history = each.history
    return Campaign.objects.create(
        organization=organization, assistant=built.assistants[each.assistant], number=built.numbers[each.phone_number],
        has_own_number=True, name=each.name, status=each.status,
        paused_by=Campaign.PausedBy.PERSON if each.status == Campaign.Status.PAUSED else "",
        system_message_template=each.system_message_template,
        schedule_start_time=dt.time.fromisoformat(each.schedule_start_time),
        schedule_end_time=dt.time.fromisoformat(each.schedule_end_time), schedule_days=list(each.schedule_days),
        timezone=each.timezone, max_attempts=each.max_attempts, retry_delay_minutes=each.retry_delay_minutes,
        max_concurrent_calls=each.max_concurrent_calls,
        started_at=now - dt.timedelta(days=history.first_day) if history else None,
        finished_at=now - dt.timedelta(days=history.last_day) if history and each.status == ENDED else None,
        created_at=now - dt.timedelta(days=history.first_day + 1 if history else 1),
    )  # fmt: skip


def _lead(campaign: Campaign, position: int, lead: content.DemoLead, state: content.LeadState | None) -> Lead:
    return Lead(
        organization=campaign.organization, campaign=campaign, position=position, phone_number=lead.phone_number,
        variables=lead.variables, status=state.status if state else "pending", attempts=state.attempts if state else 0,
        result=state.last.end_reason if state and state.last else "",
    )  # fmt: skip


def make_calls(built: Built, planned: list[content.PlannedCall], now: dt.datetime) -> None:
    """Insert every planned call with its timeline; campaign calls also get their attempt."""
    calls, events, attempts = [], [], []
    for position, each in enumerate(planned):
        call, turns = _call(built, each, position, now)
        calls.append(call)
        events += _events(call, turns)
        if each.campaign:
            attempts.append(_attempt(built, each, call))
    Call.objects.bulk_create(calls)
    CallEvent.objects.bulk_create(events)
    Attempt.objects.bulk_create(attempts)
    for _campaign_row, leads in built.campaigns.values():
        Lead.objects.bulk_update(leads.values(), ["last_call_id", "last_attempt_at"])
    index_texts([call.pk for call in calls])


def _call(built: Built, each: content.PlannedCall, position: int, now: dt.datetime) -> tuple[Call, list[dict]]:
    organization, assistant = built.organizations[each.organization], built.assistants[each.assistant]
    zone = zoneinfo.ZoneInfo(organization.timezone)
    day = now.astimezone(zone).date() - dt.timedelta(days=each.days_ago)
    hour, minute = divmod(each.minute_of_day, 60)
    began = dt.datetime.combine(day, dt.time(hour, minute, position % 60), zone).astimezone(dt.UTC)
    talked = each.duration_seconds > 0
    started = began + dt.timedelta(seconds=4) if talked else None
    ended = (started or began) + dt.timedelta(seconds=each.duration_seconds or 22)
    talk = content.render(content.conversations()[each.conversation], each.slots) if each.conversation else None
    turns = talk.turns if talk else _greeting(assistant.first_message) if talked else []
    call = Call(
        organization=organization, direction=each.direction, status=each.status, end_reason=each.end_reason,
        error="Simulated failure of the line" if each.status == "ended-with-error" else None,
        assistant=assistant, assistant_name=assistant.name, business_name=assistant.business_name,
        number=built.numbers[each.number], own_number=each.number, other_number=each.other_party,
        origin=f"campaign:{built.campaigns[each.campaign][0].pk}" if each.campaign else "demo",
        key=f"demo:{position}", is_simulated=True, is_charged=False, cost=cost_of(each.duration_seconds, now), started_at=started, ended_at=ended,
        duration_seconds=each.duration_seconds, created_at=began, updated_at=ended, last_news_at=ended,
        summary=talk.summary if talk else None, analysis_result=talk.analysis if talk else None,
        messages=[{"role": t["role"], "content": t["text"]} for t in turns if t["role"] != "tool"] or None,
        turns=_timed(turns, each.duration_seconds) or None, report_at=ended if talked else None,
    )  # fmt: skip
    return call, turns


def _greeting(first_message: str | None) -> list[dict]:
    return [{"role": "assistant", "text": first_message}] if first_message else []


def _timed(turns: list[dict], seconds: int) -> list[dict]:
    """Spread the turns over the talk by their length, so that the margin shows when each was said."""
    weights = [len(turn.get("text", "")) + 20 for turn in turns]
    timed, spent = [], 0
    for turn, weight in zip(turns, weights, strict=True):
        at = round(seconds * 1000 * spent / (sum(weights) or 1))
        timed.append({"role": turn["role"], "content": turn.get("text", ""), "start_ms": at, **_tool(turn)})
        spent += weight
    return timed


def _tool(turn: dict) -> dict:
    return {"tool": turn["tool"]} if turn["role"] == "tool" else {}


def _events(call: Call, turns: list[dict]) -> list[CallEvent]:
    rows: list[tuple[str, dt.datetime | None, dict]] = [
        ("created", call.created_at, {}),
        ("ringing", call.created_at + dt.timedelta(seconds=1), {}),
    ]
    if call.started_at:
        rows.append(("answered", call.started_at, {}))
    rows += [
        ("tool", call.started_at, {"name": turn["tool"]["name"], "latency_ms": turn["tool"]["latency_ms"]})
        for turn in turns
        if turn["role"] == "tool"
    ]
    rows.append(("ended", call.ended_at, {"end_reason": call.end_reason}))
    return [
        CallEvent(organization=call.organization, call=call, kind=kind, at=at, data=data, key=f"{number}:{kind}")
        for number, (kind, at, data) in enumerate(rows)
    ]


def _attempt(built: Built, each: content.PlannedCall, call: Call) -> Attempt:
    campaign, leads = built.campaigns[each.campaign or ""]
    lead = leads[each.other_party]
    lead.last_call_id, lead.last_attempt_at = call.public_id, call.created_at
    return Attempt(
        organization=call.organization, lead=lead, campaign=campaign, number=each.attempt, call=call,
        settled_at=call.ended_at, outcome=each.end_reason,
    )  # fmt: skip
