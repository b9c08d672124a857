"""Results as rows of a database's table by SQLAlchemy: made if missing, written in one transaction.

Rows are told apart by the run's key, the document and the path: handed over again, a run's rows
replace those it had, and those of other runs stay.
"""

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Engine,
    MetaData,
    Numeric,
    Table,
    Text,
    create_engine,
    delete,
    insert,
    inspect,
    text,
)
from sqlalchemy.engine import Dialect, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.schema import CreateTable
from sqlalchemy.types import String, TypeDecorator

from docmill.errors import PrerequisiteError
from docmill.handover.columns import Kind, Row, Sheet
from docmill.handover.sheets import RUN_KEY

GROUP = 1_000
"""Rows sent at once."""
KEY_LENGTH = 255
"""Characters of a column of the primary key, where a database wants to know."""

INEXACT = ("sqlite", "mysql", "mariadb")
"""Databases whose numbers lose digits unless told how many there will be."""


class ExactNumber(TypeDecorator[Decimal]):
    """NUMERIC with all its digits; text where the database has only binary floats."""

    impl = Numeric
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """The type in this database."""
        kind: Any = Text() if dialect.name in INEXACT else Numeric()
        return dialect.type_descriptor(kind)

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        """A number on its way there."""
        if value is None or dialect.name not in INEXACT:
            return value
        return format(value, "f")


_TYPES: dict[Kind, Any] = {
    "text": Text,
    "number": ExactNumber,
    "whole": BigInteger,
    "date": Date,
    "time": lambda: DateTime(timezone=True),
    "boolean": Boolean,
}


def open_engine(address: str, variable: str) -> Engine:
    """The database of an address; nothing is connected yet. `variable` is where the address stood.

    Raises:
        PrerequisiteError: it is no address, or its driver isn't installed.
    """
    try:
        url = make_url(address)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
        return create_engine(url, hide_parameters=True)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        wanted = "'docmill[postgres]'" if "psycopg" in str(error) else "the database's driver"
        raise PrerequisiteError(
            f"The database in {variable} can't be reached without a package: {error}.",
            remedy=f"Install it: pip install {wanted}",
        ) from None
    except ArgumentError:
        # what stands there may be a password
        raise PrerequisiteError(
            f"The variable {variable} holds no address of a database.",
            remedy=f"Set it: export {variable}=postgresql://USER@HOST/DATABASE",
        ) from None


def write_table(sheet: Sheet, engine: Engine, name: str) -> int:
    """Write a run's rows in one transaction; returns their number.

    Raises:
        sqlalchemy.exc.SQLAlchemyError: the database refused; nothing of the run was changed.
    """
    schema, _, plain = name.rpartition(".")
    table = _table(sheet, plain, schema or None)
    written = 0
    with engine.begin() as connection:
        _make(connection, table)
        connection.execute(delete(table).where(table.c[RUN_KEY] == sheet.run))
        rows = sheet.rows()
        names = [column.name for column in sheet.columns]
        while group := list(islice(rows, GROUP)):
            connection.execute(insert(table), list(_named(names, group)))
            written += len(group)
    return written


def _named(names: list[str], group: list[Row]) -> Iterator[dict[str, Any]]:
    for row in group:
        yield {
            name: cell.replace("\x00", "\ufffd") if isinstance(cell, str) else cell
            for name, cell in zip(names, row, strict=True)
        }


def _table(sheet: Sheet, name: str, schema: str | None) -> Table:
    columns = [
        Column(
            column.name,
            String(KEY_LENGTH).with_variant(Text(), "postgresql", "sqlite")
            if column.name in sheet.key
            else _TYPES[column.kind](),
            primary_key=column.name in sheet.key,
        )
        for column in sheet.columns
    ]
    return Table(name, MetaData(), *columns, schema=schema)


def _make(connection: Connection, table: Table) -> None:
    """Make the table; give one that is there the columns that it lacks."""
    looked = inspect(connection)
    if not looked.has_table(table.name, schema=table.schema):
        # Two runs may find it missing at once.
        safe = connection.dialect.name in ("postgresql", "sqlite", "mysql", "mariadb")
        connection.execute(CreateTable(table, if_not_exists=safe))
        return
    there = {column["name"] for column in looked.get_columns(table.name, schema=table.schema)}
    quote = connection.dialect.identifier_preparer
    for column in table.columns:
        if column.name not in there:
            kind = column.type.compile(connection.dialect)
            added = f"{quote.quote(column.name)} {kind}"
            connection.execute(text(f"ALTER TABLE {quote.format_table(table)} ADD COLUMN {added}"))
