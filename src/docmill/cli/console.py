"""What the commands print: data to stdout, talk to stderr, plain wherever no person reads.

Text that comes from documents is printed without control characters: a terminal obeys them.
"""

import json
import os
import re
import sys
from collections.abc import Sequence
from typing import Any, TextIO

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def debugging() -> bool:
    """Whether errors are to be shown with their traceback."""
    return os.environ.get("DOCMILL_DEBUG", "") not in ("", "0", "false", "no", "off")


def inert(text: str) -> str:
    """The text with control and direction characters replaced, so that it can only be read."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def put(text: str = "") -> None:
    """A line of the answer."""
    sys.stdout.write(f"{text}\n")


def put_json(data: Any) -> None:
    """The answer as JSON."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, default=str) + "\n")


def talk(text: str = "") -> None:
    """A line for the person at the terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def put_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Aligned columns on stdout; bold headers where a person looks."""
    shown = [[inert(cell) for cell in row] for row in rows]
    widths = [
        max([cell_len(headers[column]), *(cell_len(row[column]) for row in shown)])
        for column in range(len(headers))
    ]
    screen = terminal(sys.stdout)
    screen.print(Text(_line(headers, widths), style="bold"))
    for row in shown:
        screen.print(Text(_line(row, widths)))


def terminal(stream: TextIO) -> Console:
    """A rich console that never wraps, and colours only where a person looks."""
    return Console(file=stream, highlight=False, soft_wrap=True, emoji=False, markup=False)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()
