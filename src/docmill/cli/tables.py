"""Tables for people, aligned; on a terminal with bold headers and the last column wrapped.

On a pipe they are plain text, a line for a row, however long.
"""

import sys
from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from docmill.cli.console import inert, put

LEAST_WRAPPED = 24
"""Columns below which a table's last column isn't wrapped: it would read like a ribbon."""
NAME_WIDTH = 44
"""Columns a document's name gets on a terminal; of a longer one the end is shown."""


def put_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on stdout; without headers if all of them are empty."""
    screen = terminal(sys.stdout)
    room = screen.width if screen.is_terminal else 0
    shown = [[inert(cell) for cell in row] for row in rows]
    if room:
        shown = [[shortened(row[0]), *row[1:]] for row in shown]
    widths = [
        max([cell_len(headers[column]), *(cell_len(row[column]) for row in shown)])
        for column in range(len(headers))
    ]
    if any(headers):
        put(_bold(_line(headers, widths), screen))
    rest = room - sum(widths[:-1]) - 2 * (len(widths) - 1)
    for row in shown:
        for line in _wrapped(row, rest if rest >= LEAST_WRAPPED else 0):
            put(_line(line, widths))


def shortened(name: str) -> str:
    """A document's name for a terminal: printable, and not longer than `NAME_WIDTH`."""
    name = inert(name)
    return name if len(name) <= NAME_WIDTH else f"…{name[1 - NAME_WIDTH :]}"


def terminal(stream: TextIO) -> Console:
    """A rich console that never wraps, and colours only where a person looks."""
    return Console(file=stream, highlight=False, soft_wrap=True, emoji=False, markup=False)


def _bold(line: str, screen: Console) -> str:
    with screen.capture() as captured:
        screen.print(Text(line, style="bold"), end="")
    return captured.get()


def _wrapped(row: Sequence[str], width: int) -> list[list[str]]:
    if not width or cell_len(row[-1]) <= width:
        return [list(row)]
    folded = Text(row[-1]).wrap(Console(width=width), width)
    lines = [line.plain.rstrip() for line in folded]
    blank = [""] * (len(row) - 1)
    return [[*(row[:-1] if index == 0 else blank), line] for index, line in enumerate(lines)]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()
