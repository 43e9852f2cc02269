"""Forgetting one person: calls with her number go with all they hold; where others mention it, it is taken out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from django.db.models import Q

from apps.calls.models import (
    Call,
    CallCommand,
    CallEvent,
    CallQuerySet,
    DoNotCall,
    EngineErasure,
    EngineEvent,
    Recording,
    RefusalUpload,
)
from apps.calls.refusals import digests_of
from apps.calls.services.erase import erase_content, erase_metadata
from apps.calls.sql import index_texts
from apps.core.db import step
from apps.core.mentions import Mention
from apps.organizations.models import Organization, OwnedQuerySet

# Where a call of somebody else may mention the number. What the assistant was configured with is the organization's own.
TEXTS = ("summary", "messages", "turns", "tool_calls", "analysis_result", "analysis_problem", "error", "metadata")
SEARCHED = (*TEXTS, "reference", "config__variables")
SETTLING = dt.timedelta(hours=1)


def calls_of(*, organization: Organization, mention: Mention) -> CallQuerySet:
    """Calls with the person at the other end, however the engine spelled the number."""
    own: Any = Call.objects.for_organization(organization)
    # Read once: every further question would compare all numbers again.
    ids = list(mention.rows(own, "other_number").values_list("pk", flat=True))
    found: CallQuerySet = own.filter(pk__in=ids)
    return found


def find_person(*, organization: Organization, mention: Mention, now: dt.datetime) -> dict[str, int]:
    """How much there is, by kind; `running` calls cannot be erased before they have ended."""
    calls: Any = calls_of(organization=organization, mention=mention)
    refused = is_refused(organization=organization, mention=mention)
    return _amounts(calls) | {"running": calls.filter(_is_open(now)).count(), "do_not_call": int(refused)}


def is_refused(*, organization: Organization, mention: Mention) -> bool:
    """Whether the number stands on the do-not-call list."""
    return _refusals(organization, mention).exists()


def _refusals(organization: Organization, mention: Mention) -> OwnedQuerySet:
    digests = digests_of(organization.pk, mention.number)
    return DoNotCall.objects.for_organization(organization).filter(digest__in=digests)


def mentions_of(*, organization: Organization, mention: Mention) -> int:
    """In how many ended calls of others the number is mentioned, after an erasure: none."""
    return mention.rows(Call.objects.for_organization(organization).ended(), *SEARCHED).count()  # type: ignore[attr-defined,no-any-return]


def call_ids(*, organization: Organization, mention: Mention, now: dt.datetime) -> list[str]:
    """The public ids of the person's calls that are over: what other apps know them by."""
    calls = calls_of(organization=organization, mention=mention).exclude(_is_open(now))
    return list(calls.values_list("public_id", flat=True))


def waiting_at_engines(*, organization: Organization, ids: Iterable[str]) -> int:
    """How many of these calls (public ids) an engine still has to erase."""
    return EngineErasure.objects.for_organization(organization).filter(call_id__in=list(ids)).count()


@step
def erase_person(
    *, organization: Organization, mention: Mention, keeps_refusal: bool, now: dt.datetime
) -> dict[str, int]:
    """Erase the ended calls of a person, here and at their engines, and every mention elsewhere. Returns what, by kind.

    Amounts, lengths and the events that prove consent stay, without a number. A running call is left for a later round.

    Args:
        keeps_refusal: what is left on the do-not-call list is a keyed digest, so that nobody calls the number again.
    """
    calls: Any = calls_of(organization=organization, mention=mention).exclude(_is_open(now))
    ids = list(calls.select_for_update(of=("self",)).values_list("pk", flat=True))
    own: Any = Call.objects.for_organization(organization).filter(pk__in=ids)
    counts = _amounts(own)
    erase_content(calls=own, now=now)
    counts["engine"] = EngineErasure.objects.for_organization(organization).filter(call_id__in=own.values("public_id")).count()
    erase_metadata(calls=own, now=now, keeps_consent=True)
    counts["mentions"] = _take_out(organization, mention, now)
    refusals = _refusals(organization, mention)
    if keeps_refusal:
        refusals.update(phone_number=None, reason="", call_id="", source=DoNotCall.Source.ERASURE, updated_at=now)
    else:
        counts["do_not_call"] = refusals.delete()[0]
    return counts


def _amounts(calls: Any) -> dict[str, int]:
    recordings = Recording.objects.filter(call__in=calls.values("pk"))
    return {
        "calls": calls.count(),
        "transcripts": calls.filter(content_erased_at=None).exclude(messages=None, turns=None, summary=None).count(),
        "recordings": recordings.filter(status__in=(Recording.Status.WAITING, Recording.Status.STORED)).count(),
    }


def _is_open(now: dt.datetime) -> Q:
    """Running, or ended a moment ago and not booked yet: its money still needs the engine's word."""
    unsettled = Q(settled_at=None, started_at__isnull=False, connection__isnull=False, ended_at__gt=now - SETTLING)
    return Q(status__in=Call.RUNNING) | unsettled


@step
def _take_out(organization: Organization, mention: Mention, now: dt.datetime) -> int:
    """Remove the number where others' rows mention it. Returns from how many."""
    calls = list(mention.rows(Call.objects.for_organization(organization).ended(), *SEARCHED))  # type: ignore[attr-defined]
    for call in calls:
        changed = {name: mention.without(getattr(call, name)) for name in TEXTS}
        changed["reference"] = None if mention.is_in(call.reference or "") else call.reference
        config = {**call.config, "variables": mention.without(call.config.get("variables"))}
        call.change(now, **changed, config=config if "variables" in call.config else call.config)
    index_texts([call.pk for call in calls])
    events = list(mention.rows(CallEvent.objects.for_organization(organization), "data"))
    for event in events:
        event.change(now, data=mention.without(event.data))
    reasons = list(mention.rows(DoNotCall.objects.for_organization(organization), "reason"))
    for row in reasons:
        row.change(now, reason=mention.without(row.reason))
    found = len(calls) + len(events) + len(reasons)
    return found + _files(organization, mention, now) + _open_sealed(organization, mention, now)


def _files(organization: Organization, mention: Mention, now: dt.datetime) -> int:
    """Of a file of numbers nothing is left but its refused rows: where she is among them, they go."""
    found = 0
    files = RefusalUpload.objects.for_organization(organization).exclude(bad_rows=None, filename="")
    for upload in files.defer("content").iterator(chunk_size=20):
        named, listed = mention.is_in(upload.filename), mention.is_in(bytes(upload.bad_rows or b"").decode("utf-8", "replace"))
        if named or listed:
            upload.change(now, filename=mention.without(upload.filename), bad_rows=None if listed else upload.bad_rows)
            found += 1
    return found


def _open_sealed(organization: Organization, mention: Mention, now: dt.datetime) -> int:
    """What is encrypted has to be opened to be searched: events and commands of other calls."""
    found = 0
    events = EngineEvent.objects.filter(organization=organization)
    for event in events.iterator(chunk_size=500):
        if mention.is_in(event.body or "") or mention.is_in(event.answer or ""):
            # One without a call is of no use any more; of others only the content goes.
            event.delete() if event.call_id is None else event.change(now, body="", answer="")
            found += 1
    command: Any
    for command in CallCommand.objects.for_organization(organization).iterator(chunk_size=500):
        if mention.is_in(command.body or ""):
            command.change(now, body="")
            found += 1
    return found
