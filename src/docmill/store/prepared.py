"""Statements that every document makes, made once by SQLAlchemy and run by the driver itself.

SQLAlchemy takes several times longer to bring such a statement to the driver than SQLite takes to
run it. Whatever is asked for once a run goes the usual way; errors are the same in both.
"""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import ClauseElement, Engine
from sqlalchemy.engine.interfaces import DBAPICursor
from sqlalchemy.exc import DBAPIError

from docmill.store.database import explained, is_postgres, lock_statement
from docmill.store.patience import StoreLostError

Values = Mapping[str, Any]
_NAMED: Any = DBAPIError.instance


class Prepared:
    """One statement in the words of an engine's driver; its values are given by name."""

    def __init__(
        self, engine: Engine, statement: ClauseElement, columns: Sequence[str] | None = None
    ) -> None:
        """`columns`: those an insert or update sets, where not all."""
        compiled: Any = statement.compile(dialect=engine.dialect, column_keys=columns)
        self._text = str(compiled)
        self._order: Sequence[str] | None = compiled.positiontup
        self._constants: dict[str, Any] = {
            name: value for name, value in compiled.params.items() if value is not None
        }

    def run(self, cursor: DBAPICursor, values: Values) -> DBAPICursor:
        """Run it once; returns the cursor, for reading."""
        cursor.execute(self._text, self._placed(values))
        return cursor

    def run_many(self, cursor: DBAPICursor, rows: Sequence[Values]) -> None:
        """Run it for each row."""
        if len(rows) == 1:
            self.run(cursor, rows[0])
            return
        cursor.executemany(self._text, [self._placed(row) for row in rows])

    def _placed(self, values: Values) -> Any:
        given = {**self._constants, **values} if self._constants else values
        return given if self._order is None else tuple([given[name] for name in self._order])


@contextmanager
def transaction(engine: Engine) -> Generator[DBAPICursor]:
    """A cursor on a connection of the engine's pool; committed at the end, unless that fails.

    Raises:
        sqlalchemy.exc.DBAPIError: what the driver raised, as SQLAlchemy names it.
        StoreLostError: the server was away: see `patience`.
        PrerequisiteError: the disk is full or can't be written.
    """
    connection = None
    driver: Any = engine.dialect.loaded_dbapi
    try:
        connection = engine.raw_connection()
        yield connection.cursor()
        connection.commit()
    except driver.Error as error:
        named: Any = _NAMED(None, None, error, driver.Error, dialect=engine.dialect)
        known = explained(engine, error)
        if connection is not None and isinstance(known, StoreLostError):
            connection.invalidate(error)
        raise known or named from error
    finally:
        if connection is not None:
            connection.close()  # rolls back what isn't committed


@contextmanager
def exclusive_transaction(engine: Engine, *name: str | int) -> Generator[DBAPICursor]:
    """As `transaction`, and as `database.exclusive` alone under a name."""
    with transaction(engine) as cursor:
        cursor.execute(lock_statement(*name) if is_postgres(engine) else "BEGIN IMMEDIATE")
        yield cursor
