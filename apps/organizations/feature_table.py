"""Which page and which operation of the API needs what to be switched on. Nothing is left out: the walk of the tests asks each.

A rule holds for a route and all below it; the longest one counts. It names features (`a+b`: both), one for looking and one for
changing where these differ. `OPEN` is always there.
"""

from __future__ import annotations

import functools
import re

from django.urls import Resolver404, resolve, reverse

OPEN = ""
Rule = str | tuple[str, str]

PAGES: dict[str, Rule] = {
    "assistants": "assistants",
    "assistants/new": "edit_assistants",
    "assistants/<uuid:pk>": ("assistants", "edit_assistants"),
    "assistants/<uuid:pk>/active": "assistants",
    "assistants/<uuid:pk>/delete": "edit_assistants",
    "assistants/<uuid:pk>/versions": "edit_prompts+choose_models",
    "assistants/<uuid:pk>/try-tool": "templates",
    "assistants/<uuid:pk>/keep-tool": "templates",
    "assistants/<uuid:pk>/mcp-tools": "templates",
    "assistants/<uuid:pk>/talk": "place_calls",
    "tool-templates": "templates",
    "analysis-templates": "templates",
    "templates": "templates",
    "mcp-servers": "templates",
    "workflows": "workflows",
    "numbers": "numbers",
    "trunks": "trunks",
    "copies": "voice_engine",
    "calls": OPEN,
    "calls/new": "place_calls",
    "calls/simulate": "place_calls",
    "calls/incoming": "place_calls",
    "calls/<str:call_id>/talk": "place_calls",
    "calls/<str:call_id>/command": "live_control",
    "calls/<str:call_id>/recording": "recordings",
    "do-not-call": OPEN,
    "do-not-call/export": "exports",
    "campaigns": "campaigns",
    "campaigns/<uuid:pk>/results.csv": "campaigns+exports",
    "campaigns/<uuid:pk>/results.xlsx": "campaigns+exports",
    "campaigns/<uuid:pk>/report.pdf": "campaigns+exports",
    "webhooks": "webhooks",
    "usage": OPEN,
    "usage/export": "exports",
    "palette": OPEN,
    "help": OPEN,
    "visit": OPEN,
    "notifications": OPEN,
    "billing": OPEN,
    "statement": OPEN,
    "embeds": "embeds",
    "settings": OPEN,
    "settings/members": "members",
    "settings/invitations": "members",
    "settings/api-keys": "api_keys",
    "settings/apps": "api_keys",
    "settings/webhook": "webhooks",
    "settings/engine": "voice_engine",
    "settings/provider-keys": "provider_keys",
    "settings/email-domain": "sender_domain",
    "settings/after-calls": "choose_models",
    "settings/country-rules": "campaigns",
    "settings/calling-rules": OPEN,
    "settings/privacy": OPEN,
    "settings/audit": OPEN,
    "settings/visits": OPEN,
    "settings/leave": OPEN,
    # Of an agency: these pages ask for that themselves.
    "clients": OPEN,
    "portal": OPEN,
    "library": OPEN,
    "sales": OPEN,
    "sign-ups": OPEN,
    "demo": OPEN,
}
OPERATIONS: dict[str, Rule] = {
    "assistants": ("assistants", "edit_assistants"),
    "agents": ("assistants", "edit_assistants"),
    "tool-templates": "templates",
    "analysis-templates": "templates",
    "mcp-servers": "templates",
    "workflows": "workflows",
    "numbers": "numbers",
    "sip-trunks": "trunks",
    "voices": "assistants",
    "calls": OPEN,
    "calls/outbound": "place_calls",
    "calls/web": "place_calls",
    "calls/<str:call_id>/control": "live_control",
    "chats": OPEN,
    "campaigns": "campaigns",
    "byok": "provider_keys",
    "domains": "sender_domain",
    "usage": OPEN,
    "organizations": OPEN,
    "account": OPEN,
    "engine": OPEN,
    "health": OPEN,
}
# Every operation is behind this one.
API = "api_keys"
_PAGE, _BROWSABLE, _API = re.compile(r"^o/<slug:org>(?:/|$)"), "o/<slug:org>/api/v1/", re.compile(r"^(?:api/)?v1/")
_WITHOUT_KEY = ("api/v1/health",)


@functools.lru_cache(maxsize=1024)
def needed(route: str, *, changes: bool) -> tuple[str, ...] | None:
    """Names of the features that a route needs to be looked at, or to change something; none: it is open.

    Args:
        route: the pattern as Django resolves it, such as `o/<slug:org>/campaigns/<uuid:pk>`.

    Returns None for a route that no rule decides.
    """
    if route in _WITHOUT_KEY:
        return ()
    if route.startswith(_BROWSABLE) or _API.match(route):
        rest = route.removeprefix(_BROWSABLE).removeprefix("api/v1/")
        if rest in ("", "v1/web-calls"):
            return (API, "place_calls") if rest else (API,)
        rule = _longest(OPERATIONS, rest)
        return None if rule is None else (API, *_names(rule, changes))
    if _PAGE.match(route):
        rest = _PAGE.sub("", route)
        rule = OPEN if rest == "" else _longest(PAGES, rest)
        return None if rule is None else _names(rule, changes)
    return None


def needed_for(path: str, *, changes: bool) -> tuple[str, ...]:
    """As `needed`, for the path of a request. What no rule decides is left to the page."""
    try:
        route = resolve(path).route
    except Resolver404:
        return ()
    return needed(route, changes=changes) or ()


@functools.lru_cache(maxsize=256)
def needed_by(name: str) -> tuple[str, ...]:
    """As `needed`, for looking at a page of an organization that has no further parameters, by its name."""
    return needed_for(reverse(name, args=["o"]), changes=False)


def _longest(rules: dict[str, Rule], rest: str) -> Rule | None:
    parts = rest.split("/")
    for length in range(len(parts), 0, -1):
        if (rule := rules.get("/".join(parts[:length]))) is not None:
            return rule
    return None


def _names(rule: Rule, changes: bool) -> tuple[str, ...]:
    text = rule if isinstance(rule, str) else rule[1 if changes else 0]
    return tuple(text.split("+")) if text else ()
