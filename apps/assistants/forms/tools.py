"""The tools of an assistant, each a card: webhook, end of call, transfer, or any other as JSON (api 9.6)."""

from __future__ import annotations

import copy
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from apps.assistants.forms.schema_editor import Flaw
from apps.assistants.forms.sheet import Sheet, canonical, get, put
from apps.assistants.forms.tool_cards import Card, EndCall, Raw, Transfer
from apps.assistants.forms.tool_function import Function
from apps.assistants.forms.tool_mcp import Mcp, Servers, fits
from apps.assistants.schema.tools import kind_of

PATH = ("llm_config", "tools")
GROUP = "tools"
CARDS: dict[str, type[Card]] = {card.kind: card for card in (Function, Transfer, EndCall, Mcp, Raw)}


@dataclass
class Tools:
    """
    Args:
        country: of the organization, for phone numbers in national form.
        template: the tool of the organization's template, or starter, of that key.
        servers: ids and names of the organization's MCP servers; asked only when a card shows them.
    """

    sheet: Sheet
    country: str
    template: Callable[[str], dict[str, Any] | None]
    servers: Callable[[], Servers] = list
    cards: list[Card] = field(default_factory=list)

    def lay(self) -> None:
        self.cards = self.shown()
        self.sheet.places[".".join(PATH)] = "tools"
        for card in self.cards:
            card.lay()

    def shown(self) -> list[Card]:
        """What was typed, else what is stored; a button without JS adds or removes a card."""
        typed, stored = self.sheet.typed, self.stored(self.sheet.base)
        if typed is None or f"{GROUP}-shown" not in typed:
            return [self.card(str(index), kind_of_card(tool), tool) for index, tool in enumerate(stored)]
        left = list(stored)
        cards = [self._typed(index, left) for index in dict.fromkeys(typed.getlist(GROUP)) if index.isalnum()]
        cards = [card for card in cards if typed.get("remove") != f"{GROUP}-{card.index}"]
        kind = (typed.get("add") or "").removeprefix("tool:")
        if kind in CARDS:
            cards.append(self.card(new_index(), kind, None))
        elif kind == "template" and (tool := self.template(typed.get("tool-template") or "")):
            cards.append(self.card(new_index(), kind_of_card(tool), tool, str(typed["tool-template"])))
        return cards

    def card(self, index: str, kind: str, tool: Any, source: str = "") -> Card:
        known = tool if isinstance(tool, dict) or kind == "raw" else None
        was = digest(tool) if tool is not None and not source else ""
        card = CARDS[kind](self.sheet, f"{GROUP}-{index}", index, known, was, self.country, source)
        if isinstance(card, Mcp):
            card.servers = self.servers()
        return card

    def stored(self, values: Any) -> list[Any]:
        found = get(values, PATH)
        return found if isinstance(found, list) else []

    def apply(self, values: dict[str, Any]) -> None:
        if self.sheet.typed is None or f"{GROUP}-shown" not in self.sheet.typed:
            return
        tools = []
        for number, card in enumerate(self.shown()):
            try:
                tools.append(card.read())
            except Flaw as flaw:
                self.sheet.refuse(flaw.name, str(flaw))
                tools.append(copy.deepcopy(card.stored) or {"type": "end_call"})
            self._place(card, number)
        if canonical(tools) != canonical(self.stored(values)):
            put(values, PATH, tools)

    def _place(self, card: Card, number: int) -> None:
        root = f"{'.'.join(PATH)}.{number}"
        self.sheet.places[root] = card.first_input
        self.sheet.places |= {f"{root}.{path}": name for path, name in card.places().items()}

    def _typed(self, index: str, left: list[Any]) -> Card:
        """The card with the stored tool it was made from, found by its digest: others may have moved it meanwhile."""
        kind = self.sheet.text(f"{GROUP}-{index}-kind") or "raw"
        mark = self.sheet.text(f"{GROUP}-{index}-was")
        tool = next((each for each in left if mark and digest(each) == mark), None)
        if tool is not None:
            left.remove(tool)
        elif (source := self.sheet.text(f"{GROUP}-{index}-from")) and (tool := self.template(source)):
            # What the page does not show comes along from the template: its secret and keys no input knows.
            return self.card(index, kind_of_card(tool), tool, source)
        return self.card(index, kind if kind in CARDS else "raw", tool)


def kind_of_card(tool: Any) -> str:
    """Which card shows a stored tool; what no card can show is JSON."""
    if not isinstance(tool, dict):
        return Raw.kind
    kind = kind_of(tool)
    if kind == "function":
        return Function.kind
    if kind == "mcp" and fits(tool):
        return Mcp.kind
    return {"end_call": EndCall.kind, "transfer": Transfer.kind}.get(kind or "", Raw.kind)


def digest(tool: Any) -> str:
    """Marks a stored tool on the page without showing what it holds: its secret must not be guessed from it."""
    return salted_hmac("assistants.tools", json.dumps(tool, sort_keys=True)).hexdigest()[:20]


def new_index() -> str:
    return secrets.token_hex(4)


def kinds() -> list[dict[str, str]]:
    """What may be added, for the page's buttons."""
    return [
        {
            "kind": Function.kind,
            "label": _("Webhook"),
            "icon": "webhook",
            "text": _("Calls an address of yours during the call."),
        },
        {
            "kind": Transfer.kind,
            "label": _("Transfer"),
            "icon": "phone-forwarded",
            "text": _("Hands the caller to a person."),
        },
        {
            "kind": Mcp.kind,
            "label": _("MCP server"),
            "icon": "server",
            "text": _("Uses tools of a server you have added."),
        },
        {"kind": EndCall.kind, "label": _("End call"), "icon": "phone-off", "text": _("Lets the assistant hang up.")},
    ]
