"""Reads the demo content from its files."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from apps.portal.demo.shapes import (
    CampaignHistory,
    Cast,
    Conversation,
    DemoAssistant,
    DemoBrand,
    DemoCampaign,
    DemoLead,
    DemoNumber,
    DemoOrganization,
    DemoTrunk,
    Rendered,
    Slots,
)

HERE = Path(__file__).parent
# {slot} inserts the value, {^slot} with its first letter in upper case.
MARK = re.compile(r"\{(\^?)([a-z_]+)\}")


@cache
def cast() -> Cast:
    """The agency with its brand, its clients, their trunks and numbers."""
    data = _read(HERE / "cast.json")
    return Cast(
        brand=DemoBrand(**data["brand"]),
        organizations=tuple(DemoOrganization(**row) for row in data["organizations"]),
        trunks=tuple(DemoTrunk(**row) for row in data["trunks"]),
        numbers=tuple(DemoNumber(**row) for row in data["numbers"]),
    )


@cache
def assistants() -> dict[str, DemoAssistant]:
    """Every assistant by its key, in the order of their file names."""
    rows = [DemoAssistant(**_read(path)) for path in sorted((HERE / "assistants").glob("*.json"))]
    return {row.key: row for row in rows}


@cache
def conversations() -> dict[str, Conversation]:
    """Every conversation by its key."""
    found: dict[str, Conversation] = {}
    for path in sorted((HERE / "conversations").glob("*.json")):
        data = _read(path)
        owner = assistants()[data["assistant"]]
        for row in data["conversations"]:
            found[row["key"]] = _conversation(row, owner)
    return found


@cache
def campaigns() -> dict[str, DemoCampaign]:
    """Every campaign by its key, with its leads."""
    return {path.stem: _campaign(_read(path)) for path in sorted((HERE / "campaigns").glob("*.json"))}


def render(conversation: Conversation, slots: Slots) -> Rendered:
    """Fills every mark of a conversation.

    `slots`: those of the planned call; a missing one raises KeyError. A value that is a mark alone keeps the slot's
    type, so numbers in an analysis stay numbers.
    """
    return Rendered(
        turns=_fill(list(conversation.turns), slots),
        summary=_fill(conversation.summary, slots),
        analysis=_fill(conversation.analysis, slots),
    )


def _fill(value: Any, slots: Slots) -> Any:
    if isinstance(value, dict):
        return {key: _fill(part, slots) for key, part in value.items()}
    if isinstance(value, list):
        return [_fill(part, slots) for part in value]
    if not isinstance(value, str):
        return value
    alone = MARK.fullmatch(value)
    if alone and not alone[1]:
        return slots[alone[2]]
    return MARK.sub(lambda mark: _text(slots[mark[2]], upper=bool(mark[1])), value)


def _text(value: str | int, *, upper: bool) -> str:
    text = str(value)
    return text[:1].upper() + text[1:] if upper else text


def _conversation(row: dict[str, Any], owner: DemoAssistant) -> Conversation:
    rest = {name: value for name, value in row.items() if name not in {"turns", "slots", "dates"}}
    return Conversation(
        assistant=owner.key,
        language=owner.language,
        direction=owner.direction,
        turns=tuple(row["turns"]),
        slots=row.get("slots", {}),
        dates=row.get("dates", {}),
        **rest,
    )


def _campaign(row: dict[str, Any]) -> DemoCampaign:
    history = row.pop("history")
    leads = tuple(DemoLead(**lead) for lead in row.pop("leads"))
    days = tuple(row.pop("schedule_days"))
    return DemoCampaign(**row, schedule_days=days, leads=leads, history=CampaignHistory(**history) if history else None)


def _read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))
