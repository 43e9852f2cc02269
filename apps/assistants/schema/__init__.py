"""The shape of an assistant: one validator for form, API and webhook answers. No database."""

from apps.assistants.schema.assistant import clean_assistant, is_realtime, language_of
from apps.assistants.schema.defaults import CONFIGS, PLATFORM_DEFAULTS, defaults
from apps.assistants.schema.fields import ASSISTANT_FIELDS, ONE_TIME_NAMES
from apps.assistants.schema.one_time import clean_one_time, clean_override, resolve_override, snake_keys
from apps.assistants.schema.report import Cleaned, Context, Problem
from apps.assistants.schema.tools import Tool, canonical_tool, tool_name, tools_of
from apps.assistants.schema.views import for_engine, public_view

__all__ = [
    "ASSISTANT_FIELDS",
    "CONFIGS",
    "ONE_TIME_NAMES",
    "PLATFORM_DEFAULTS",
    "Cleaned",
    "Context",
    "Problem",
    "Tool",
    "canonical_tool",
    "clean_assistant",
    "clean_one_time",
    "clean_override",
    "defaults",
    "for_engine",
    "is_realtime",
    "language_of",
    "public_view",
    "resolve_override",
    "snake_keys",
    "tool_name",
    "tools_of",
]
