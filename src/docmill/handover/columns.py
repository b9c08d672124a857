"""Columns of results: names, kinds and how many decimals they need; cells are plain Python values.

`values` and `documents` make rows for them; `csvfile`, `parquet` and `database` write them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Kind = Literal["text", "number", "whole", "date", "time", "boolean"]
Cell = str | Decimal | int | date | datetime | bool | None
Row = tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """One column; `number` is decimal, exact to the last digit."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Digits:
    """How many digits a column of numbers needs before and after the point."""

    before: int = 1
    after: int = 0

    def with_number(self, number: Decimal) -> "Digits":
        """Room for one more number."""
        _, digits, exponent = number.as_tuple()
        places = exponent if isinstance(exponent, int) else 0
        return Digits(
            max(self.before, len(digits) + places), max(self.after, -places if digits else 0)
        )


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table of results that can be gone through more than once, and never is in memory whole."""

    name: str
    """`values` or `documents`; the name of its files."""
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    """Columns that tell its rows apart."""
    run: str
    """The run's key, which stands in each row."""
    rows: Callable[[], Iterator[Row]]
    """Makes the rows anew each time it is called."""

    def digits(self) -> dict[str, Digits]:
        """What each column of numbers needs; goes through all rows."""
        needed = {each.name: Digits() for each in self.columns if each.kind == "number"}
        at = [(i, each.name) for i, each in enumerate(self.columns) if each.kind == "number"]
        for row in self.rows():
            for index, name in at:
                cell = row[index]
                if isinstance(cell, Decimal) and cell.is_finite():
                    needed[name] = needed[name].with_number(cell)
        return needed


def laid_out(columns: Iterable[Column], cells: Mapping[str, Cell]) -> Row:
    """A row from cells by name; what isn't there is empty."""
    return tuple(cells.get(column.name) for column in columns)
