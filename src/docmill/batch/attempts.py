"""An attempt at a document: made here, or by a shard; `job` doesn't know which.

`Here` runs the session in this process; `dealing` hands it to another one.
"""

from typing import Protocol

from docmill.batch.held import Held
from docmill.batch.observer import Observer
from docmill.errors import LimitError, PrerequisiteError, RunError
from docmill.plan import PlannedDocument
from docmill.session.bench import Workbench
from docmill.session.run import SessionEnd, run_session
from docmill.spec.agent import EMBEDDED


class Attempts(Protocol):
    """Whoever carries documents out."""

    async def carry_out(self, document: PlannedDocument, *, attempt: int) -> SessionEnd:
        """One attempt at a document; being cancelled, nothing more is spent on it.

        Raises:
            SessionError: it failed. RunError: the whole run has to stop.
        """
        ...


class Here:
    """Implements `Attempts` in this process."""

    def __init__(self, bench: Workbench, held: Held, observer: Observer) -> None:
        self._bench = bench
        self._held = held
        self._observer = observer

    async def carry_out(self, document: PlannedDocument, *, attempt: int) -> SessionEnd:
        """Run a document's session, or go on with it."""
        slots = self._bench.consent.slots
        if slots is None:
            return await self._carry_out(document, attempt=attempt)
        async with slots.working(document.info.id):
            return await self._carry_out(document, attempt=attempt)

    async def _carry_out(self, document: PlannedDocument, *, attempt: int) -> SessionEnd:
        self._observer.began(document, attempt=attempt)
        self._refuse_spent_out()
        try:
            with self._held.models.roster.working():
                return await run_session(self._bench, document, attempt=attempt)
        except PrerequisiteError as error:
            raise RunError(error.message, remedy=error.remedy) from error

    def _refuse_spent_out(self) -> None:
        """Begin nothing once the run's own limit in dollars has left no room for a call."""
        error = self._bench.purses.exhausted
        if error is not None and self._bench.compiled.agent.models[0].id != EMBEDDED:
            message = "The limit of the run was reached before this document's turn."
            raise LimitError(message, code=error.code, remedy=error.remedy)
