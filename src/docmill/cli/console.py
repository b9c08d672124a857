"""What the commands print: data to stdout, talk to stderr, plain wherever no person reads.

Text that comes from documents is printed without control characters: a terminal obeys them.
Imports nothing heavy; tables stand in `tables`.
"""

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, cast

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


def debugging() -> bool:
    """Whether errors are to be shown with their traceback."""
    return os.environ.get("DOCMILL_DEBUG", "") not in ("", "0", "false", "no", "off")


def inert(text: str) -> str:
    """The text with control and direction characters replaced, so that it can only be read."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)


def put(text: str = "") -> None:
    """A line of the answer."""
    _while_read(lambda: sys.stdout.write(f"{text}\n"))


def put_json(data: Any) -> None:
    """The answer as JSON; a list that is given as an iterator is written one item at a time."""
    for piece in _pieces(data):
        _while_read(partial(sys.stdout.write, piece))
    put()


def _pieces(data: Any) -> Iterator[str]:
    """What `json.dumps` would make of it at once; iterators stand among the values of `data`."""
    if not isinstance(data, dict):
        yield _json(data)
        return
    before = "{"
    for key, value in cast("dict[str, Any]", data).items():
        yield f"{before}\n  {_json(key)}: "
        if isinstance(value, Iterator):
            yield from _items(cast("Iterator[Any]", value))
        else:
            yield _json(value, indent=2)
        before = ","
    yield "{}" if before == "{" else "\n}"


def _items(items: Iterator[Any]) -> Iterator[str]:
    before = "["
    for item in items:
        yield f"{before}\n    {_json(item, indent=4)}"
        before = ","
    yield "[]" if before == "[" else "\n  ]"


def _json(data: Any, *, indent: int = 0) -> str:
    text = json.dumps(data, indent=2, ensure_ascii=False, default=str)
    return text.replace("\n", "\n" + " " * indent)


def talk(text: str = "") -> None:
    """A line for the person at the terminal."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def flush() -> None:
    """Hand the answer over; who has stopped reading (`| head`) doesn't turn it into an error."""
    _while_read(sys.stdout.flush)


def _while_read(write: Callable[[], Any]) -> None:
    try:
        write()
    except BrokenPipeError:
        # Whatever is still to be written, also by the interpreter at its end, goes nowhere.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
