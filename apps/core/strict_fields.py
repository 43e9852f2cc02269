"""Fields of request bodies that take JSON at its word: a number is no text, "3" is no number, spaces belong to a text."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers


class Text(serializers.CharField):
    """A text as it was sent. Without `allow_blank` spaces alone are no text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(trim_whitespace=False, **options)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        if not self.allow_blank and not data.strip():
            self.fail("blank")
        return data


class Flag(serializers.BooleanField):
    def to_internal_value(self, data: Any) -> bool:
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Whole(serializers.IntegerField):
    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, int | float) or data != data // 1:
            self.fail("invalid")
        return int(data)


class Choice(serializers.ChoiceField):
    """One of the choices, of their type."""

    def to_internal_value(self, data: Any) -> Any:
        if not any(type(data) is type(each) and data == each for each in self.choices):
            self.fail("invalid_choice", input=str(data)[:60])
        return data


class Ident(serializers.UUIDField):
    """A UUID as text; Django REST framework takes whole numbers for one too."""

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid", value=str(data)[:60])
        return super().to_internal_value(data)
