"""The form of an analysis template."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

from apps.assistants.forms.schema_editor import SchemaEditor
from apps.assistants.forms.sheet import Leaf
from apps.assistants.forms.template_sheet import DESCRIPTION, NAME, TemplateEditor
from apps.assistants.formspec import FieldSpec
from apps.assistants.schema.analysis_template import DEFAULT_PROMPTS

BLANK: dict[str, Any] = {
    "name": "",
    "description": None,
    "schema": None,
    "min_messages_threshold": None,
    **DEFAULT_PROMPTS,
}
PROMPTS = (
    ("system_prompt", _("Instruction"), _("What the model is told to do.")),
    ("user_prompt", _("Question"), _("{transcript}, {summary}, {duration} and {caller_number} are filled in.")),
)
THRESHOLD = FieldSpec(
    "min_messages_threshold", "int", _("Only from this many messages"), _("Shorter talks are not analysed."), default=2
)


class AnalysisTemplateEditor(TemplateEditor):
    leaves = (
        NAME,
        DESCRIPTION,
        *(Leaf((name,), FieldSpec(name, "long_text", label, text), empty="") for name, label, text in PROMPTS),
        Leaf(("min_messages_threshold",), THRESHOLD, empty=None),
    )

    def lay(self) -> None:
        self.schema = SchemaEditor("schema", self.base["schema"], self.sheet, "schema")
        self.schema.lay()

    def apply(self, values: dict[str, Any]) -> None:
        is_changed, schema = self.schema.changed()
        if is_changed:
            values["schema"] = schema

    def refuse(self, name: str | None, path: str, text: str) -> None:
        if path == "schema" and name not in self.form.fields:
            self.schema.problem = str(_("Add at least one field: it is what the analysis fills in."))
            self.form.add_error(None, self.schema.problem)
        else:
            super().refuse(name, path, text)
