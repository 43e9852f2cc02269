"""For whom the code acts. The connection tells the transaction, the policies believe only that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from django.db import connection


@dataclass(frozen=True)
class Scope:
    """The organizations whose rows may be seen and written.

    `overview` reads everyone's rows and writes only those of `organizations`;
    `operator` reads and writes all (the admin and management commands).
    """

    organizations: tuple[UUID, ...] = ()
    overview: bool = False
    operator: bool = False

    def settings(self) -> tuple[str, str, str]:
        """The three values of the transaction, in the order tenants, overview, operator."""
        tenants = "{" + ",".join(str(each) for each in self.organizations) + "}"
        return tenants, "on" if self.overview else "", "on" if self.operator else ""


_current: ContextVar[Scope | None] = ContextVar("scope", default=None)


def current() -> Scope | None:
    return _current.get()


@contextmanager
def acting(scope: Scope) -> Iterator[Scope]:
    """Act in `scope` for the length of the block.

    Raises RuntimeError inside an open transaction: half of its statements would
    have run for somebody else.
    """
    if in_transaction() and scope != _current.get():
        raise RuntimeError("the scope cannot change inside an open transaction")
    token = _current.set(scope)
    try:
        yield scope
    finally:
        _current.reset(token)


def in_transaction() -> bool:
    """Whether the application opened a transaction (the one a test case wraps around a test does not count)."""
    return any(not getattr(block, "_from_testcase", False) for block in connection.atomic_blocks)
