"""What a validation is given (Context), what it writes down (Report) and what it hands back (Cleaned)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.assistants.schema.defaults import PLATFORM_DEFAULTS
from apps.catalog import providers
from apps.core.errors import Invalid

Template = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """One reason to refuse: the dotted path of the field, a text without it, and the API's error type (api 3)."""

    path: str
    text: str
    code: str = "invalid_value"

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else self.text


@dataclass(frozen=True)
class Cleaned:
    """The outcome. `values` is to be stored only when `ok`; `warnings` go beside the answer (api 8.1)."""

    values: dict[str, Any]
    problems: list[Problem]
    warnings: list[str]

    @property
    def ok(self) -> bool:
        return not self.problems

    def under(self, path: str) -> Cleaned:
        """The same outcome for a body that was part of a larger one: every path starts with `path`."""
        problems = [Problem(f"{path}.{p.path}" if p.path else path, p.text, p.code) for p in self.problems]
        return Cleaned(self.values, problems, [f"{path}.{warning}" for warning in self.warnings])

    def require(self) -> dict[str, Any]:
        """The values, or `Invalid` with the first problem on top and every problem in `details`."""
        if self.problems:
            first = self.problems[0]
            details = [str(problem) for problem in self.problems]
            raise Invalid(str(first), param=first.path or None, details=details, type=first.code)
        return self.values


def _nothing_exists(ident: str) -> bool:
    return False


def _no_template(ident: str) -> Template | None:
    return None


@dataclass(frozen=True)
class Context:
    """What the rules must know beyond the body; the schema itself reads no database and no settings.

    Args:
        address_problem: judges a URL (webhooks 3); a text says what is wrong, None is fine.
        mcp_server_exists: whether the organization owns the MCP server of that id.
        analysis_template: `{"schema", "messages"}` of the organization's template of that id, None when unknown.
        defaults: the platform's `stt_config`, `llm_config`, `tts_config` (api 8.1); the operator may change them.
        strict_models: an unknown model is refused instead of warned about.
        eu_only: the organization's switch (platform 9).
        local_models: `has_local_models_access`; without it `whisper` and `piper` are refused.
        local_voices: voice ids of `piper`.
    """

    address_problem: Callable[[str], str | None]
    mcp_server_exists: Callable[[str], bool] = _nothing_exists
    analysis_template: Callable[[str], Template | None] = _no_template
    defaults: Mapping[str, Any] = field(default_factory=lambda: PLATFORM_DEFAULTS)
    strict_models: bool = False
    eu_only: bool = False
    local_models: bool = False
    local_voices: frozenset[str] = field(default_factory=providers.voice_ids)


class Report:
    """Collects problems and warnings while the rules walk through a body."""

    def __init__(self, context: Context, stored: Mapping[str, Any] | None = None) -> None:
        self.context = context
        self.stored = stored or {}
        self.problems: list[Problem] = []
        self.warnings: list[str] = []

    def refuse(self, path: str, text: str, code: str = "invalid_value") -> None:
        self.problems.append(Problem(path, text, code))

    def missing(self, path: str) -> None:
        self.refuse(path, _("this field is required"), "missing_field")

    def warn(self, path: str, text: str) -> None:
        self.warnings.append(f"{path}: {text}")

    def cleaned(self, values: dict[str, Any]) -> Cleaned:
        return Cleaned(values, self.problems, self.warnings)
