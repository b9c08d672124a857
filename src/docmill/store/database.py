"""Opens the store's database: SQLite in a folder, or PostgreSQL where a URL says so.

`sqlite` and `postgres` know the ways of either, `formats` the tables and how they change,
`patience` what happens when the connection is lost. Errors that a user can mend are plain words.
"""

import zlib
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, Table, event, select
from sqlalchemy.engine import ExceptionContext

from docmill.errors import PrerequisiteError
from docmill.store import formats, postgres, schema, sqlite
from docmill.store.patience import Patience, StoreLostError, engaged


def open_database(folder: Path, url: str | None = None) -> Engine:
    """The engine of a workspace's store, its tables made, or brought to this docmill's format.

    Without `url` it is the file `store.db` in `folder`, else the PostgreSQL database it names.

    Raises:
        PrerequisiteError: the folder or the database can't be reached or written, the disk is full,
            or the store was made by a later version of docmill.
    """
    engine = postgres.make_engine(url) if url else sqlite.make_engine(folder)
    Patience.attach(engine)
    event.listen(engine, "handle_error", _explain)
    try:
        with engine.connect() as connection:
            if not formats.is_current(connection):
                connection.rollback()
                with locked(connection, "format"):
                    formats.bring_up(connection, keep=None if url else sqlite.keep_copy)
    except BaseException:
        engine.dispose()
        raise
    return engine


def place_of(engine: Engine) -> str:
    """Where the store is, for messages: its file, or its server and database without password."""
    return postgres.place_of(engine) if is_postgres(engine) else str(engine.url.database)


def is_postgres(engine: Engine) -> bool:
    """Whether it is PostgreSQL, which several machines can share."""
    return engine.dialect.name == "postgresql"


def generation(engine: Engine) -> str:
    """Random name of this database; a store that was deleted and made again has another."""
    with engine.connect() as connection:
        query = select(schema.meta.c.value).where(schema.meta.c.key == "generation")
        return str(connection.execute(query).scalar_one())


@contextmanager
def exclusive(engine: Engine, *name: str | int) -> Generator[Connection]:
    """A transaction that no other process is in under the same name; committed at the end.

    What is read in it is as the last one under that name has left it. SQLite knows one name only.
    Transactions that ask for no name go on beside it: see `hold`.
    """
    with engine.connect() as connection, locked(connection, *name):
        yield connection


@contextmanager
def locked(connection: Connection, *name: str | int) -> Generator[None]:
    """As `exclusive`, on a connection that is in no transaction."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    else:
        connection.exec_driver_sql(lock_statement(*name))
    yield
    connection.commit()


def lock_statement(*name: str | int) -> str:
    """PostgreSQL's way to be alone under a name until the transaction's end."""
    number = zlib.crc32(repr(name).encode()) - 2**31
    return f"SELECT pg_advisory_xact_lock(hashtext(current_schema()), {number})"


def hold(connection: Connection, table: Table) -> None:
    """Until the transaction's end nobody writes to a table; those who were at it have finished."""
    if connection.dialect.name != "sqlite":
        connection.exec_driver_sql(f"LOCK TABLE {table.name} IN SHARE MODE")


def explained(engine: Engine, cause: BaseException) -> PrerequisiteError | None:
    """What the user can mend, of an error of the driver; None if it isn't of that kind."""
    if not is_postgres(engine):
        return sqlite.explained(cause)
    if postgres.is_lost(cause):
        return StoreLostError(engaged(engine), place=place_of(engine), cause=cause)
    return postgres.explained(cause)


def _explain(context: ExceptionContext) -> None:
    if context.engine is None:
        return
    error = explained(context.engine, context.original_exception)
    if error is not None:
        raise error from context.original_exception
