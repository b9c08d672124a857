"""Puts a bundle's rows into a store of its own, in a temporary folder, to be read like any other.

Every row is held against the table's columns first; what isn't the run's is refused.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError
from sqlalchemy import Boolean, Column, Engine, Integer, Table, create_engine, insert
from sqlalchemy.exc import SQLAlchemyError

from docmill.bundle import form
from docmill.bundle.form import Manifest
from docmill.bundle.opening import Archive, BundleError
from docmill.errors import RunNotFoundError
from docmill.store.runs import run_number
from docmill.store.schema import metadata

AT_ONCE = 500
_ABSURD = re.compile(rb'"-?[\d.]+[eE][+-]?\d{4,}\\*"')
"""A number whose digits, written out, would fill the memory."""
_MOST = 1 << 63


def read_manifest(archive: Archive) -> Manifest:
    """What the bundle says of itself.

    Raises:
        BundleError: it has no manifest, or one of another format.
    """
    try:
        return Manifest.model_validate_json(archive.read(form.MANIFEST))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise BundleError(
            f"The manifest isn't one of {form.FORMAT}: {where}: {first['msg']}.",
            remedy="Verify it with the docmill that exported it, or a newer one.",
        ) from error


def number_of_run(manifest: Manifest) -> int:
    """The run's number.

    Raises:
        BundleError: it has none.
    """
    try:
        number = run_number(manifest.run)
    except RunNotFoundError as error:
        raise BundleError(error.message) from error
    if not 0 <= number < _MOST:
        raise BundleError(f"{manifest.run[:40]!r} is no run.")
    return number


def load(archive: Archive, number: int, folder: Path) -> Engine:
    """A store in `folder` with the rows of the bundle; dispose of it.

    Raises:
        BundleError: a row isn't one of its table.
    """
    engine = create_engine(f"sqlite:///{folder / 'store.db'}")
    metadata.create_all(engine)
    try:
        for name, table in form.TABLES.items():
            if name not in archive:
                raise BundleError(f"{name} isn't in the bundle.")
            try:
                _load_table(engine, archive, name, table, number)
            except SQLAlchemyError as error:
                why = str(error.__cause__)[:200]
                raise BundleError(f"{name} can't be read: {why}.") from error
    except BundleError:
        engine.dispose()
        raise
    return engine


def _load_table(engine: Engine, archive: Archive, name: str, table: Table, number: int) -> None:
    rows: list[dict[str, Any]] = []
    with engine.begin() as connection:
        for row in _rows(archive, name, table, number):
            rows.append(row)
            if len(rows) >= AT_ONCE:
                connection.execute(insert(table), rows)
                rows = []
        if rows:
            connection.execute(insert(table), rows)


def _rows(archive: Archive, name: str, table: Table, number: int) -> Iterator[dict[str, Any]]:
    own = {"runs": "number", "documents": "run", "origins": "run"}.get(table.name)
    for place, text in enumerate(archive.lines(name), 1):
        try:
            row: object = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise BundleError(f"{name}:{place} is no JSON.") from error
        if not isinstance(row, dict):
            raise BundleError(f"{name}:{place} is no row.")
        fields = cast("dict[str, Any]", row)
        columns = {column.name: column for column in table.columns}
        if fields.keys() != columns.keys():
            odd = sorted(fields.keys() ^ columns.keys())
            raise BundleError(f"{name}:{place} hasn't the columns of a row: {odd[0][:60]!r}.")
        for key, value in fields.items():
            if not _fits(columns[key], value):
                raise BundleError(f"{name}:{place}: {key!r} has no value of its kind.")
        if own and fields[own] != number:
            raise BundleError(f"{name}:{place} belongs to another run.")
        if _ABSURD.search(text):
            raise BundleError(f"{name}:{place} has a number with an absurd exponent.")
        yield fields


def _fits(column: Column[Any], value: object) -> bool:
    if value is None:
        return bool(column.nullable)
    if isinstance(column.type, Boolean):
        return isinstance(value, bool)
    if isinstance(column.type, Integer):
        return isinstance(value, int) and not isinstance(value, bool) and -_MOST < value < _MOST
    return isinstance(value, str)
