"""The form of a tool template: its name, a note, and the same card an assistant's tool has."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from apps.assistants.forms.schema_editor import Flaw
from apps.assistants.forms.template_sheet import TemplateEditor
from apps.assistants.forms.tool_cards import Card, EndCall, Transfer
from apps.assistants.forms.tool_function import Function
from apps.assistants.schema.tool_template import END_CALL, FUNCTION, TRANSFER

PREFIX = "tool"
CARDS: dict[str, type[Card]] = {FUNCTION: Function, END_CALL: EndCall, TRANSFER: Transfer}


class ToolTemplateEditor(TemplateEditor):
    """
    Args:
        country: of the organization, for phone numbers in national form.
    """

    def __init__(
        self, values: Mapping[str, Any], country: str, typed: QueryDict | None = None, *, may_edit: bool = True
    ) -> None:
        self.country = country
        super().__init__(values, typed, may_edit=may_edit)

    @property
    def kind(self) -> str:
        return str(self.base["tool_type"])

    def lay(self) -> None:
        self.card = CARDS[self.kind](self.sheet, PREFIX, "0", as_tool(self.base), "", self.country)
        self.card.lay()
        self.sheet.places |= {"server_secret": self.card.name("secret"), "tool_config": self.card.first_input}

    def apply(self, values: dict[str, Any]) -> None:
        if self.typed is None:
            return
        try:
            tool = self.card.read()
        except Flaw as flaw:
            self.sheet.refuse(flaw.name, str(flaw))
            return
        values["tool_config"], values["server_secret"] = as_config(tool, self.base, values["name"])

    def place(self, path: str) -> str | None:
        """Problems of `tool_config` at the card's inputs; a function named like its template is judged at its own input."""
        if self.kind == FUNCTION and path == "name" and (self.sheet.text("name") or "").strip():
            return self.card.name("name")
        rest, places = path.removeprefix("tool_config."), self.card.places()
        while rest and path.startswith("tool_config."):
            if rest in places:
                return places[rest]
            rest = rest.rpartition(".")[0]
        return super().place(path)


def as_tool(values: Mapping[str, Any]) -> dict[str, Any]:
    """The tool a card shows: a function named like its template shows that name."""
    tool = {"type": values["tool_type"], **copy.deepcopy(values["tool_config"])}
    if values["tool_type"] != FUNCTION:
        return tool
    tool["name"] = tool.get("name") or values["name"]
    # A secret of its own lies beside the config; the card finds it in the older spelling.
    return tool | ({"server_secret": values["server_secret"]} if values.get("server_secret") else {})


def as_config(tool: dict[str, Any], base: Mapping[str, Any], name: str) -> tuple[dict[str, Any], str | None]:
    """The config and the secret for what a card read."""
    config, stored = {key: value for key, value in tool.items() if key != "type"}, base["tool_config"]
    secret = config.pop("server_secret", None)
    if base["tool_type"] != FUNCTION:
        return config, base.get("server_secret")
    had = isinstance(stored.get("server"), dict) and stored["server"].get("secret")
    server = config.get("server")
    if not had and isinstance(server, dict) and server.get("secret"):
        secret = server.pop("secret")
        if not server:
            config.pop("server")
    if not config.get("name") or (not stored.get("name") and config["name"] == name):
        config.pop("name", None)
    return config, secret
