"""The format of a store: its tables made, or brought from an older format to this one's.

`schema` has the tables as they are now, `migrations` what changed since. Everything happens in one
transaction under a lock, so that a process that is killed leaves the store as it was.
"""

import secrets
from collections.abc import Callable

from sqlalchemy import Connection, insert, inspect, select, update

from docmill.errors import PrerequisiteError
from docmill.store import schema

KeepCopy = Callable[[Connection, int], None]


def found_format(connection: Connection) -> str | None:
    """The format as the store names it; None for an empty database."""
    return _format(connection, _tables(connection))


def is_current(connection: Connection) -> bool:
    """Whether nothing is to be done.

    Raises:
        PrerequisiteError: a later docmill has made it, or it is no store of docmill's at all.
    """
    tables = _tables(connection)
    found = _format(connection, tables)
    if found is not None and (not found.isdigit() or int(found) > schema.VERSION):
        raise PrerequisiteError(
            f"The store has format {found}; this docmill reads format {schema.VERSION}.",
            remedy="Use the docmill that wrote it, or give the workspace another store "
            "(move .docmill/store.db away, or change DOCMILL_DATABASE_URL).",
        )
    ours = schema.metadata.tables.keys()
    strangers = sorted(ours & tables)
    if found is None and strangers and connection.dialect.name != "sqlite":
        raise PrerequisiteError(
            f"The database holds a table `{strangers[0]}` of another program.",
            remedy="Give docmill a database or a schema of its own in DOCMILL_DATABASE_URL.",
        )
    return found == str(schema.VERSION) and ours <= tables


def bring_up(connection: Connection, *, keep: KeepCopy | None) -> None:
    """Make the tables that are missing and change those that are older; the lock is held.

    `keep` copies the store before anything is changed.
    """
    if is_current(connection):
        return  # somebody else was faster
    found = found_format(connection)
    if found is not None and int(found) < schema.VERSION:
        # Takes long to import, and is needed once in the life of a store.
        from docmill.store.migrations import upgrade

        if keep is not None:
            keep(connection, int(found))
        upgrade(connection, int(found))
    schema.metadata.create_all(connection)
    if found is None:
        rows = {"version": str(schema.VERSION), "generation": secrets.token_hex(8)}
        values = [{"key": key, "value": value} for key, value in rows.items()]
        connection.execute(insert(schema.meta), values)
    else:
        version = update(schema.meta).where(schema.meta.c.key == "version")
        connection.execute(version.values(value=str(schema.VERSION)))


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def _format(connection: Connection, tables: set[str]) -> str | None:
    if schema.meta.name not in tables:
        return None
    query = select(schema.meta.c.value).where(schema.meta.c.key == "version")
    found = connection.execute(query).scalar()
    return None if found is None else str(found)
