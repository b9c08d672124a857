"""Costs, computed again: every charge from its event and the prices of the run."""

from collections.abc import Iterable, Mapping, Sequence

from docmill.batch.origins import Specs
from docmill.bundle.findings import Check
from docmill.events import (
    AttemptFailed,
    CallLost,
    Event,
    McpToolResult,
    ModelRequestEnd,
    OutcomeEvaluationEnd,
    SandboxStopped,
    ToolResultEvent,
)
from docmill.ledger.prices import PriceTable
from docmill.records.results import Usage
from docmill.store.sessions import Charge

CHARGED = (
    AttemptFailed,
    CallLost,
    McpToolResult,
    ModelRequestEnd,
    OutcomeEvaluationEnd,
    SandboxStopped,
    ToolResultEvent,
)
"""Events that cost something, or are counted in the ledger."""


class Auditor:
    """Holds the ledger of a run against its journals."""

    def __init__(
        self, check: Check, specs: Specs, prices: Sequence[PriceTable], *, run: int
    ) -> None:
        self._check = check
        self._specs = specs
        self._prices = prices
        self._run = run
        self.spent: dict[str, dict[str, Usage]] = {}
        """What this run spent, by document and model, computed again."""

    def session(
        self, name: str, journal: Mapping[int, Event], ledger: Mapping[int, Charge]
    ) -> None:
        """Check the charges of one session; an empty journal was pruned."""
        for position, charge in ledger.items():
            place = f"{name}#{position}"
            usage = charge.usage
            if charge.run == self._run:  # others were charged at the prices of their time
                usage = self._again(place, journal, position, charge)
                models = self.spent.setdefault(charge.document, {})
                models[charge.model] = models.get(charge.model, Usage()) + usage
            else:
                bare = journal.get(position)
                if bare is not None:
                    self._check.compare(f"{place} is of its kind", _is_charged(bare), True)
        for position, event in journal.items():
            if _is_charged(event):
                self._check.compare(f"{name}#{position} is charged", position in ledger, True)

    def _again(
        self, place: str, journal: Mapping[int, Event], position: int, charge: Charge
    ) -> Usage:
        if not journal:
            bare = charge.usage.model_copy(update={"usd": 0, "unpriced_calls": 0})
            choices = [self._priced(table, charge.model, bare) for table in self._prices]
        else:
            event = journal.get(position)
            choices = [self._of_event(table, event, charge) for table in self._prices]
        wanted = next((one for one in choices if one == charge.usage), None)
        if wanted is None and choices:
            wanted = choices[-1]
            for name in Usage.model_fields:
                found, due = getattr(charge.usage, name), getattr(wanted, name)
                if found != due:
                    self._check.compare(f"{place} {name}", found, due)
        else:
            self._check.cells += 1
        return wanted or charge.usage

    def _of_event(self, table: PriceTable, event: Event | None, charge: Charge) -> Usage:
        match event:
            case ModelRequestEnd() | OutcomeEvaluationEnd():
                return self._priced(table, event.model, event.model_usage)
            case AttemptFailed():
                usage = Usage(failed_calls=1)
                if event.model_usage is not None:
                    consumed = event.model_usage.model_copy(update={"model_calls": 0})
                    usage += self._priced(table, event.model, consumed)
                return usage
            case ToolResultEvent() | McpToolResult():
                return Usage(tool_calls=1)
            case SandboxStopped():
                # how long it was waited for stands in no event
                wall = charge.usage.wall_seconds
                return table.priced("", Usage(sandbox_seconds=event.seconds, wall_seconds=wall))
            case CallLost():
                return Usage(lost_calls=1)
            case _:
                return Usage()

    def _priced(self, table: PriceTable, model: str, usage: Usage) -> Usage:
        choices: Iterable[str | None] = (
            one.speed for one in self._specs.agent.models if one.id == model
        )
        return table.priced(model, usage, speed=next(iter(choices), None))


def _is_charged(event: Event) -> bool:
    return isinstance(event, CHARGED)
