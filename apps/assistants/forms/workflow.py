"""A workflow as people write it: name, activity, and the definition as JSON text with what is wrong at its line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils.translation import gettext as _t
from django.utils.translation import gettext_lazy as _

from apps.assistants.models import Workflow
from apps.assistants.schema import Context, Problem
from apps.assistants.workflows import Drawing, add_edge, add_node, as_text, clean_definition, draw, line_at, lines_of
from apps.assistants.workflows.definition import BYTES_LIMIT
from apps.assistants.workflows.nodes import TYPES
from apps.core.addresses import url_problem


@dataclass(frozen=True)
class Finding:
    """Something to look at, and the line of the text where it stands."""

    line: int
    text: str
    is_warning: bool = False


@dataclass(frozen=True)
class Draft:
    """The text as it is being written. `definition` is None when the text is no JSON."""

    text: str
    definition: Any
    findings: list[Finding]
    drawing: Drawing
    nodes: list[str] = field(default_factory=list)
    # What a button changed: the page puts it into the editor.
    is_changed: bool = False

    @property
    def problems(self) -> int:
        return sum(not finding.is_warning for finding in self.findings)


class WorkflowForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=200)
    is_active = forms.BooleanField(
        label=_("Active"), required=False, initial=True, help_text=_("When off, the number’s assistant answers.")
    )
    definition = forms.CharField(
        label=_("Definition"), strip=False,
        widget=forms.Textarea({"rows": 30, "class": "is-mono", "data-json-editor": "", "spellcheck": "false"}),
    )  # fmt: skip

    use_required_attribute = False

    def take(self, problems: list[Problem]) -> None:
        """Put what is wrong with name and activity beside their inputs."""
        for problem in problems:
            self.add_error(problem.path if problem.path in self.fields else None, problem.text)


def initial_of(workflow: Workflow) -> dict[str, Any]:
    return {"name": workflow.name, "is_active": workflow.is_active, "definition": as_text(workflow.definition)}


def read_draft(text: str, *, problems: list[Problem] | None = None, is_changed: bool = False) -> Draft:
    """Look at a definition's text.

    Args:
        problems: what a full judgement found; without it the text is judged here, addresses by their form alone.
    """
    if len(text.encode()) > 2 * BYTES_LIMIT:
        return Draft(text, None, [Finding(1, _t("The text is too long."))], draw(None))
    try:
        definition = json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", 1)
        return Draft(text, None, [Finding(line, _t("This is not valid JSON: %(problem)s") % {"problem": error})], draw(None))
    judged = clean_definition(definition, context=Context(address_problem=url_problem))
    lines = lines_of(text)
    wrong = judged.problems if problems is None else problems
    findings = [Finding(line_at(lines, problem.path), str(problem)) for problem in wrong]
    findings += [_warning(lines, warning) for warning in judged.warnings]
    drawing = draw(definition, frozenset(problem.path for problem in wrong), lines)
    return Draft(text, definition, findings, drawing, [box.id for box in drawing.boxes], is_changed)


def stepped(text: str, typed: Mapping[str, str], step: str) -> Draft:
    """The draft after one of the builder's buttons: `node:<type>` or `edge`. Text that is no JSON stays as it is."""
    draft = read_draft(text)
    if not isinstance(draft.definition, dict):
        return draft
    kind = step.removeprefix("node:")
    if kind in TYPES:
        return read_draft(as_text(add_node(draft.definition, kind)), is_changed=True)
    if step == "edge" and typed.get("edge_from") and typed.get("edge_to"):
        description = typed.get("edge_description", "").strip()
        made = add_edge(draft.definition, typed["edge_from"], typed["edge_to"], description)
        return read_draft(as_text(made), is_changed=True)
    return draft


def _warning(lines: dict[str, int], warning: str) -> Finding:
    path, _colon, text = warning.partition(": ")
    return Finding(line_at(lines, path), text, is_warning=True)
