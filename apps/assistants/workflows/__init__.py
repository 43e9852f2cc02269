"""The shape of a workflow definition: one validator for builder and API, and what is drawn of it. No database."""

from apps.assistants.workflows.definition import clean_definition, counts
from apps.assistants.workflows.drawing import Drawing, draw
from apps.assistants.workflows.graph import Break, unreachable
from apps.assistants.workflows.steps import add_edge, add_node, first_definition
from apps.assistants.workflows.text import as_text, line_at, lines_of

__all__ = [
    "Break",
    "Drawing",
    "add_edge",
    "add_node",
    "as_text",
    "clean_definition",
    "counts",
    "draw",
    "first_definition",
    "line_at",
    "lines_of",
    "unreachable",
]
