"""The shape of a workflow definition: one validator for builder and API, and what is drawn of it. No database."""

from apps.assistants.workflows.definition import clean_definition, counts
from apps.assistants.workflows.drawing import draw
from apps.assistants.workflows.graph import Break, unreachable

__all__ = ["Break", "clean_definition", "counts", "draw", "unreachable"]
