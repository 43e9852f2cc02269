"""The other side wants no more calls, or to be called back: it says so, or presses the key that the greeting names."""

import re

from .assistant import Tool
from .calls import HangUp
from .talk import Talk
from .tools import run_tool

OPT_OUT = ("opt_out", "do_not_call")
CALL_BACK = "request_callback"
# Tools that a talk uses only when it comes to that: the control plane acts on them.
OWN_TOOLS = frozenset((*OPT_OUT, CALL_BACK))
BACK_IN_MINUTES = 120
_KEY = re.compile(
    r"\b(?:press|druk(?:t u)?(?: op)?|toets|drücken sie(?: die)?|drück(?: die)?|appuyez sur|tapez)\s+"
    r"(?:key |de |toets |taste |la touche )*([0-9*#])(?![0-9])",
    re.IGNORECASE,
)


async def opt_out(talk: Talk) -> None:
    """By key where the greeting names one, else in words; the assistant then uses its tool, if it has one."""
    if key := announced_key(talk):
        await talk.wait(talk.dice.uniform(0.4, 1.6))
        talk.progress("dtmf", digit=key)
    else:
        await talk.hear(talk.pick(talk.script.opts_out))
        if tool := _tool(talk, OPT_OUT):
            await run_tool(talk, tool)
    await talk.say(talk.script.noted)
    raise HangUp("user_hangup")


async def ask_back(talk: Talk) -> None:
    """In two hours."""
    await talk.hear(talk.pick(talk.script.asks_callback))
    if tool := _tool(talk, (CALL_BACK,)):
        await run_tool(talk, tool, {"minutes": BACK_IN_MINUTES})
    await talk.say(talk.script.noted)
    raise HangUp("user_hangup")


def announced_key(talk: Talk) -> str | None:
    """The key that ends all calls, as the greeting says it."""
    assistant = talk.assistant
    greeting = assistant.greeting if talk.call.direction == "inbound" else assistant.greeting_outbound or assistant.greeting
    found = _KEY.search(greeting or "")
    return found[1] if found else None


def _tool(talk: Talk, names: tuple[str, ...]) -> Tool | None:
    return next((tool for tool in talk.assistant.tools if tool.name in names), None)
