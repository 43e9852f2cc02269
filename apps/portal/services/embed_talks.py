"""Talks that visitors of other websites hold with an assistant: a typed web call like any other, with a token for one visitor."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

from django.core import signing
from django.utils.translation import gettext as _

from apps.calls.detail import find_call
from apps.calls.models import Call
from apps.calls.services.control import send_command
from apps.calls.services.requests import CallRequest
from apps.calls.services.talk import Heard, type_text
from apps.calls.services.web import open_room
from apps.calls.starting import text_problem
from apps.core import rate
from apps.core.errors import Conflict, Forbidden, NotFound, RateLimited, Unavailable
from apps.organizations.models import Organization
from apps.portal.models import Embed
from apps.voice.services import capabilities, connection_for

SALT = "portal.embed.talk"
HOUR = dt.timedelta(hours=1)
TOKEN_LIVES = dt.timedelta(hours=6)
# One address shares the widget's hour with others: it gets so many of its talks at most.
TALKS_PER_ADDRESS = 10
MESSAGES_PER_MINUTE = 20
OVER = "call_not_active"
# The type of refusals whose words are for visitors; all others speak to who runs the workspace.
FOR_VISITORS = "visitor"


@dataclass(frozen=True)
class Talk:
    """A talk as its visitor has it: `token` proves that it is hers."""

    call: Call
    token: str
    heard: Heard


def start_talk(*, embed: Embed, organization: Organization, address: str, now: dt.datetime) -> Talk:
    """Open a room, come in and be greeted. Charged and limited as any web call of the organization.

    Args:
        address: the visitor's; an hour of it is limited too.

    Raises RateLimited beyond the widget's hour; what `open_room` and `type_text` raise.
    """
    assistant = embed.assistant
    if assistant is None or assistant.deleted_at is not None or not assistant.is_active:
        raise Unavailable(_("The assistant is not active. Activate it first."))
    connection = connection_for(organization)
    known = capabilities(connection, now)
    if problem := text_problem(connection):
        raise Conflict(problem)
    _count(embed, address, now)
    request = CallRequest(
        organization=organization, to=None, key=f"embed:{uuid.uuid4()}", origin=origin_of(embed), connection=connection,
        simulated=known.simulated, assistant=assistant, in_text=True,
    )  # fmt: skip
    call = find_call(organization, open_room(request=request, now=now).call.public_id)
    heard = type_text(call=call, text="")
    return Talk(call, signing.dumps([str(embed.pk), call.public_id], salt=SALT), heard)


def say(*, embed: Embed, organization: Organization, token: str, text: str) -> Heard:
    """Say something in the talk of this token. A talk that is over is no error: nothing was heard.

    Raises Forbidden for a token that is not of this widget, RateLimited when typed too fast, Unavailable.
    """
    call = call_of(embed=embed, organization=organization, token=token)
    window = rate.count(f"embed-say:{call.public_id}", MESSAGES_PER_MINUTE)
    if not window.allowed:
        refusal = _("That was too fast. Wait a moment and try again.")
        raise RateLimited(refusal, type=FOR_VISITORS, retry_after=window.retry_after)
    try:
        return type_text(call=call, text=text)
    except Conflict as problem:
        if problem.type != OVER:
            raise
        return Heard([], [], ended=True)


def end_talk(*, embed: Embed, organization: Organization, token: str, now: dt.datetime) -> None:
    """Hang up; ended already is fine. Raises Forbidden for a token that is not of this widget."""
    call = call_of(embed=embed, organization=organization, token=token)
    if not call.is_final:
        send_command(call=call, body={"type": "end-call"}, by=embed.name, now=now)


def call_of(*, embed: Embed, organization: Organization, token: str) -> Call:
    """The call of a visitor's token. Raises Forbidden for any other token."""
    try:
        embed_id, call_id = signing.loads(token, salt=SALT, max_age=TOKEN_LIVES)
        if embed_id == str(embed.pk):
            return find_call(organization, call_id)
    except (signing.BadSignature, NotFound, ValueError, TypeError):
        pass
    raise Forbidden(_("The talk is over."), type=FOR_VISITORS)


def origin_of(embed: Embed) -> str:
    return f"embed:{embed.pk}"


def recent_talks(embed: Embed, now: dt.datetime) -> int:
    """Talks that this widget began in the last hour."""
    calls = Call.objects.for_organization(embed.organization_id)
    return calls.filter(origin=origin_of(embed), created_at__gt=now - HOUR).count()


def _count(embed: Embed, address: str, now: dt.datetime) -> None:
    """The counter is exact when many come at once; the calls themselves hold when it cannot be asked."""
    seconds, most = int(HOUR.total_seconds()), embed.calls_per_hour
    by_address = rate.count(f"embed:{embed.pk}:{address}", min(TALKS_PER_ADDRESS, most), seconds=seconds)
    if by_address.allowed:
        all_of_it = rate.count(f"embed:{embed.pk}", most, seconds=seconds)
        if all_of_it.allowed and recent_talks(embed, now) < most:
            return
    text = _("There were many talks lately. Try again later.")
    raise RateLimited(text, type=FOR_VISITORS, retry_after=by_address.retry_after)
