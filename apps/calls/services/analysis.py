"""Summary and analysis after a call: reserve → ask the model → record, one part after the other.

A worker that dies leaves a claim that ends by itself; the next one goes on with what is not recorded yet. Whatever
happens the customer is told once: when all is done, or when the wait is over, then without it.
"""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from django.utils import translation
from django.utils.translation import gettext as _

from apps.calls.models import Call, PendingReport
from apps.calls.services.analysis_text import (
    Message,
    analysis_messages,
    excerpt,
    judge,
    plan_of,
    repair_messages,
    short_summary,
    summary_messages,
)
from apps.calls.services.draft import Draft, locked
from apps.calls.services.notify import tell_report
from apps.calls.services.report import store_analysis
from apps.catalog.llm import Completion, ModelBusy, complete
from apps.catalog.services.postcall import Choice, choice_for
from apps.core import db
from apps.core.db import step, writes
from apps.core.errors import DomainError
from apps.core.scope import acting
from apps.organizations.scopes import overview

PART = "postcall_llm"
SECONDS = 30.0
LEASE = dt.timedelta(seconds=75)
PAUSES = (5, 15, 30)
MOST_TRIES = 4
MOST = 500


@dataclass
class Work:
    """A claimed report: what is still wanted of it, and what there is."""

    call: Call
    until: dt.datetime
    lease: dt.datetime
    wants: list[str]
    content: dict[str, Any]
    usage: list[dict[str, Any]]
    problem: str = ""


@dataclass
class Made:
    """One part as it came out. Without a value and without a problem it may be tried again."""

    value: Any = None
    problem: str = ""
    used: list[Completion] = field(default_factory=list)


def pending_reports(now: dt.datetime) -> list[tuple[UUID, UUID]]:
    """What the sweep finds, as (organization, call): reports that nobody works on."""
    with acting(overview("reports that wait for their summary or analysis")):
        due = PendingReport.objects.filter(Q(lease_until=None) | Q(lease_until__lte=now), next_try_at__lte=now)
        return list(due.order_by("next_try_at").values_list("organization_id", "call_id")[:MOST])


def is_pending(*, organization_id: object, call_id: object) -> bool:
    return PendingReport.objects.for_organization(organization_id).filter(call_id=call_id).exists()


def analyse(*, organization_id: object, call_id: object) -> None:
    """Make what a report lacks and tell the customer. Comes back later by itself when the model is busy."""
    work = _claim(organization_id=organization_id, call_id=call_id, now=db.now())
    while work and work.wants:
        made = _make(work, work.wants[0])
        if made.value is None and not made.problem:
            _put_off(work=work, now=db.now())
            return
        work = _record(work=work, part=work.wants[0], made=made, now=db.now())
    if work:
        _finish(work=work, now=db.now())


@writes
def _claim(*, organization_id: object, call_id: object, now: dt.datetime) -> Work | None:
    """Take the report for this worker. One that has waited long enough is told as it stands."""
    call = locked(organization_id, call_id)
    row = _row(call)
    if call is None or row is None or _is_leased(row, now) or row.next_try_at > now:
        return None
    row.change(now, tries=row.tries + 1, lease_until=now + LEASE)
    work = _work(call, row)
    if now >= row.due_at or row.tries > MOST_TRIES:
        _give_up(work)
        _tell(work=work, now=now)
        return None
    return work


def _make(work: Work, part: str) -> Made:
    """Ask the model for one part. What it refuses is a problem; what it may do later is nothing at all."""
    with translation.override(work.call.organization.language):
        return _made(work, part, db.now())


def _made(work: Work, part: str, now: dt.datetime) -> Made:
    made = Made()
    choice = choice_for(work.call.organization, work.call.config.get("llm_config"))
    if choice is None:
        made.problem = _("No language model is set up for after the call.")
        return made
    try:
        if part == "summary":
            made.value = short_summary(_ask(work, choice, summary_messages(work.content), made, now))
        else:
            _analyse(work, choice, made, now)
    except ModelBusy:
        return made
    except DomainError as error:
        made.problem = error.text
    return made


def _analyse(work: Work, choice: Choice, made: Made, now: dt.datetime) -> None:
    """An answer that breaks the schema is asked for once more; then there is no analysis (features 6)."""
    plan = plan_of(work.call)
    if plan is None:
        made.problem = _("There is no schema to fill in.")
        return
    messages = analysis_messages(work.call, plan, work.content)
    try:
        answer = _ask(work, choice, messages, made, now, plan.schema)
        judged = judge(answer, plan.schema)
        if judged.value is None:
            again = repair_messages(messages, answer, judged.errors)
            judged = judge(_ask(work, choice, again, made, now, plan.schema), plan.schema)
    except ValueError:
        made.problem = _("The analysis was left out: its schema cannot be used.")
        return
    made.value = judged.value
    if judged.value is None:
        # Names of fields only: what a value is may be content.
        fields = ", ".join(dict.fromkeys(each.partition(":")[0] for each in judged.errors))[:160]
        made.problem = _("The analysis was left out: twice the model's answer did not fit the schema (%(fields)s).") % {
            "fields": fields
        }


