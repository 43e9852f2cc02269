"""An MCP server as people type it. Values of stored headers are never shown: an empty one keeps what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import McpServer
from apps.assistants.schema import Cleaned
from apps.assistants.schema.mcp_server import TIMEOUT, same_host

ROWS_LIMIT = 30


@dataclass(frozen=True)
class HeaderRow:
    index: str
    name: str = ""
    is_stored: bool = False


class McpServerForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200, help_text=_("Unique in this workspace."))
    url = forms.CharField(
        label=_("Address"), help_text=_("Starts with https:// and is on the internet."),
        widget=forms.TextInput({"class": "is-mono", "inputmode": "url", "placeholder": "https://mcp.example.com/mcp"}),
    )  # fmt: skip
    transport = forms.ChoiceField(
        label=_("Transport"), choices=McpServer.Transport.choices, initial=McpServer.Transport.STREAMABLE_HTTP,
        help_text=_("New servers speak streamable HTTP."),
    )  # fmt: skip
    timeout_seconds = forms.IntegerField(
        label=_("Time limit"), min_value=TIMEOUT[0], max_value=TIMEOUT[1], initial=20,
        widget=forms.NumberInput({"data-unit": "s"}), help_text=_("For each request to the server."),
    )  # fmt: skip

    use_required_attribute = False
    data: QueryDict

    def __init__(self, data: QueryDict | None = None, *, server: McpServer | None = None) -> None:
        initial = {name: getattr(server, name) for name in self.base_fields} if server else None
        super().__init__(data, initial=initial)
        self.server = server

    @property
    def stored(self) -> dict[str, str]:
        return self.server.headers if self.server else {}

    def rows(self) -> list[HeaderRow]:
        """What was typed (without values), else the stored names, and a blank row for who has no JavaScript."""
        if self.is_bound:
            rows = [HeaderRow(index, name, name in self.stored) for index, name, _value in self._typed()]
        else:
            rows = [HeaderRow(str(number), name, True) for number, name in enumerate(self.stored)]
        free = 1 + max((int(row.index) for row in rows if row.index.isdecimal()), default=-1)
        return [*rows, HeaderRow(str(free))]

    @property
    def blank_row(self) -> HeaderRow:
        """For the page's <template>; its number is filled in when it is added."""
        return HeaderRow("__index__")

    def clean(self) -> dict[str, Any]:
        found = super().clean() or {}
        if empty := [name for _index, name, value in self._typed() if not value and name not in self.stored]:
            self.add_error(None, _t("These headers need a value: %(names)s.") % {"names": ", ".join(empty)})
        kept = [name for _index, name, value in self._typed() if not value and name in self.stored]
        if kept and self.server and "url" in found and not same_host(found["url"], self.server.url):
            text = _t("Another host gets these values: type them again, or remove the headers (%(names)s).")
            self.add_error(None, text % {"names": ", ".join(kept)})
        return found

    def values(self) -> dict[str, Any]:
        """The body for the validator."""
        headers = {name: value or self.stored.get(name, "") for _index, name, value in self._typed()}
        return self.cleaned_data | {"headers": headers}

    def take(self, judged: Cleaned) -> bool:
        """Put the validator's problems beside their inputs; True when there are none."""
        for problem in judged.problems:
            root, _dot, rest = problem.path.partition(".")
            text = f"{rest}: {problem.text}" if rest else problem.text
            self.add_error(root if root in self.fields else None, text[:1].upper() + text[1:])
        return judged.ok

    def _typed(self) -> list[tuple[str, str, str]]:
        """Index, name and value of each row that has a name."""
        indexes = [index for index in dict.fromkeys(self.data.getlist("headers")) if index.isalnum()][:ROWS_LIMIT]
        rows = [
            (index, self.data.get(f"headers-{index}-name", "").strip(), self.data.get(f"headers-{index}-value", "").strip())
            for index in indexes
        ]
        return [row for row in rows if row[1]]
