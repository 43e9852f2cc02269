"""The clock of the database, ours to set: every `clock_timestamp()` and every default of a column reads it."""

from __future__ import annotations

import datetime as dt
import os

import psycopg

_CLOCK = """
CREATE SCHEMA sim;
CREATE UNLOGGED TABLE sim.clock (at timestamptz NOT NULL);
INSERT INTO sim.clock VALUES ('2026-01-01T00:00:00Z');
CREATE FUNCTION sim.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT at FROM sim.clock';
CREATE FUNCTION sim.statement_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT at FROM sim.clock';
CREATE FUNCTION sim.now() RETURNS timestamptz LANGUAGE sql VOLATILE AS 'SELECT at FROM sim.clock';
GRANT USAGE ON SCHEMA sim TO PUBLIC;
GRANT SELECT ON sim.clock TO PUBLIC;
DO $$ DECLARE each record; BEGIN
    FOR each IN SELECT table_name, column_name FROM information_schema.columns
        WHERE table_schema = 'public' AND column_default ~ 'now\\(\\)|_timestamp\\(\\)|CURRENT_TIMESTAMP'
    LOOP
        EXECUTE format('ALTER TABLE public.%I ALTER COLUMN %I SET DEFAULT sim.statement_timestamp()', each.table_name, each.column_name);
    END LOOP;
END $$;
"""


class Clock:
    """The instant that all of the product takes for now. Nothing but `set` and `advance` moves it."""

    def __init__(self, start: dt.datetime) -> None:
        self._database = psycopg.connect(os.environ["DATABASE_OWNER_URL"], autocommit=True)
        self._database.execute(_CLOCK)
        name = self._database.execute("SELECT current_database()").fetchone()[0]  # type: ignore[index]
        # Ahead of pg_catalog, so that an unqualified name means ours; for the sessions that open from now on.
        self._database.execute(f'ALTER DATABASE "{name}" SET search_path = sim, pg_catalog, public')
        self.set(start)

    def set(self, now: dt.datetime) -> None:
        self.now = now
        self._database.execute("UPDATE sim.clock SET at = %s", [now])

    def advance(self, seconds: float) -> None:
        self.set(self.now + dt.timedelta(seconds=seconds))
