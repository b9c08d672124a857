"""What happens when the connection to the store is lost: wait, and do the same again.

For PostgreSQL, which may be restarted in mid-run; a file is never away. Knows nothing of tables:
that doing the same again changes nothing is up to those that use `enduring`.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import ParamSpec, TypeVar

from sqlalchemy import Engine

from docmill.errors import PrerequisiteError

P = ParamSpec("P")
R = TypeVar("R")

SECONDS = 120.0
LONGEST_PAUSE = 2.0
_OPTION = "docmill_patience"


def _silent(_sentence: str) -> None:
    """Says nothing."""


@dataclass(slots=True)
class Patience:
    """How long an engine's users wait for its server, and who is told that they do."""

    seconds: float = SECONDS
    tell: Callable[[str], None] = _silent

    @staticmethod
    def attach(engine: Engine) -> None:
        """Give an engine its own."""
        engine.update_execution_options(**{_OPTION: Patience()})


def engaged(engine: Engine) -> Patience:
    """The patience of an engine that `open_database` has made; it can be changed."""
    found: Patience = engine.get_execution_options()[_OPTION]
    return found


class StoreLostError(PrerequisiteError):
    """The server was away, or gave the transaction up for another: it may be tried again."""

    def __init__(self, patience: Patience, *, place: str, cause: BaseException) -> None:
        self.patience = patience
        self.place = place
        said = str(cause).strip().partition("\n")[0]
        super().__init__(
            f"The store at {place} can't be reached: {said}",
            remedy="Start PostgreSQL or mend DOCMILL_DATABASE_URL, then do the same again; "
            "what was stored is safe.",
        )


def enduring(function: Callable[P, R]) -> Callable[P, R]:
    """Does a piece of work on the store again if the connection was lost in it.

    The work has to be one transaction that may be repeated: where it was the commit that was cut
    off, nobody knows whether it took place, so what the second time finds may be its own doing.

    Raises (when called):
        StoreLostError: the server stayed away for longer than the engine's patience.
    """

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except StoreLostError as lost:
            first = lost
        patience = first.patience
        until = time.monotonic() + patience.seconds
        # At once first: a server that was restarted long ago has only cut a connection kept open.
        pause, told = 0.0, False
        while True:
            try:
                result = function(*args, **kwargs)
            except StoreLostError:
                if time.monotonic() + pause >= until:
                    raise
            else:
                if told:
                    patience.tell(f"The store at {first.place} answers again.")
                return result
            pause = min(2 * pause or 0.05, LONGEST_PAUSE)
            if pause > LONGEST_PAUSE / 10 and not told:
                told = True
                patience.tell(
                    f"The store at {first.place} is away; waiting for it, up to "
                    f"{patience.seconds:.0f} s."
                )
            time.sleep(pause)

    return call
