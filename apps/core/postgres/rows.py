"""Whole rows of several models by one hand-written statement.

Its text is made once. Django makes its own anew for each query, which for wide joins takes longer than the database's answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from django.db import connection
from django.db.models import Model


class Rows:
    """A statement with `{alias}` where all columns of an alias belong."""

    def __init__(self, statement: str, **models: type[Model]) -> None:
        """Args: models: by alias, in the order in which the statement names them."""
        self._statement, self._models = statement, models

    def read(self, params: Mapping[str, Any]) -> list[list[Any]]:
        """For each row an instance per alias, None where an outer join found nothing."""
        with connection.cursor() as cursor:
            cursor.execute(self._text, params)
            return [self._made(row) for row in cursor.fetchall()]

    @cached_property
    def _text(self) -> str:
        return self._statement.format(**{
            alias: ", ".join(f'{alias}."{field.column}"' for field in model._meta.concrete_fields)
            for alias, model in self._models.items()
        })  # fmt: skip

    @cached_property
    def _parts(self) -> list[tuple[type[Model], list[str], list[tuple[int, Any]], int]]:
        """Of each model: its fields' names, which of them are read by a converter, and where the id is."""
        parts = []
        for model in self._models.values():
            fields = model._meta.concrete_fields
            readers = [(place, field.from_db_value) for place, field in enumerate(fields) if hasattr(field, "from_db_value")]
            parts.append((model, [field.attname for field in fields], readers, fields.index(model._meta.pk)))
        return parts

    def _made(self, row: tuple[Any, ...]) -> list[Any]:
        found: list[Any] = []
        start = 0
        for model, names, readers, pk in self._parts:
            values = list(row[start : start + len(names)])
            start += len(names)
            if values[pk] is None:
                found.append(None)
                continue
            for place, reader in readers:
                values[place] = reader(values[place], None, connection)
            found.append(model.from_db(connection.alias, names, values))
        return found
