"""Somebody asks in a call not to be called again, or to be called back: written in the transaction of the event."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import Any

from apps.calls.by_number import rules_of
from apps.calls.models import Call, DoNotCall
from apps.calls.opt_out import phrases_of, wants_no_calls
from apps.calls.services.do_not_call import list_number
from apps.calls.services.draft import Draft
from apps.core.db import step
from apps.core.phone import clean_e164
from apps.organizations.services import SYSTEM

Source = DoNotCall.Source


@step
def hear(draft: Draft, texts: Iterable[str], at: dt.datetime | None = None) -> None:
    """Look for an opt-out in what the other side said. The words are looked at and not kept, under GDPR mode too."""
    said = [text for text in texts if text]
    if not said or not _may_opt_out(draft.call):
        return
    phrases = [each for some in phrases_of(rules_of(draft.call.organization)).values() for each in some]
    if any(wants_no_calls(text, phrases) for text in said):
        opt_out(draft, source=Source.PHRASE, at=at)


@step
def hear_report(draft: Draft, messages: Iterable[dict[str, Any]], at: dt.datetime | None = None) -> None:
    """The same for a whole talk: what was missed live."""
    hear(draft, [each["content"] for each in messages if each["role"] == "user"], at)


@step
def press(draft: Draft, digit: Any, at: dt.datetime | None = None) -> None:
    """A key of the telephone was pressed; one of them may be the organization's way out. Which one it was is not kept."""
    if isinstance(digit, str) and digit and _may_opt_out(draft.call) and digit == rules_of(draft.call.organization).opt_out_key:
        opt_out(draft, source=Source.KEY, at=at)


@step
def opt_out(draft: Draft, *, source: str, at: dt.datetime | None = None) -> None:
    """Put the other side on the organization's list and note it on the call, once per call.

    From the commit on no campaign, key or person of the organization calls the number: the claim and the sending of
    every call look at the list. A hidden number cannot be listed.
    """
    call, at = draft.call, at or draft.now
    if not _may_opt_out(call):
        return
    draft.set(opted_out_at=at)
    draft.note("opted_out", "opted_out", at, value=source)
    if number := clean_e164(call.other_number or ""):
        list_number(
            organization=call.organization, number=number, reason="", source=source, call_id=call.public_id, by=SYSTEM,
            now=draft.now,
        )  # fmt: skip


def _may_opt_out(call: Call) -> bool:
    """Not twice; and a visitor of a web call has no number."""
    return call.opted_out_at is None and call.direction != Call.Direction.WEB
