"""Random values of each type that the contract knows, and values that it refuses (api 1)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

Values = st.SearchStrategy[Any]
NAME, URL, SPOKEN, PROMPT = 200, 2048, 2000, 100_000
NOBODY = "0190f3c2-7b1e-7c4d-9a55-3f0e8c6d1b27"
HUGE = st.sampled_from([2**63, -(2**63) - 1, 10**30 + 1, 10**400])


@dataclass(frozen=True)
class Kind:
    """A type: values the contract takes, and values it refuses. Null is neither: it is a matter of the field."""

    good: Values
    bad: Values


def _characters(**options: Any) -> Values:
    return st.characters(exclude_categories=["Cs"], exclude_characters="\x00", **options)


def unicode(limit: int, least: int = 0) -> Values:
    """Texts of every script, some at their limit. A character may be any code point but half a surrogate pair and NUL."""
    # A long text of rare letters would make the body larger than 1 MiB.
    mark = _characters() if limit <= SPOKEN else st.sampled_from("a ~")
    found = st.one_of(
        st.text(_characters(), min_size=least, max_size=min(limit, 24)),
        st.builds(lambda mark, tail: mark * (limit - len(tail)) + tail, mark, st.sampled_from(["", " ", "é", "😀"])),
        st.sampled_from(["  spaces ", "a\r\n\tb", "e\u0301 \u202eabc\u202c \ufeff", "\U0010ffff", '"\\/\u2028', "null", "{{}}"]).filter(lambda text: len(text) <= limit),
    )
    return found.filter(lambda text: bool(text.strip())) if least else found


UNSTORABLE = st.builds(
    lambda head, mark, tail: head + mark + tail,
    st.text(_characters(max_codepoint=0x3FF), max_size=4), st.sampled_from(["\x00", "\ud800", "\udfff", "\udc00\ud800"]),
    st.text(_characters(max_codepoint=0x3FF), max_size=4),
)  # fmt: skip
NO_TEXT = st.one_of(st.sampled_from([0, 7, 1.5, True, False, [], ["a"], {}, {"a": "b"}]), HUGE)


def words(limit: int, least: int = 0) -> Kind:
    too_long = st.integers(1, 3).map(lambda more: "ü" * (limit + more))
    short = [st.sampled_from(["", "   ", "\n"])] if least else []
    return Kind(unicode(limit, least), st.one_of(NO_TEXT, UNSTORABLE, too_long, *short))


PROMPTS = Kind(unicode(300), words(PROMPT).bad)  # where a body has room for many


def whole(least: int, most: int) -> Kind:
    edges = st.sampled_from([least, most, (least + most) // 2])
    outside = st.sampled_from([least - 1, most + 1, -1 if least >= 0 else least - 7, least + 0.5, 1e308])
    return Kind(st.one_of(edges, st.integers(least, most)), st.one_of(outside, HUGE, no_number()))


def decimal(least: float, most: float) -> Kind:
    edges, inside = st.sampled_from([least, most]), st.floats(least, most)
    outside = st.sampled_from([least - 0.01, most + 0.01, -1e308, 1e308])
    return Kind(st.one_of(edges, inside), st.one_of(outside, HUGE, no_number()))


def no_number() -> Values:
    return st.sampled_from(["", "3", "0.5", True, False, [], [1], {}, "NaN"])


FLAG = Kind(st.booleans(), st.sampled_from([0, 1, "true", "", [], {}, 0.5]))


def choice(*choices: Any) -> Kind:
    unknown = st.sampled_from(["", "unheard-of", " ", str(choices[0]) + " ", 0, -1, True, [], [choices[0]], {}])
    return Kind(st.sampled_from(choices), st.one_of(unknown, UNSTORABLE, HUGE))


def row(ident: str) -> Kind:
    """The id of an object of ours."""
    wrong = ["", "x", 7, True, [], {}, NOBODY, ident[:-1], ident + "0", ident.replace("-", "_"), [ident], 0.5]
    return Kind(st.just(ident), st.one_of(st.sampled_from(wrong), UNSTORABLE, HUGE))


def listed(kind: Kind, most: int | None, least: int = 0, entries: int = 4) -> Kind:
    """A list; wrong as a whole, by its length, or by one entry."""
    bent = st.builds(lambda head, wrong: [*head, wrong], st.lists(kind.good, max_size=2 if most is None else min(2, most - 1)), st.one_of(kind.bad, st.none()))
    length = [st.just([])] if least else []
    if most is not None:
        length.append(st.builds(lambda one, more: [one] * (most + more), kind.good, st.integers(1, 2)))
    no_list = st.sampled_from(["", "a", 7, True, {}, {"0": "a"}])
    return Kind(st.lists(kind.good, min_size=least, max_size=min(most or entries, entries)), st.one_of(no_list, bent, *length))


NO_OBJECT = st.sampled_from(["", "a", 7, True, [], [{}], 0.5])
# Free JSON, as a config may hold: any depth that people write, numbers of both kinds, every text.
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
LEAVES = st.one_of(st.none(), st.booleans(), NUMBERS, unicode(40))
JSON = st.recursive(
    LEAVES, lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(unicode(12), inner, max_size=3)), max_leaves=6
)
EXTRA = st.dictionaries(unicode(12, 1).map(lambda name: f"x_{name}"), JSON, max_size=2)


def phones() -> Kind:
    """E.164 as people write it: `normal_phone` is what is stored."""
    digits = st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True)
    between = st.sampled_from(["", " ", "-", ".", "  "])
    written = st.builds(lambda text, mark, every: "+" + mark.join(text[at : at + every] for at in range(0, len(text), every)), digits, between, st.integers(2, 5))
    wrong = ["", "0612345678", "+0123456789", "+123456", "+1234567890123456", "+3161234567a", "31612345678", "++31612345678", "+٣١٦١٢٣٤٥٦٧", "+31 (6) 1234567"]
    return Kind(written, st.one_of(st.sampled_from(wrong), NO_TEXT, UNSTORABLE, st.just("+" + "1" * 400)))


def normal_phone(text: str) -> str:
    return "".join(mark for mark in text if mark not in " .-")


def addresses(*schemes: str) -> Kind:
    """Web addresses on hosts that need no name server."""
    tail = st.from_regex(r"(/[a-zA-Z0-9._~%&=+-]{0,12}){0,3}(\?[a-z0-9=&%]{0,12})?", fullmatch=True)
    host = st.sampled_from(["93.184.215.14", "93.184.215.14:8443", "[2606:4700::1111]"])
    long = st.just(f"{schemes[0]}://93.184.215.14/" + "a" * URL)
    wrong = [
        "", "a", "ftp://example.com", "//example.com/a", f"{schemes[0]}://", "javascript:alert(1)", f"{schemes[0]}://10.0.0.1/a", f"{schemes[0]}://169.254.169.254/",
        f"{schemes[0]}://[::1]/a", f"{schemes[0]}://user:word@93.184.215.14/", f"{schemes[0]}://93.184.215.14:22/", f"{schemes[0]}://93.184.215.14/a b",
    ]  # fmt: skip
    good = st.builds(lambda scheme, host, tail: f"{scheme}://{host}{tail}", st.sampled_from(schemes), host, tail)
    return Kind(good, st.one_of(st.sampled_from(wrong), long, NO_TEXT, UNSTORABLE))


EMAIL = Kind(
    st.from_regex(r"[a-z0-9](\.?[a-z0-9+_-]){0,20}@[a-z0-9]{1,12}(-[a-z0-9]{1,6})?\.(org|example|nl)", fullmatch=True),
    st.one_of(st.sampled_from(["", "nobody", "a@", "@b.org", "a b@example.org", "a@b..org", "a@example.org\n", "ä" * 300 + "@example.org"]), NO_TEXT, UNSTORABLE),
)
FUNCTION_NAME = Kind(
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,63}", fullmatch=True),
    st.one_of(st.sampled_from(["has spaces", "1st", "-a", "ä", "a" * 65, "a\n"]), NO_TEXT, UNSTORABLE),
)


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are one: 1 and 1.0 are the same number, 1 and true are not. PostgreSQL keeps numbers as
    decimals, so 1e+300 comes back as the whole number that it is."""
    if isinstance(one, bool) or isinstance(other, bool) or one is None or other is None:
        return one is other
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return _plain(one) == _plain(other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    return type(one) is type(other) and bool(one == other)


def _plain(number: float) -> Decimal:
    assert not isinstance(number, float) or math.isfinite(number)
    return Decimal(repr(number))
