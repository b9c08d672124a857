"""PostgreSQL's own ways: its URL, its driver, and its errors by their codes.

The only module that imports psycopg, once there is a URL. A password is in no message of it.
"""

import logging
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError

from docmill.errors import PrerequisiteError

VARIABLE = "DOCMILL_DATABASE_URL"
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
CONNECT_SECONDS = 10
_SESSION = (
    # A process that hangs in the middle of a transaction must not stop the others for ever.
    "SET idle_in_transaction_session_timeout = '60s'",
    "SET lock_timeout = '60s'",
    "SET timezone = 'UTC'",
)
_AWAY = frozenset({"57P01", "57P02", "57P03", "57P05", "53300", "25P03"})
"""Shut down, crashed, starting up, idle for too long, too many connections."""
_ROLLED_BACK = frozenset({"40001", "40P01"})
"""The server has undone the transaction in favour of another; it is to be done again."""


def make_engine(url: str) -> Engine:
    """An engine for the database that a URL names; nothing is connected yet.

    Raises:
        PrerequisiteError: the URL can't be read, or the driver isn't installed.
    """
    parsed = read_url(url)
    query = {"connect_timeout": str(CONNECT_SECONDS), "application_name": "docmill"}
    parsed = parsed.set(query={**query, **parsed.query})
    try:
        engine = create_engine(parsed, hide_parameters=True)
    except ModuleNotFoundError:
        raise PrerequisiteError(
            f"{VARIABLE} names PostgreSQL, but its driver is not installed.",
            remedy="pip install 'docmill[postgres]'",
        ) from None
    event.listen(engine, "connect", _configure)
    # It warns of what it meets when it tidies up after an error, which is raised all the same.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    return engine


def read_url(url: str) -> URL:
    """A URL, with the driver that is used here.

    Raises:
        PrerequisiteError: it is none of PostgreSQL; the message doesn't repeat it.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise _refused() from None
    if parsed.drivername not in SCHEMES or not parsed.database:
        raise _refused()
    return parsed.set(drivername="postgresql+psycopg")


def place_of(engine: Engine) -> str:
    """`postgresql://user@host:5432/name`: everything but the password and the options."""
    url = engine.url
    bare = URL.create(
        "postgresql", url.username, host=url.host, port=url.port, database=url.database
    )
    return bare.render_as_string()


def is_lost(cause: BaseException) -> bool:
    """Whether the same may be tried again: the server was away, or has undone the transaction."""
    code = getattr(cause, "sqlstate", None)
    if code is None:
        return _named(cause, "OperationalError")
    return code in _AWAY or code in _ROLLED_BACK or str(code).startswith("08")


def explained(cause: BaseException) -> PrerequisiteError | None:
    """What the user can mend, of an error of the driver; else None."""
    code = str(getattr(cause, "sqlstate", None) or "")
    said = str(cause).strip().partition("\n")[0]
    if code == "53100":
        return PrerequisiteError(
            "The disk of the store's PostgreSQL is full; what was stored is safe.",
            remedy="Free some space there, then start the same run again: docmill run",
        )
    if code in ("42501", "25006", "3F000"):
        return PrerequisiteError(
            f"The store can't be written: {said}.",
            remedy=f"Let the user of {VARIABLE} create tables in the schema of its search_path.",
        )
    if code == "55P03":
        return PrerequisiteError(
            "Another process has kept the store locked for a minute.",
            remedy="See what it does (pg_stat_activity), then start the same again.",
        )
    return None


def _configure(connection: DBAPIConnection, _record: object) -> None:
    from psycopg.types.string import StrDumperUnknown

    class Cleaned(StrDumperUnknown):
        """Text as PostgreSQL takes it: it knows no NUL, which SQLite keeps."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\0", "\ufffd") if "\0" in obj else obj)

    driver: Any = connection
    driver.adapters.register_dumper(str, Cleaned)
    encoding = driver.info.parameter_status("server_encoding")
    if encoding != "UTF8":
        raise PrerequisiteError(
            f"The store's database keeps text as {encoding}; it has to be UTF8.",
            remedy="CREATE DATABASE docmill ENCODING 'UTF8' TEMPLATE template0",
        )
    cursor = connection.cursor()
    for statement in _SESSION:
        cursor.execute(statement)
    cursor.close()
    connection.commit()


def _named(cause: BaseException, name: str) -> bool:
    """Whether it is an error of the driver of that name, without importing the driver."""
    return any(
        kind.__name__ == name and kind.__module__.startswith("psycopg")
        for kind in type(cause).__mro__
    )


def _refused() -> PrerequisiteError:
    return PrerequisiteError(
        f"{VARIABLE} is no URL of a PostgreSQL database.",
        remedy=f"{VARIABLE}=postgresql://USER:PASSWORD@HOST:5432/DATABASE",
    )
