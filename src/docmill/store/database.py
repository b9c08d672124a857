"""Opens the database, SQLite with a write-ahead log; errors of the disk in plain words."""

import secrets
from pathlib import Path

from sqlalchemy import Engine, create_engine, event, insert, select, update
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import OperationalError

from docmill.errors import PrerequisiteError
from docmill.store import schema

BUSY_MILLISECONDS = 15_000


def open_database(folder: Path) -> Engine:
    """The engine of a workspace's store, its tables made if they are missing.

    Raises:
        PrerequisiteError: the folder can't be written, the disk is full, or the file was made by
            another version of docmill.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PrerequisiteError(
            f"The folder {folder} can't be written: {error.strerror}.",
            remedy="Make it writable, or set `state:` in docmill.yaml to another folder.",
        ) from error
    engine = create_engine(f"sqlite:///{folder / 'store.db'}")
    event.listen(engine, "connect", _configure)
    event.listen(engine, "handle_error", _explain)
    schema.metadata.create_all(engine)
    _check_version(engine)
    return engine


def generation(engine: Engine) -> str:
    """Random name of this database; a store that was deleted and made again has another."""
    with engine.connect() as connection:
        query = select(schema.meta.c.value).where(schema.meta.c.key == "generation")
        return str(connection.execute(query).scalar_one())


def _check_version(engine: Engine) -> None:
    with engine.begin() as connection:
        query = select(schema.meta.c.value).where(schema.meta.c.key == "version")
        found = connection.execute(query).scalar()
        if found is None:
            rows = {"version": str(schema.VERSION), "generation": secrets.token_hex(8)}
            statement = insert(schema.meta).prefix_with("OR IGNORE")
            connection.execute(
                statement, [{"key": key, "value": value} for key, value in rows.items()]
            )
        elif found.isdigit() and int(found) in schema.UPGRADED:
            version = update(schema.meta).where(schema.meta.c.key == "version")
            connection.execute(version.values(value=str(schema.VERSION)))
        elif found != str(schema.VERSION):
            raise PrerequisiteError(
                f"The store has format {found}; this docmill reads format {schema.VERSION}.",
                remedy="Use the docmill that wrote it, or move .docmill/store.db away.",
            )


def _configure(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    # With a write-ahead log NORMAL loses nothing to the death of a process; a power cut may take
    # the last transactions, never the file.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        f"busy_timeout={BUSY_MILLISECONDS}",
        "foreign_keys=ON",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def explained(named: object, cause: BaseException) -> PrerequisiteError | None:
    """What the user can mend, of an error as SQLAlchemy names it and of its cause; else None."""
    text = str(cause)
    if not isinstance(named, OperationalError):
        return None
    if "full" in text:
        return PrerequisiteError(
            "The disk of the store is full; what was stored is safe.",
            remedy="Free some space, then start the same run again: docmill run",
        )
    if "readonly" in text or "unable to open" in text:
        return PrerequisiteError(
            f"The store can't be written: {text}.",
            remedy="Check the permissions of the .docmill folder: docmill doctor",
        )
    return None


def _explain(context: ExceptionContext) -> None:
    error = explained(context.sqlalchemy_exception, context.original_exception)
    if error is not None:
        raise error from context.original_exception
