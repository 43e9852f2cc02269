"""Two versions of an assistant, field by field, for the person whose form came too late."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.forms.editor import Editor
from apps.assistants.forms.sheet import canonical, fresh

HIDDEN = "••••••"


def differences(editor: Editor, change: Mapping[str, Any]) -> list[dict[str, str]]:
    """What differs between the version that stands now (`editor` was made from it) and what the person typed."""
    theirs, yours = dict(editor.sheet.base), fresh(editor.sheet.base) | dict(change)
    return [
        {"label": _label(editor, path), "theirs": _text(path, old), "yours": _text(path, new)}
        for path, old, new in _walk(theirs, yours, ())
    ]


def _walk(old: Any, new: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    if canonical(old) == canonical(new):
        return
    before: Any
    after: Any
    if isinstance(old, dict) or isinstance(new, dict):
        before, after = (each if isinstance(each, dict) else {} for each in (old, new))
        for key in dict.fromkeys([*before, *after]):
            yield from _walk(before.get(key), after.get(key), (*path, key))
    elif _has_objects(old) or _has_objects(new):
        before, after = (each if isinstance(each, list) else [] for each in (old, new))
        for index in range(max(len(before), len(after))):
            earlier, later = (each[index] if index < len(each) else None for each in (before, after))
            yield from _walk(earlier, later, (*path, str(index)))
    else:
        yield path, old, new


def _has_objects(value: Any) -> bool:
    return isinstance(value, list) and any(isinstance(each, dict) for each in value)


def _label(editor: Editor, path: tuple[str, ...]) -> str:
    name = editor.sheet.place(".".join(path)) or ""
    tabs = {tab.id: str(tab.label) for tab in editor.tabs}
    tab = tabs.get(editor.sheet.tabs.get(name, ""), "")
    shown = editor.sheet.fields.get(name)
    if shown is not None:
        return f"{tab}: {shown.label}" if tab else str(shown.label)
    return ": ".join(part for part in (tab, " › ".join(path[1:]) or path[0]) if part)


def _text(path: tuple[str, ...], value: Any) -> str:
    if value is None or value == "":
        return ""
    if "secret" in path[-1]:
        return HIDDEN
    if isinstance(value, bool):
        return _("On") if value else _("Off")
    if isinstance(value, list):
        return "\n".join(str(each) for each in value)
    return str(value)
