"""What a report lacks is known the moment it arrives: it waits for a model, or is completed by rule at once (webhooks 11)."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from apps.calls.models import Call, PendingReport
from apps.calls.services.analysis_text import excerpt, plan_of, spoken, voicemail_summary
from apps.calls.services.draft import Draft
from apps.calls.services.incoming import part
from apps.catalog.services.postcall import choice_for
from apps.core.db import step

# The customer hears of the end of a call at most this much later than the engine told us.
LONGEST_WAIT = dt.timedelta(seconds=90)


@step
def hold_report(draft: Draft, content: dict[str, Any], raw: dict[str, Any], *, at: dt.datetime) -> bool:
    """Complete the content by rule where no model is needed or none is set up. True: a model is, and the report waits.

    Args:
        content: of `read_content`; a summary made by rule is put in.
        raw: the report as the engine sent it. What it has done is kept as it is.
        at: when the event happened.
    """
    call = draft.call
    wants = _lacking(call, content, raw)
    if not wants:
        return False
    if choice_for(call.organization, call.config.get("llm_config")) is None:
        _by_rule(draft, content, wants)
        return False
    PendingReport.objects.create(
        organization=call.organization, call=call, at=at, due_at=draft.now + LONGEST_WAIT, next_try_at=draft.now,
        content=json.dumps({"wants": wants, "content": content, "usage": [], "problem": ""}),
    )  # fmt: skip
    return True


def _lacking(call: Call, content: dict[str, Any], raw: dict[str, Any]) -> list[str]:
    """What is to be made: `summary`, `analysis`. A talk in which nothing was said has neither."""
    said, wants = spoken(content), []
    if not content["summary"] and said:
        voicemail = part(raw, "voicemail")
        if voicemail.get("detected") is True or call.end_reason == "voicemail":
            left = voicemail.get("message_left")
            content["summary"] = voicemail_summary(call, content, left if isinstance(left, bool) else None)
        else:
            wants.append("summary")
    plan = plan_of(call)
    if plan and raw.get("analysis_done") is not True and content["analysis"] is None and said and len(said) >= plan.threshold:
        wants.append("analysis")
    return wants


def _by_rule(draft: Draft, content: dict[str, Any], wants: list[str]) -> None:
    if "summary" in wants:
        content["summary"] = excerpt(draft.call, content)
    if "analysis" in wants:
        with translation.override(draft.call.organization.language):
            text = _("Nothing was analysed: no language model is set up for after the call.")
        draft.set(analysis_problem=text)
