"""What the commands print: data to stdout, talk to stderr, plain wherever no person reads.

Text that comes from documents is printed without control characters: a terminal obeys them.
Imports nothing heavy; tables stand in `tables`.
"""

import json
import os
import re
import sys
from collections.abc import Callable
from typing import Any

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
    """The answer as JSON."""
    put(json.dumps(data, indent=2, ensure_ascii=False, default=str))


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
