"""Does somebody ask not to be called again? By the words of a turn, or by the key pressed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from apps.calls.models import CallingRules
from apps.calls.opt_out_phrases import NEGATIONS, PHRASES

LANGUAGES = tuple(PHRASES)
MOST_PHRASES, LONGEST_PHRASE = 200, 100
KEYS = "0123456789*#"

_WORD = re.compile(r"\w+")
_CLAUSE = re.compile(r"[.,!?;:…–—]")
_SENTENCE = re.compile(r"[.!?;…]")
_APOSTROPHE = re.compile(r"['’‘ʼ`´]")


@dataclass(frozen=True)
class _Words:
    """A text as plain words; which of them stand first in their clause, and in their sentence."""

    words: list[str]
    clauses: list[bool]
    sentences: list[bool]


def phrases_of(rules: CallingRules) -> dict[str, list[str]]:
    """By language: what the organization wrote, else what is shipped."""
    chosen: Mapping[str, Any] = rules.opt_out_phrases or {}
    return {language: list(chosen.get(language, shipped)) for language, shipped in PHRASES.items()}


def wants_no_calls(text: str, phrases: Iterable[str]) -> bool:
    """Whether one of the phrases is said in a turn of the other side.

    Case, accents, apostrophes and commas do not matter; only whole words of one sentence match. A negation right before
    the phrase and in its clause turns it round ("don't stop calling"); what is further away is not understood: a call
    too few is better than one too many.
    """
    said = _read(text)
    return any(_is_said(said, _read(phrase).words) for phrase in phrases)


def _is_said(said: _Words, phrase: list[str]) -> bool:
    size = len(phrase)
    for at in range(len(said.words) - size + 1) if size else ():
        if said.words[at : at + size] != phrase or any(said.sentences[at + 1 : at + size]):
            continue
        if at == 0 or said.clauses[at] or said.words[at - 1] not in NEGATIONS:
            return True
    return False


def _read(text: str) -> _Words:
    plain = unicodedata.normalize("NFKD", _APOSTROPHE.sub("", text).casefold())
    plain = "".join(mark for mark in plain if not unicodedata.combining(mark))
    read, last = _Words([], [], []), 0
    for found in _WORD.finditer(plain):
        read.words.append(found[0])
        read.clauses.append(bool(_CLAUSE.search(plain, last, found.start())))
        read.sentences.append(bool(_SENTENCE.search(plain, last, found.start())))
        last = found.end()
    return read
