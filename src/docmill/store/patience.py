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
    """Does a piece of work on the store again if the connection was lost in it; see `endure`."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except StoreLostError as lost:
            return _outlast(lost, lambda _tries: function(*args, **kwargs))

    return call


def endure(work: Callable[[int], R]) -> R:
    """Do a piece of work on the store, and again if the connection was lost in it.

    It is given which try it is, from 1. The work has to be one transaction that may be repeated:
    where it was the commit that was cut off, nobody knows whether it took place, so what a later
    try finds may be the work's own doing.

    Raises:
        StoreLostError: the server stayed away for longer than the engine's patience.
    """
    try:
        return work(1)
    except StoreLostError as lost:
        return _outlast(lost, work)


def _outlast(lost: StoreLostError, work: Callable[[int], R]) -> R:
    patience = lost.patience
    until = time.monotonic() + patience.seconds
    # At once first: a server that was restarted long ago has only cut a connection kept open.
    tries, pause, told = 2, 0.0, False
    while True:
        try:
            result = work(tries)
        except StoreLostError:
            if time.monotonic() + pause >= until:
                raise
        else:
            if told:
                patience.tell(f"The store at {lost.place} answers again.")
            return result
        tries += 1
        pause = min(2 * pause or 0.05, LONGEST_PAUSE)
        if pause > LONGEST_PAUSE / 10 and not told:
            told = True
            seconds = f"{patience.seconds:.0f} s"
            patience.tell(f"The store at {lost.place} is away; waiting for it, up to {seconds}.")
        time.sleep(pause)
