"""One phone number in all its spellings: finding it in text and JSON, and taking it out."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Any

import phonenumbers
from django.db.models import F, TextField, Value
from django.db.models.functions import Cast, Coalesce, Concat
from phonenumbers import NumberParseException, PhoneNumberFormat

ERASED = "[erased]"
# What people put between digits, also several at once.
_BETWEEN = r"[-\s().,/\u00a0\u2010-\u2015\u2212]{0,3}"


class Mention:
    """A number and whatever means it: `+31 6 12345678`, `0031612345678`, `+31 (0)6-12345678`, `06 12 34 56 78`.

    Args:
        number: E.164.
    """

    def __init__(self, number: str) -> None:
        self.number = number

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(self.regex)

    @cached_property
    def regex(self) -> str:
        """The expression, for Python and PostgreSQL alike. Digits beside it would make it another number."""
        try:
            parsed = phonenumbers.parse(self.number)
        except NumberParseException:  # no country has this code: it is written in one way only
            return rf"(?<![0-9])(?:\+|00)?{_BETWEEN}{_spaced(_digits(self.number))}(?![0-9])"
        code, own = str(parsed.country_code), phonenumbers.national_significant_number(parsed)
        national = _digits(phonenumbers.format_number(parsed, PhoneNumberFormat.NATIONAL))
        abroad = rf"(?:\+|00)?{_BETWEEN}{_spaced(code)}{_BETWEEN}(?:\(0\))?{_BETWEEN}{_spaced(own)}"
        return rf"(?<![0-9])(?:{abroad}|{_spaced(national)})(?![0-9])"

    def is_in(self, value: Any) -> bool:
        """Whether text, or JSON at any depth, keys included, holds the number."""
        if isinstance(value, str):
            return self.pattern.search(value) is not None
        if isinstance(value, dict):
            return any(self.is_in(key) or self.is_in(each) for key, each in value.items())
        if isinstance(value, list | tuple):
            return any(self.is_in(each) for each in value)
        return isinstance(value, int) and not isinstance(value, bool) and self.is_in(str(value))

    def without(self, value: Any) -> Any:
        """The same text or JSON with `[erased]` in place of the number."""
        if isinstance(value, str):
            return self.pattern.sub(ERASED, value)
        if isinstance(value, dict):
            return {self.without(key): self.without(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [self.without(each) for each in value]
        return ERASED if self.is_in(value) else value

    def rows(self, queryset: Any, *fields: str) -> Any:
        """The rows of which one of these columns, text or JSON, holds the number. PostgreSQL reads each of them once."""
        text: Any = Value("", output_field=TextField())
        for field in fields:
            told = Coalesce(Cast(F(field), TextField()), Value(""), output_field=TextField())
            text = Concat(text, Value("\n"), told, output_field=TextField())
        return queryset.annotate(mention_text=text).filter(mention_text__regex=self.regex)


def _digits(text: str) -> str:
    return "".join(mark for mark in text if mark.isdigit())


def _spaced(digits: str) -> str:
    return _BETWEEN.join(digits)
