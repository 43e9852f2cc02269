"""The parts of a script. Lists are drawn from; single lines hold `{…}` places."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Script:
    # The other party.
    hello: list[str]
    reasons: list[str]
    replies: list[str]
    questions: list[str]
    reactions: list[str]
    goodbyes: list[str]
    back: list[str]
    machine: list[str]
    asks_person: list[str]
    opts_out: list[str]
    asks_callback: list[str]
    # The assistant: quotes and fixed phrases only.
    quotes: list[str]
    no_prompt: list[str]
    before_tool: list[str]
    tool_result: str
    tool_error: str
    injected: str
    goodbye: list[str]
    noted: str
    before_transfer: str
    no_transfer: str
    transfer_failed: str
    silence: list[str]
    # The summary.
    marker: str
    said: str
    used_tool: str
    machine_left: str
    machine_silent: str
    endings: dict[str, str]
    other_ending: str
    # Words of a visitor that end or hand over a text talk.
    end_words: list[str]
    person_words: list[str]
