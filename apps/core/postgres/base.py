"""Django's PostgreSQL backend, which tells each transaction for whom it acts.

Nothing is set per session: `set_config(..., true)` ends with the transaction, so pools, PgBouncer and
threads cannot carry one tenant's setting into another's work.
"""

from typing import Any

from django.db.backends.postgresql import base

from apps.core import scope

_SEND = "SELECT set_config('app.tenants', %s, true), set_config('app.overview', %s, true), set_config('app.operator', %s, true)"
_NOBODY = ("", "", "")
_NOTHING = object()


class DatabaseWrapper(base.DatabaseWrapper):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._sent: object = _NOTHING
        self.execute_wrappers.append(self._in_scope)

    def _in_scope(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        wanted = scope.current()
        if self.in_atomic_block or not self.autocommit:
            if wanted != self._sent and not self.needs_rollback and not (wanted is None and self._sent is _NOTHING):
                self._send(wanted)
            return execute(sql, params, many, context)
        if wanted is None:
            return execute(sql, params, many, context)
        self.ensure_connection()
        with self.connection.transaction():
            self._send(wanted)
            self._sent = _NOTHING
            return execute(sql, params, many, context)

    def _send(self, wanted: scope.Scope | None) -> None:
        with self.wrap_database_errors:
            self.connection.execute(_SEND, wanted.settings() if wanted else _NOBODY)
        self._sent = wanted

    def _commit(self) -> Any:
        self._sent = _NOTHING
        return super()._commit()

    def _rollback(self) -> Any:
        self._sent = _NOTHING
        return super()._rollback()

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)
        self._sent = _NOTHING

    def connect(self) -> None:
        self._sent = _NOTHING
        super().connect()
