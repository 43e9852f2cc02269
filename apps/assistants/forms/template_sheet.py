"""What the forms of tool and analysis templates share: their own few inputs, the change that was typed, problems."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from apps.assistants.forms.editor import EditorForm
from apps.assistants.forms.sheet import Leaf, Sheet, canonical, fresh
from apps.assistants.formspec import FieldSpec
from apps.assistants.schema import Cleaned

NAME = Leaf(("name",), FieldSpec("name", "text", _("Name"), _("Only your team sees it.")), empty="")
DESCRIPTION = Leaf(
    ("description",), FieldSpec("description", "long_text", _("Note"), _("For your team: what it is for.")), empty=None
)
HIDDEN = "••••••"


class TemplateEditor:
    """
    Args:
        values: what stands now, or what a new template starts with, by the names on the wire.
        typed: what was sent with the form; None when the page is only opened.
    """

    leaves: tuple[Leaf, ...] = (NAME, DESCRIPTION)

    def __init__(self, values: Mapping[str, Any], typed: QueryDict | None = None, *, may_edit: bool = True) -> None:
        self.base, self.typed, self.may_edit = values, typed, may_edit
        self.sheet = Sheet(values, typed)
        for leaf in self.leaves:
            leaf.lay(self.sheet)
        self.lay()
        self.form = EditorForm(self.sheet, may_edit=may_edit)

    def lay(self) -> None:
        """Add the inputs beyond the leaves."""
        raise NotImplementedError

    def apply(self, values: dict[str, Any]) -> None:
        """Write what was typed beyond the leaves into `values`."""
        raise NotImplementedError

    @property
    def is_step(self) -> bool:
        """Whether the request only asks for other inputs (without JS): nothing is to be saved yet."""
        return self.typed is not None and any(self.typed.get(name) for name in ("add", "remove", "switch"))

    def whole(self) -> dict[str, Any]:
        """Every value as typed. Flaws of the text are in `sheet.problems`."""
        values = fresh(self.base)
        for leaf in self.leaves:
            leaf.apply(self.sheet, values)
        self.apply(values)
        return values

    def change(self) -> dict[str, Any]:
        """What differs from the stored values, as PATCH would send it."""
        return {key: value for key, value in self.whole().items() if canonical(value) != canonical(self.base.get(key))}

    def place(self, path: str) -> str | None:
        return self.sheet.place(path)

    def show(self, judged: Cleaned) -> bool:
        """Put each problem at its input; True when there is none."""
        for problem in judged.problems:
            self.refuse(self.place(problem.path), problem.path, problem.text)
        for name, text in self.sheet.problems:
            self.refuse(name, name, text)
        return not self.form.errors

    def refuse(self, name: str | None, path: str, text: str) -> None:
        sentence = f"{text[:1].upper()}{text[1:]}"
        if name in self.form.fields:
            self.form.add_error(name, sentence if sentence.endswith((".", "!", "?")) else f"{sentence}.")
        else:
            self.form.add_error(None, f"{path}: {text}")

    def differences(self) -> Iterator[dict[str, str]]:
        """What stands now beside what was typed, for the person whose form came too late."""
        for key, yours in self.change().items():
            shown = self.sheet.fields.get(self.place(key) or "")
            label = str(shown.label) if shown else str(_("Tool"))
            yield {"label": label, "theirs": _shown(key, self.base.get(key)), "yours": _shown(key, yours)}


def _shown(key: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if "secret" in key:
        return HIDDEN
    return value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
