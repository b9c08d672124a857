"""SQLite's own ways: one file with a write-ahead log, copied before its tables change."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from docmill.errors import PrerequisiteError

FILE = "store.db"
BUSY_MILLISECONDS = 15_000


def make_engine(folder: Path) -> Engine:
    """An engine for the file in a folder, which is made.

    Raises:
        PrerequisiteError: the folder can't be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise PrerequisiteError(
            f"The folder {folder} can't be written: {error.strerror}.",
            remedy="Make it writable, or set `state:` in docmill.yaml to another folder.",
        ) from error
    engine = create_engine(f"sqlite:///{folder / FILE}")
    event.listen(engine, "connect", _configure)
    return engine


def keep_copy(connection: Connection, found: int) -> None:
    """Copy the file as it is, beside it: `store.db.format-5`.

    Raises:
        PrerequisiteError: there is no room for it, or the folder can't be written.
    """
    file = Path(str(connection.engine.url.database))
    target = file.with_name(f"{FILE}.format-{found}")
    scratch = target.with_name(f"{target.name}.part")
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(scratch)) as copy:
            source.backup(copy)
        scratch.replace(target)
    except (OSError, sqlite3.Error) as error:
        raise PrerequisiteError(
            f"The store has format {found} and is to be upgraded, but {target} can't be "
            f"written: {error}.",
            remedy="Free some space in that folder, then do the same again.",
        ) from error
    finally:
        scratch.unlink(missing_ok=True)


def explained(cause: BaseException) -> PrerequisiteError | None:
    """What the user can mend, of an error of the driver; else None."""
    text = str(cause)
    if not isinstance(cause, sqlite3.OperationalError):
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
