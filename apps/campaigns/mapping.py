"""The mapping page's columns: from its form to `Columns` and back."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.campaigns.columns import (
    ABOUT,
    CONSENT,
    CONSENT_AT,
    CONSENT_PROOF,
    REGION,
    TIMEZONE,
    Columns,
    reason_column,
    variable_name,
)
from apps.core.errors import Invalid

NUMBER, VARIABLE, NAME, IGNORE = "number", "variable", "name", "ignore"
USES: dict[str, str | Promise] = {
    NUMBER: gettext_lazy("Phone number"),
    NAME: gettext_lazy("Lead's name"),
    VARIABLE: gettext_lazy("Variable"),
    TIMEZONE: gettext_lazy("Time zone"),
    REGION: gettext_lazy("Region or state"),
    CONSENT: gettext_lazy("Kind of consent"),
    CONSENT_AT: gettext_lazy("Date of consent"),
    CONSENT_PROOF: gettext_lazy("Proof of consent"),
    IGNORE: gettext_lazy("Leave out"),
}
ONCE = (NUMBER, NAME, *ABOUT)
SAMPLES = 3


@dataclass(frozen=True)
class Field:
    """One column as the page shows it. `use` is one of USES; `samples` are its first values."""

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

    A column with a use of its own is a variable too when the message asks for it by that name. Raises Invalid when two
    columns have a use that only one can have.
    """
    uses = {index: posted.get(f"use-{index}", IGNORE) for index in range(width)}
    names = {index: posted.get(f"variable-{index}", "").strip() for index in range(width)}
    variables = {
        index: names[index]
        for index, use in uses.items()
        if use in (VARIABLE, NAME) or (use != IGNORE and names[index] in wanted)
    }
    only = {use: _only(uses, use) for use in ONCE}
    about = {use: column for use in ABOUT if (column := only[use]) is not None}
    return Columns(only[NUMBER], variables, only[NAME], about)


def _only(uses: dict[int, str], use: str) -> int | None:
    found = [index for index, each in uses.items() if each == use]
    if len(found) > 1:
        texts = {NUMBER: _("Only one column can be the phone number."), NAME: _("Only one column can be the lead's name.")}
        raise Invalid(texts.get(use) or _("Only one column can be used as “%(use)s”.") % {"use": USES[use]}, param="mapping")
    return found[0] if found else None


def _use(index: int, chosen: Columns) -> str:
    if index == chosen.number:
        return NUMBER
    if index == chosen.name:
        return NAME
    if use := next((use for use, column in chosen.about.items() if column == index), None):
        return use
    return VARIABLE if index in chosen.variables else IGNORE
