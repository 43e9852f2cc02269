"""Migration operations: row-level security for a table, links that stay inside one tenant, SQL files."""

from pathlib import Path
from typing import Any

from django.db.migrations.operations.base import Operation

POLICIES = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} FOR ALL
    USING      ({nobody}{column} = ANY ((SELECT tenant_ids())::uuid[]))
    WITH CHECK ({nobody}{column} = ANY ((SELECT tenant_ids())::uuid[]));
CREATE POLICY overview ON {table} FOR SELECT USING ((SELECT current_setting('app.overview', true)) = 'on');
CREATE POLICY operator ON {table} FOR ALL
    USING      ((SELECT current_setting('app.operator', true)) = 'on')
    WITH CHECK ((SELECT current_setting('app.operator', true)) = 'on');
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO switchboard_app;
"""
UNDO = """
DROP POLICY tenant ON {table}; DROP POLICY overview ON {table}; DROP POLICY operator ON {table};
ALTER TABLE {table} DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
"""
APPEND_ONLY = "REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM switchboard_app;"


class _Sql(Operation):
    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: Any) -> None:
        """The models do not change."""

    def forwards(self) -> str:
        raise NotImplementedError

    def backwards(self) -> str:
        return ""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        # Unique constraints and foreign keys may wait in deferred_sql: they are needed now.
        while schema_editor.deferred_sql:
            schema_editor.execute(schema_editor.deferred_sql.pop(0), None)
        schema_editor.execute(self.forwards(), params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if sql := self.backwards():
            schema_editor.execute(sql, params=None)


class Isolate(_Sql):
    """Row-level security for a tenant's table: tenant, overview, operator.

    Args:
        table: the table's name.
        column: the column that holds the organization's id.
        shared: rows without organization belong to nobody and show to every scope.
        append_only: the application's role may only read and insert.
    """

    def __init__(self, table: str, column: str = "organization_id", shared: bool = False, append_only: bool = False):
        self.table, self.column, self.shared, self.append_only = table, column, shared, append_only

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return (
            self.__class__.__name__,
            [self.table],
            {
                "column": self.column,
                "shared": self.shared,
                "append_only": self.append_only,
            },
        )

    def forwards(self) -> str:
        nobody = f"{self.column} IS NULL OR " if self.shared else ""
        sql = POLICIES.format(table=self.table, column=self.column, nobody=nobody)
        return sql + (APPEND_ONLY.format(table=self.table) if self.append_only else "")

    def backwards(self) -> str:
        return UNDO.format(table=self.table)

    def describe(self) -> str:
        return f"Isolate {self.table}"


class SameOwner(_Sql):
    """Keep a link inside one tenant: the foreign key carries the organization with it.

    Args:
        table, column: where the link is.
        target: the table it points to, whose `(id, organization_id)` becomes unique.
        on_delete: what PostgreSQL does with the link, e.g. `SET NULL (assistant_id)`.
    """

    def __init__(self, table: str, column: str, target: str, on_delete: str = "NO ACTION"):
        self.table, self.column, self.target, self.on_delete = table, column, target, on_delete

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.table, self.column, self.target], {"on_delete": self.on_delete}

    def forwards(self) -> str:
        unique = f"{self.target}_one_owner"
        return f"""
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conname = '{unique}') THEN
        ALTER TABLE {self.target} ADD CONSTRAINT {unique} UNIQUE (id, organization_id);
    END IF;
END $$;
ALTER TABLE {self.table} ADD CONSTRAINT {self.table}_{self.column}_same_owner
    FOREIGN KEY ({self.column}, organization_id) REFERENCES {self.target} (id, organization_id)
    ON DELETE {self.on_delete} DEFERRABLE INITIALLY DEFERRED;
"""

    def backwards(self) -> str:
        return f"ALTER TABLE {self.table} DROP CONSTRAINT {self.table}_{self.column}_same_owner;"

    def describe(self) -> str:
        return f"Keep {self.table}.{self.column} inside one organization"


class SqlFile(_Sql):
    """Run a reviewed `.sql` file that stands beside the app's code."""

    def __init__(self, path: str):
        self.path = path

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return self.__class__.__name__, [self.path], {}

    def forwards(self) -> str:
        return (Path(__file__).resolve().parents[3] / self.path).read_text(encoding="utf-8")

    def describe(self) -> str:
        return f"Run {self.path}"
