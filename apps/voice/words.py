"""What an engine can do, and what is wrong with it, in words for people."""

from __future__ import annotations

import re
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.voice.capabilities import Capabilities

KEY_WRONG = gettext_lazy("The engine refuses the key. Check that it is active and copied whole.")
NO_BALANCE = gettext_lazy("The engine's account has no credits left.")
NO_RIGHT = gettext_lazy("The key may not do this. Take one that may read and write.")
NOT_THIS_API = gettext_lazy("There is no such API at this address. Check the path: it mostly ends in /api/v1.")
PROBLEMS: dict[str, str | Promise] = {
    "dns": gettext_lazy("The name of this host is not known. Check the spelling."),
    "refused": gettext_lazy("Nothing listens at this address: the connection is refused."),
    "tls": gettext_lazy("The encrypted connection fails: the certificate is not valid for this host, or it is no HTTPS."),
    "timeout": gettext_lazy("The engine does not answer in time."),
    "broken": gettext_lazy("The connection breaks in the middle of the answer."),
    "blocked": gettext_lazy("The address leads to a private network. Only addresses on the internet can be used."),
    "invalid": gettext_lazy("This is not a valid web address."),
    "unreadable": gettext_lazy("The answer is not JSON: this is not the API of a voice engine."),
    "too_long": gettext_lazy("The answer is too long to be one of a voice engine."),
    "busy": gettext_lazy("The engine wants no more requests with this key for the moment. Try again in a minute."),
    "http_401": KEY_WRONG, "unauthorized": KEY_WRONG, "api_key_expired": KEY_WRONG, "api_key_revoked": KEY_WRONG,
    "http_402": NO_BALANCE, "insufficient_credits": NO_BALANCE,
    "http_403": NO_RIGHT, "forbidden": NO_RIGHT,
    "http_404": NOT_THIS_API,
    "rate_limited": gettext_lazy("The engine wants no more requests with this key for the moment. Try again in a minute."),
}  # fmt: skip


@dataclass(frozen=True)
class Ability:
    """One thing an engine can or cannot do; `note` says what follows from it."""

    label: str
    is_there: bool
    note: str = ""


def problem_text(reason: str) -> str:
    """A sentence for the reason of an EngineTrouble, or for what `last_error` keeps."""
    if reason in PROBLEMS:
        return str(PROBLEMS[reason])
    if re.fullmatch(r"http_3\d\d", reason):
        return _("The engine answers with a redirect. Enter the address that it leads to.")
    if re.fullmatch(r"http_5\d\d", reason):
        return _("The engine has a fault of its own (HTTP %(status)s).") % {"status": reason[5:]}
    if reason.startswith("http_"):
        return _("The engine answers with HTTP %(status)s.") % {"status": reason[5:]}
    return _("The engine does not answer as it should (%(reason)s).") % {"reason": reason[:60]}


def abilities(known: Capabilities) -> list[Ability]:
    """What the engine can do, in the order in which people ask; every line that is missing says what that means."""
    return [
        Ability(_("Calls in and out, web calls"), True),
        Ability(
            _("Commands during a call"), True,
            _("more than the four usual ones") if known.has("control_more") else _("say, context, transfer, hang up"),
        ),
        _ability(known, "one_time_full", _("Consent, recording and speech settings travel with each call"),
                 _("Assistants and numbers are copied to the engine and kept alike there.")),
        _ability(known, "transcript", _("Transcript while the call runs"), _("It comes with the report at the end.")),
        _ability(known, "progress", _("Ringing, key presses and who picked up"), _("Only the state of the call is shown.")),
        _ability(known, "text", _("Typing with an assistant in the browser"), _("“Talk to it” is greyed out.")),
        _ability(known, "tools", _("MCP tools run here"), _("They run at the engine.")),
        _ability(known, "recordings", _("Recordings are fetched and erased from here"),
                 _("They are taken over from the link of the report; the engine keeps its copy as long as it says.")),
        _ability(known, "reference", _("A dial whose answer was lost is found again"),
                 _("It is matched by numbers and time, or listed as in doubt. It never rings twice.")),
        _ability(known, "heartbeat", _("A call that is lost is noticed within a minute"), _("It is asked about, which takes longer.")),
    ]  # fmt: skip


def _ability(known: Capabilities, feature: str, label: str, otherwise: str) -> Ability:
    is_there = known.has(feature)
    return Ability(label, is_there, "" if is_there else otherwise)
