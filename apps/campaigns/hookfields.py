"""What a customer's system posts, in its own words: its fields become a number, a name and variables.

A mapping is `{"country": "NL", "fields": {"properties.mobile": "number", "company": "variable:company"}}`: their field, dots
leading into nested ones, to what it is for us. What it does not name is found under our own names.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from apps.campaigns.columns import ABOUT
from apps.campaigns.intake import MAX_NAME, MAX_VALUE, MAX_VARIABLES, Refusal
from apps.core import phone, variables
from apps.core.errors import Invalid

MOST = 1000
ID, NUMBER, NAME = "id", "number", "name"
VARIABLE = "variable:"
OWN_NAMES: dict[str, tuple[str, ...]] = {
    ID: ("id",), NUMBER: ("phone_number", "phone", "number"), NAME: ("name",), **{use: (use,) for use in ABOUT},
}  # fmt: skip
MAX_FIELDS = 80
MAX_KEY = 180


@dataclass(frozen=True)
class Posted:
    """One lead as it was posted.

    Attributes:
        key: by which its repeats are known; empty: nothing names it.
        texts: `number` and what intake.read_about reads.
        variables: as text; blank ones are left out.
        country: of numbers in national format; empty: the organization's.
        refusal: why it cannot be read at all.
    """

    key: str
    texts: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    country: str = ""
    refusal: Refusal | None = None


def leads_in(body: Mapping[str, Any]) -> list[Any]:
    """The leads of a body: those of its list `leads`, else itself. Raises Invalid for none and for more than 1,000."""
    found = body["leads"] if isinstance(body.get("leads"), list) else [body] if body else []
    if not found:
        raise Invalid("A lead or a list of leads is expected.", param="leads", details=["leads: nothing was sent"])
    if len(found) > MOST:
        line = f"at most {MOST} leads at once"
        raise Invalid(f"leads: {line}", param="leads", details=[f"leads: {line}"])
    return found


def read_posted(item: Any, *, mapping: Mapping[str, Any], header: str, place: int) -> Posted:
    """One lead of a body.

    Args:
        mapping: as above; empty: our own names.
        header: the request's Idempotency-Key; the lead's own id goes before it.
        place: where the lead stands in its list, from 0.
    """
    if not isinstance(item, dict):
        return Posted("", refusal=Refusal("not_an_object"))
    fields: Mapping[str, str] = mapping.get("fields", {})
    texts = {use: _text(item, use, fields) for use in OWN_NAMES}
    own = texts.pop(ID)
    key = _key(f"id:{own}") if own else _key(f"key:{header}:{place}") if header else ""
    found = _variables(item, fields, texts.pop(NAME))
    if isinstance(found, Refusal):
        return Posted(key, refusal=found)
    return Posted(key, texts, found, str(mapping.get("country", "")))


def check_mapping(fields: Mapping[str, str], country: str) -> dict[str, Any]:
    """The mapping to store. Raises Invalid for one that makes no sense."""
    if country and country not in {code for code, _name in phone.country_choices()}:
        raise Invalid(_("Choose a country of the list."), param="country")
    if len(fields) > MAX_FIELDS:
        raise Invalid(_("At most 80 fields can be mapped."), param="fields")
    uses = list(fields.values())
    for use in uses:
        name = use.removeprefix(VARIABLE)
        if use not in OWN_NAMES and (not use.startswith(VARIABLE) or not _is_name(name)):
            raise Invalid(_("“%(name)s” cannot be the name of a variable.") % {"name": name}, param="fields")
        if uses.count(use) > 1:
            raise Invalid(_("Two fields are both used as “%(name)s”.") % {"name": name}, param="fields")
    return {"country": country, "fields": dict(fields)}


def _text(item: Mapping[str, Any], use: str, fields: Mapping[str, str]) -> str:
    named = tuple(path for path, each in fields.items() if each == use)
    values = (variables.as_text(_at(item, path)) for path in named or OWN_NAMES[use])
    return next((text.strip() for text in values if text and text.strip()), "")


def _variables(item: Mapping[str, Any], fields: Mapping[str, str], name: str) -> dict[str, str] | Refusal:
    given = item.get("variables")
    found: dict[str, Any] = dict(given) if isinstance(given, dict) else {}
    found |= {use.removeprefix(VARIABLE): _at(item, path) for path, use in fields.items() if use.startswith(VARIABLE)}
    if name and "name" not in found:
        found["name"] = name
    texts: dict[str, str] = {}
    for each, value in found.items():
        text = (variables.as_text(value) or "").strip()
        if not _is_name(each):
            return Refusal("bad_variable", each[:60])
        if len(text) > MAX_VALUE:
            return Refusal("value_too_long", each[:60])
        if text:
            texts[each] = text
    return texts if len(texts) <= MAX_VARIABLES else Refusal("too_many_variables")


def _at(item: Any, path: str) -> Any:
    """The value behind a path; a name that holds dots itself goes before nested ones."""
    if isinstance(item, dict) and path in item:
        return item[path]
    head, _dot, rest = path.partition(".")
    if isinstance(item, list):
        inner = item[int(head)] if head.isascii() and head.isdecimal() and int(head) < len(item) else None
    else:
        inner = item.get(head) if isinstance(item, dict) else None
    return _at(inner, rest) if rest else inner


def _is_name(name: str) -> bool:
    return bool(name.strip()) and len(name) <= MAX_NAME and re.search(r"[{}\r\n]", name) is None


def _key(text: str) -> str:
    if len(text) <= MAX_KEY:
        return text
    return f"long:{hashlib.sha256(text.encode()).hexdigest()}"
