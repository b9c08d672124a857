"""Results as Parquet by pyarrow, which is an extra: typed columns, numbers as exact decimals.

The only module that imports pyarrow. Holds one group of rows at a time.
"""

import importlib
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

from docmill.errors import PrerequisiteError
from docmill.handover.columns import Cell, Column, Digits, Row, Sheet

GROUP = 5_000
"""Rows written at once."""
NARROW, WIDE = 38, 76
"""Digits that a decimal of 128 and one of 256 bits holds."""


def require_parquet() -> None:
    """Find the library before anything is spent.

    Raises:
        PrerequisiteError: it isn't installed.
    """
    _library()


def write_parquet(sheet: Sheet, path: Path) -> int:
    """Write the file; returns the number of its rows.

    A column of numbers is a decimal with as many places as its longest number has; one that no
    decimal of Parquet holds is written as text.
    """
    pyarrow, parquet = _library(), importlib.import_module("pyarrow.parquet")
    digits = sheet.digits()
    schema = pyarrow.schema(
        [(column.name, _type(pyarrow, column, digits)) for column in sheet.columns]
    )
    written = 0
    with parquet.ParquetWriter(path, schema) as writer:
        for rows in _groups(sheet.rows()):
            columns = [
                pyarrow.array([_fitting(row[index], field.type) for row in rows], type=field.type)
                for index, field in enumerate(schema)
            ]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
            written += len(rows)
    return written


def _library() -> Any:
    try:
        return importlib.import_module("pyarrow")
    except ModuleNotFoundError:
        raise PrerequisiteError(
            "Results as Parquet need a package that isn't installed.",
            remedy="Install it: pip install 'docmill[parquet]'",
        ) from None


def _type(pyarrow: Any, column: Column, digits: dict[str, Digits]) -> Any:
    match column.kind:
        case "number":
            needed = digits[column.name]
            precision = needed.before + needed.after
            if precision > WIDE:
                return pyarrow.string()
            make = pyarrow.decimal128 if precision <= NARROW else pyarrow.decimal256
            return make(NARROW if precision <= NARROW else WIDE, needed.after)
        case "whole":
            return pyarrow.int64()
        case "date":
            return pyarrow.date32()
        case "time":
            return pyarrow.timestamp("us", tz="UTC")
        case "boolean":
            return pyarrow.bool_()
        case "text":
            return pyarrow.string()


def _fitting(cell: Cell, kind: Any) -> Cell:
    if isinstance(cell, Decimal) and str(kind) == "string":
        return str(cell)
    return cell


def _groups(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while group := list(islice(rows, GROUP)):
        yield group
