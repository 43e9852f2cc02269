"""An analysis template copied into the editor's inputs: nothing is stored before the person saves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from apps.assistants.forms.schema_editor import is_simple

SCHEMA, MESSAGES = "analysis-schema", "analysis-messages"


def with_template(typed: QueryDict, parts: Mapping[str, Any]) -> QueryDict:
    """What was typed, with the schema and the messages of a template (`plan_parts`) in place of the typed ones."""
    typed = typed.copy()
    for key in [key for key in typed if key.startswith((SCHEMA, MESSAGES))]:
        del typed[key]
    typed[f"{SCHEMA}-mode"], typed[f"{SCHEMA}-json"] = "json", json.dumps(parts["schema"], indent=2, ensure_ascii=False)
    # As rows where rows can show it; the page still takes this for a step, not for saving.
    typed["switch"] = SCHEMA if is_simple(parts["schema"]) else "analysis-template"
    typed[f"{MESSAGES}-shown"] = "1"
    typed.setlist(MESSAGES, [str(index) for index in range(len(parts["messages"]))])
    for index, message in enumerate(parts["messages"]):
        for key in ("role", "content"):
            typed[f"{MESSAGES}-{index}-{key}"] = message[key]
    typed["analysis_plan.structured_data_plan.enabled"] = "on"
    return typed
