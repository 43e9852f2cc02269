"""The card of an MCP server's tools: which server, which of its tools, and whether a call goes without it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _

from apps.assistants.forms.inputs import Input, tidy
from apps.assistants.forms.tool_cards import Card
from apps.assistants.schema.tool_rules import ALLOWED_TOOLS_LIMIT

Servers = list[tuple[str, str]]


@dataclass
class Mcp(Card):
    """
    Args:
        servers: ids and names of the organization's servers.
    """

    kind = "mcp"
    icon = "server"
    servers: Servers = field(default_factory=list)

    @property
    def title(self) -> str:
        names = dict(self.servers)
        return names.get(self._server) or _("MCP server")

    @property
    def subtitle(self) -> str:
        return ", ".join(self.names)

    @property
    def first_input(self) -> str:
        return self.name("server")

    @property
    def names(self) -> list[str]:
        """The tools as ticked in the server's list, else as typed, else as stored."""
        typed = self.sheet.typed
        if typed is not None and self.name("picked") in typed:
            return list(dict.fromkeys(typed.getlist(self.name("pick"))))
        text = self.sheet.text(self.name("allowed"))
        if text is None:
            return list(self.stored["allowed_tools"]) if self.stored else []
        return list(dict.fromkeys(line.strip() for line in tidy(text).split("\n") if line.strip()))

    def lay(self) -> None:
        chosen = self._server
        known = [*self.servers] if not chosen or chosen in dict(self.servers) else [*self.servers, (chosen, chosen)]
        select = forms.Select(choices=[("", _("Choose a server")), *known])
        self._lay_text("server", Input(label=_("Server"), widget=select, text=chosen))
        lines = forms.Textarea({"rows": 3, "class": "is-mono", "data-autosize": "", "spellcheck": "false"})
        words = _("One name per line, at most %(most)s.") % {"most": ALLOWED_TOOLS_LIMIT}
        shown = Input(label=_("Tools it may use"), help_text=words, widget=lines, text="\n".join(self.names))
        self._lay_text("allowed", shown)
        words = _("Calls are refused while the server cannot be reached. When off, they go on without its tools.")
        text = "on" if self._is_required else ""
        self._lay_text("required", Input(label=_("Required"), help_text=words, widget=forms.CheckboxInput(), text=text))

    def read(self) -> Any:
        tool = copy.deepcopy(self.stored) or {"type": "mcp", "mcp_server_id": ""}
        if self._server != str(tool["mcp_server_id"]).lower():
            tool["mcp_server_id"] = self._server
        if self.stored is None or self.names != self.stored["allowed_tools"]:
            tool["allowed_tools"] = self.names
        if self._is_required != _required(tool):
            tool["required"] = self._is_required
        return tool

    def places(self) -> dict[str, str]:
        return {
            "mcp_server_id": self.name("server"), "allowed_tools": self.name("allowed"), "required": self.name("required")
        }  # fmt: skip

    @property
    def _server(self) -> str:
        return self._start("server", str(self.stored["mcp_server_id"]).lower() if self.stored else "")

    @property
    def _is_required(self) -> bool:
        if self.sheet.text(self.name("kind")) is not None:
            return self.sheet.is_on(self.name("required"))
        return _required(self.stored or {})


def fits(tool: dict[str, Any]) -> bool:
    """Whether the card can show a stored tool."""
    names = tool.get("allowed_tools")
    texts = isinstance(names, list) and all(isinstance(name, str) and name == name.strip() != "" for name in names)
    return texts and len(set(names)) == len(names) and isinstance(tool.get("mcp_server_id"), str)  # type: ignore[arg-type]


def _required(tool: dict[str, Any]) -> bool:
    return tool.get("required") is not False
