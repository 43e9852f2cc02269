"""What a browser would send: the inputs of a form in a page, without those in <template> and <noscript>."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

Attrs = list[tuple[str, str | None]]


class FormReader(HTMLParser):
    def __init__(self, form_id: str) -> None:
        super().__init__(convert_charrefs=True)
        self.form_id = form_id
        self.values: dict[str, list[str]] = {}
        self.inside = False
        self.hidden = 0
        self.select: str | None = None
        self.options: list[tuple[str, bool]] = []
        self.area: str | None = None
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Attrs) -> None:
        found = dict(attrs)
        if tag in ("template", "noscript"):
            self.hidden += 1
        if tag == "form":
            self.inside = found.get("id") == self.form_id
        if not self.inside or self.hidden or "disabled" in found:
            return
        name = found.get("name")
        if tag == "input" and name and (found.get("type") not in ("checkbox", "radio") or "checked" in found):
            self.add(name, found.get("value") or "")
        elif tag == "textarea" and name:
            self.area, self.text = name, ""
        elif tag == "select" and name:
            self.select, self.options = name, []
        elif tag == "option" and self.select:
            self.options.append((found.get("value") or "", "selected" in found))

    def handle_data(self, data: str) -> None:
        if self.area is not None:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        if tag in ("template", "noscript"):
            self.hidden -= 1
        elif tag == "textarea" and self.area is not None:
            # The parser of a browser drops the first line break; sending makes all of them CRLF.
            text = self.text.replace("\r\n", "\n").replace("\r", "\n").removeprefix("\n")
            self.add(self.area, text.replace("\n", "\r\n"))
            self.area = None
        elif tag == "select" and self.select:
            chosen = [value for value, on in self.options if on] or [value for value, _on in self.options[:1]]
            for value in chosen[-1:]:
                self.add(self.select, value)
            self.select = None
        elif tag == "form":
            self.inside = False

    def add(self, name: str, value: str) -> None:
        self.values.setdefault(name, []).append(value)


def inputs_of(answer: Any, form_id: str = "assistant-form") -> dict[str, Any]:
    """The form's data, ready to be posted."""
    reader = FormReader(form_id)
    reader.feed(answer.content.decode())
    assert reader.values, f"the page holds no form {form_id}"
    return dict(reader.values)