def _ask(
    work: Work, choice: Choice, messages: list[Message], made: Made, now: dt.datetime,
    schema: dict[str, Any] | None = None,
) -> str:  # fmt: skip
    left = min((work.until - db.now()).total_seconds(), SECONDS)
    if left <= 0:
        raise ModelBusy
    found = complete(
        organization=work.call.organization, provider=choice.provider, model=choice.model, messages=messages,
        json_schema=schema, seconds=left, now=now,
    )  # fmt: skip
    made.used.append(found)
    return found.text


@writes
def _record(*, work: Work, part: str, made: Made, now: dt.datetime) -> Work | None:
    """Keep a finished part, so that nobody makes it again. None: another worker has taken over."""
    row = _mine(work)
    if row is None:
        return None
    work.wants = [each for each in work.wants if each != part]
    work.usage = [*work.usage, *_usage(made.used)]
    if part == "analysis":
        work.content["analysis"] = made.value
    else:
        work.content["summary"] = made.value or excerpt(work.call, work.content)
    work.problem, work.lease = work.problem or made.problem, now + LEASE
    row.change(now, content=_dump(work), lease_until=work.lease)
    return work


@writes
def _put_off(*, work: Work, now: dt.datetime) -> None:
    """The model is busy: another try a little later, the last one when the wait is over."""
    if row := _mine(work):
        pause = dt.timedelta(seconds=PAUSES[min(row.tries - 1, len(PAUSES) - 1)])
        row.change(now, next_try_at=min(now + pause, row.due_at), lease_until=None)


@writes
def _finish(*, work: Work, now: dt.datetime) -> None:
    if _mine(work):
        _tell(work=work, now=now)


@step
def _tell(*, work: Work, now: dt.datetime) -> None:
    """Write what was made, tell the customer, let the copy go: one transaction."""
    call = locked(work.call.organization_id, work.call.pk)
    row = _row(call)
    if call is None or row is None:
        return
    draft = Draft(call, now)
    store_analysis(draft, work.content)
    draft.set(usage=[*(call.usage or []), *work.usage] or None, analysis_problem=work.problem[:300])
    used = work.usage[0] if work.usage else {}
    draft.note("analysis", "analysis", name=used.get("model"), problem=work.problem[:300] or None)
    draft.save()
    tell_report(call, work.content, at=row.at, now=now)
    row.delete()


def _give_up(work: Work) -> None:
    with translation.override(work.call.organization.language):
        if work.wants:
            work.problem = work.problem or _("The language model did not answer in time.")
    if "summary" in work.wants:
        work.content["summary"] = excerpt(work.call, work.content)


def _mine(work: Work) -> PendingReport | None:
    """The row, when this worker still holds it."""
    call = locked(work.call.organization_id, work.call.pk)
    row = _row(call)
    return row if row and row.lease_until == work.lease else None


def _row(call: Call | None) -> PendingReport | None:
    if call is None:
        return None
    rows: QuerySet[PendingReport] = PendingReport.objects.for_organization(call.organization_id)  # type: ignore[assignment,unused-ignore]
    return rows.filter(call=call).first()


def _work(call: Call, row: PendingReport) -> Work:
    kept = json.loads(row.content)
    assert row.lease_until is not None
    return Work(call, row.due_at, row.lease_until, kept["wants"], kept["content"], kept["usage"], kept["problem"])


def _dump(work: Work) -> str:
    return json.dumps({"wants": work.wants, "content": work.content, "usage": work.usage, "problem": work.problem})


def _is_leased(row: PendingReport, now: dt.datetime) -> bool:
    return row.lease_until is not None and row.lease_until > now


def _usage(used: list[Completion]) -> list[dict[str, Any]]:
    """What the model counted, in the words of an engine's usage rows (engine 7)."""
    rows = []
    for each in used:
        shared = {"part": PART, "provider": each.provider, "model": each.model, "key": each.key_level}
        rows.append({**shared, "unit": "input_tokens", "quantity": each.usage.input_tokens})
        rows.append({**shared, "unit": "output_tokens", "quantity": each.usage.output_tokens})
    return rows
