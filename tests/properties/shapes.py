"""From fields to random bodies: valid ones, and ones with exactly one thing wrong."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.properties.values import EXTRA, JSON, NO_OBJECT, Kind, Values

Body = dict[str, Any]
GONE = object()  # where an answer must not hold the key


@dataclass(frozen=True)
class Inner:
    """A value that is wrong at `path`, below its field."""

    value: Any
    path: str


@dataclass(frozen=True)
class Field:
    """`instead`: keys that say the same in other words and win. `create`, `change`: whether POST and PATCH take it."""

    kind: Kind
    required: bool = False
    null: bool = False
    create: bool = True
    change: bool = True
    instead: tuple[str, ...] = ()
    # The key that is asked for when this one, an older spelling, is not there.
    asked_as: str = ""

    def value(self) -> Values:
        return st.one_of(st.none(), self.kind.good) if self.null else self.kind.good


def as_sent(body: Body, before: Body | None) -> Body:
    return body


def unchanged(body: Body, before: Body | None = None) -> Body:
    return body


@dataclass(frozen=True)
class Resource:
    """One kind of object on the wire.

    `envelope`: the key in which POST, GET and PATCH wrap it, "" for none. `settle`: makes what was drawn field by field
    fit together. `shows`: what an answer must hold for a body; the second argument is what stood there before a PATCH.
    """

    path: str
    envelope: str
    fields: Mapping[str, Field]
    model: str
    verbs: tuple[str, ...] = ("POST", "PATCH")
    settle: Callable[[Body, Body | None], Body] = unchanged
    shows: Callable[[Body, Body | None], Body] = as_sent
    # Where an object is read again: below its own id, in the list `listed`, or nowhere.
    has_page: bool = True
    listed: str = ""
    # Keys of an answer that a PATCH may change without naming them, by the key that was sent.
    follows: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def taken(self, verb: str) -> dict[str, Field]:
        return {name: each for name, each in self.fields.items() if (each.create if verb == "POST" else each.change)}


@st.composite
def shuffled(draw: Any, body: Values) -> Body:
    return dict(draw(st.permutations(list(draw(body).items()))))


@st.composite
def bodies(draw: Any, resource: Resource, verb: str, *, unknown: bool = True) -> Body:
    """A valid body with any of the fields, in any order, and with keys that the contract does not know."""
    fields = resource.taken(verb)
    wanted = {name for name, each in fields.items() if each.required and (verb == "POST" or resource.verbs == ("PATCH",))}
    wanted |= draw(st.sets(st.sampled_from(sorted(fields)))) if draw(st.integers(0, 4)) else fields.keys()
    body = {name: draw(fields[name].value()) for name in draw(st.permutations(sorted(wanted)))}
    if unknown and draw(st.booleans()):
        body[draw(st.sampled_from(["x_unknown", "ID", "über", "", "__proto__"]))] = draw(JSON)
    return body


@dataclass(frozen=True)
class Wrong:
    """`path` is the dotted path of what is wrong in `body`."""

    body: Body
    path: str


@st.composite
def wrong_bodies(draw: Any, resource: Resource, verb: str, before: Body | None = None) -> Wrong:
    """A valid body in which exactly one field is missing, null or of a wrong value."""
    fields = resource.taken(verb)
    body = resource.settle(draw(bodies(resource, verb, unknown=False)), before)
    name = draw(st.sampled_from(sorted(fields)))
    broken = fields[name]
    body = {key: value for key, value in body.items() if key not in broken.instead}
    needed = broken.required and (verb == "POST" or resource.verbs == ("PATCH",))
    ways = ["bad"] * 6 + ["missing"] * needed + ["null"] * (not broken.null)
    way = draw(st.sampled_from(ways))
    if way == "missing":
        return Wrong({key: value for key, value in body.items() if key != name}, broken.asked_as or name)
    found = None if way == "null" else draw(broken.kind.bad)
    inner = found if isinstance(found, Inner) else Inner(found, "")
    return Wrong(body | {name: inner.value}, f"{name}.{inner.path}".rstrip("."))


def parts(required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None, extra: Values | None = EXTRA) -> Values:
    """Objects of these parts in any order; `extra` are keys that nobody knows, which are kept all the same."""
    known = st.fixed_dictionaries(
        {name: kind.good for name, kind in required.items()}, optional={name: kind.good for name, kind in (optional or {}).items()}
    )
    return shuffled(st.builds(lambda body, more: more | body, known, extra) if extra is not None else known)


def composed(required: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None, *, more: Values | None = None) -> Kind:
    """An object; wrong in one of its parts, without a required one, or because it is none. `more`: further wrong ones."""
    good = parts(required, optional)
    small = parts(required, extra=None)
    ways = [spoilt(small, name, kind.bad) for name, kind in {**required, **(optional or {})}.items()]
    ways += [spoilt(small, name, st.none()) for name in required] + [lacking(small, name) for name in required]
    return Kind(good, st.one_of(NO_OBJECT, *ways, *([more] if more is not None else [])))


def spoilt(base: Values, path: str, bad: Values) -> Values:
    """`base` with a wrong value at `path`."""

    def build(whole: Any, wrong: Any) -> Inner:
        inner = wrong if isinstance(wrong, Inner) else Inner(wrong, "")
        return Inner(_put(whole, path.split("."), inner.value), f"{path}.{inner.path}".rstrip("."))

    return st.builds(build, base, bad)


def lacking(base: Values, name: str) -> Values:
    return base.map(lambda whole: Inner({key: value for key, value in whole.items() if key != name}, name))


def _put(whole: Any, path: list[str], value: Any) -> Any:
    found = copy.deepcopy(whole)
    step = found
    for key in path[:-1]:
        step = step[int(key)] if isinstance(step, list) else step.setdefault(key, {})
    if isinstance(step, list):
        step[int(path[-1])] = value
    else:
        step[path[-1]] = value
    return found
