"""The mapping page's columns: from its form to `Columns` and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.utils.translation import gettext as _

from apps.campaigns.columns import Columns, reason_column, variable_name
from apps.core.errors import Invalid

NUMBER, VARIABLE, NAME, IGNORE = "number", "variable", "name", "ignore"
SAMPLES = 3


@dataclass(frozen=True)
class Field:
    """One column as the page shows it. `use` is one of the four above; `samples` are its first values."""

    index: int
    header: str
    use: str
    variable: str
    samples: list[str]


def fields_of(header: list[str], sample: list[list[str]], chosen: Columns) -> list[Field]:
    """Every column but the one in which refused rows say why."""
    reason = reason_column(header)
    return [
        Field(
            index, title, _use(index, chosen),
            chosen.variables.get(index) or variable_name(title) or f"column_{index + 1}",
            [cells[index] for cells in sample if index < len(cells) and cells[index].strip()][:SAMPLES],
        )
        for index, title in enumerate(header)
        if index != reason
    ]  # fmt: skip


def columns_of(posted: Mapping[str, str], width: int, wanted: Collection[str]) -> Columns:
    """What the person chose: `use-<index>` and `variable-<index>`.

    The number's column is a variable too when the message asks for it by that name. Raises Invalid when two columns
    are the number, or the name.
    """
    uses = {index: posted.get(f"use-{index}", IGNORE) for index in range(width)}
    names = {index: posted.get(f"variable-{index}", "").strip() for index in range(width)}
    variables = {
        index: names[index]
        for index, use in uses.items()
        if use in (VARIABLE, NAME) or (use == NUMBER and names[index] in wanted)
    }
    number = _only(uses, NUMBER, _("Only one column can be the phone number."))
    return Columns(number, variables, _only(uses, NAME, _("Only one column can be the lead's name.")))


def _only(uses: dict[int, str], use: str, text: str) -> int | None:
    found = [index for index, each in uses.items() if each == use]
    if len(found) > 1:
        raise Invalid(text, param="mapping")
    return found[0] if found else None


def _use(index: int, chosen: Columns) -> str:
    if index == chosen.number:
        return NUMBER
    if index == chosen.name:
        return NAME
    return VARIABLE if index in chosen.variables else IGNORE
