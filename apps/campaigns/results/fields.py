"""What the analyses of a campaign's calls said: each field with its kind and its commonest answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from apps.campaigns.models import Campaign
from apps.campaigns.results import sql

MOST_FIELDS = 24
Kind = Literal["boolean", "choice", "number", "text"]
KINDS = ("boolean", "choice", "number", "text")


@dataclass
class Field:
    """`answers` are the commonest (text, count), most first; a choice has every value of its schema. `spread` of a number:
    least, mean, median, most."""

    name: str
    title: str
    kind: Kind
    answers: list[tuple[str, int]] = field(default_factory=list)
    total: int = 0
    different: int = 0
    spread: tuple[float, float, float, float] | None = None

    @property
    def rest(self) -> int:
        """Answers that are not among the commonest."""
        return self.total - sum(count for _text, count in self.answers)


def schema_of(campaign: Campaign) -> dict[str, Any]:
    """The properties that the assistant's analysis fills in."""
    plan = (campaign.assistant.analysis_plan or {}).get("structured_data_plan") or {}
    properties = (plan.get("schema") or {}).get("properties")
    return properties if isinstance(properties, dict) else {}


def boolean_names(campaign: Campaign) -> list[str]:
    """Fields that say yes or no: what a comparison can count as success."""
    return [name for name, rules in schema_of(campaign).items() if isinstance(rules, dict) and rules.get("type") == "boolean"]


def fields_of(campaign: Campaign) -> list[Field]:
    """Fields by kind: yes or no, choices, numbers, texts. One statement."""
    properties = schema_of(campaign)
    found = {name: Field(name, _title(name, rules), _kind(rules)) for name, rules in properties.items()}
    for key, kind, text, count, total, different, low, mean, middle, high in sql.answers(campaign):
        one = found.setdefault(key, Field(key, _title(key, {}), _plain_kind(kind)))
        one.answers.append((text, count))
        one.total, one.different = int(total), different
        if low is not None and one.kind == "number":
            one.spread = (low, mean, middle, high)
    for name, rules in properties.items():
        _complete(found[name], rules)
    return sorted(found.values(), key=lambda each: KINDS.index(each.kind))[:MOST_FIELDS]


def _complete(one: Field, rules: Any) -> None:
    """A choice that nobody made is an answer too."""
    if one.kind == "boolean" and one.total:
        counts = dict(one.answers)
        one.answers = [(value, counts.get(value, 0)) for value in ("true", "false")]
    if one.kind == "choice" and one.total:
        known = {text for text, _count in one.answers}
        listed = _choices(rules)
        one.answers += [(text, 0) for text in listed if text not in known][: max(0, sql.MOST_VALUES - len(one.answers))]


def _kind(rules: Any) -> Kind:
    rules = rules if isinstance(rules, dict) else {}
    if rules.get("type") == "boolean":
        return "boolean"
    if _choices(rules):
        return "choice"
    return "number" if rules.get("type") in ("number", "integer") else "text"


def _choices(rules: Any) -> list[str]:
    rules = rules if isinstance(rules, dict) else {}
    inner = rules.get("items") if rules.get("type") == "array" else rules
    listed = inner.get("enum") if isinstance(inner, dict) else None
    return [str(value) for value in listed if value is not None] if isinstance(listed, list) else []


def _plain_kind(kind: str) -> Kind:
    return "boolean" if kind == "boolean" else "number" if kind == "number" else "text"


def _title(name: str, rules: Any) -> str:
    title = rules.get("title") if isinstance(rules, dict) else None
    return title if isinstance(title, str) and title else name.replace("_", " ").strip().capitalize() or name
