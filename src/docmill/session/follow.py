"""Follows an agent: stores each event before the next, asks for money before each call.

Neighbours: `gate` and `viewer` answer the agent's custom tools; `stages` says which agent it is.
"""

from collections.abc import AsyncIterator, Mapping
from decimal import Decimal
from typing import Protocol

from docmill.backends.base import EventStream
from docmill.errors import LimitError
from docmill.events import (
    AttemptFailed,
    BudgetReserved,
    CallLost,
    CustomToolResult,
    CustomToolUse,
    Event,
    McpToolResult,
    McpToolUse,
    ModelRequestEnd,
    ModelRequestStart,
    OutcomeEvaluationEnd,
    OutcomeEvaluationStart,
    StatusIdle,
    StatusRescheduled,
    StatusRunning,
    ToolResultEvent,
    ToolUse,
)
from docmill.ledger.purse import Purse
from docmill.records.results import Usage
from docmill.session.bench import Workbench
from docmill.session.consent import Asker
from docmill.session.journal import Journal
from docmill.session.worktime import WorkingTime

CallStart = ModelRequestStart | OutcomeEvaluationStart


class Answerer(Protocol):
    """Answers one custom tool."""

    def answer(self, call: CustomToolUse) -> AsyncIterator[Event]:
        """What happens on the way to the answer, then the answer itself."""
        ...


class Follower:
    """Stands between a running agent and the journal of its session."""

    def __init__(self, bench: Workbench, journal: Journal, clock: WorkingTime) -> None:
        self._bench = bench
        self._journal = journal
        self._clock = clock
        self._calls = {
            event.tool_use_id: event
            for event in journal.history
            if isinstance(event, ToolUse | McpToolUse)
        }

    async def follow(self, stream: EventStream, answerers: Mapping[str, Answerer]) -> None:
        """Store all an agent does, to its end; a call that is cut stays set aside.

        Raises:
            LimitError: the next call could overshoot a limit; it isn't made.
        """
        journal = self._journal
        own = self._bench.purses.open(document=journal.document, session=journal.session)
        with own as purse:
            async for event in stream:
                if isinstance(event, ModelRequestStart):
                    await self._announce(event, stream, purse)
                    continue
                self.store(event)
                if isinstance(event, StatusIdle) and event.event_ids:
                    await self._ask(event, stream)
                elif isinstance(event, CustomToolUse):
                    async for said in answerers[event.name].answer(event):
                        if isinstance(said, OutcomeEvaluationStart):
                            await self._set_aside(said, purse)
                            continue
                        self.store(said)
                        if isinstance(said, CustomToolResult):
                            stream.answer(said)

    def store(self, event: Event) -> None:
        """Store one event, and what it cost with it."""
        match event:
            case ModelRequestEnd() | OutcomeEvaluationEnd():
                self._charge(event)
            case AttemptFailed():
                self._charge_failure(event)
            case ToolResultEvent() | McpToolResult():
                self._journal.add(event, usage=Usage(tool_calls=1))
            case ToolUse() | McpToolUse():
                self._calls[event.tool_use_id] = event
                self._journal.add(event)
            case StatusRescheduled():
                self._journal.add(event)
                self._clock.pause()
            case _:
                self._journal.add(event)

    async def _ask(self, idle: StatusIdle, stream: EventStream) -> None:
        """Let a person decide; what is decided is stored before the tool can run."""
        asker = Asker(self._bench.consent, self._journal, run=self._bench.run)
        self._clock.pause()
        async for confirmation in asker.decisions(idle, self._calls):
            self.store(confirmation)
            stream.confirm(confirmation)
        self._clock.resume()
        self.store(StatusRunning(attempt=self._journal.attempt))

    async def _announce(self, event: ModelRequestStart, stream: EventStream, purse: Purse) -> None:
        """Set the worst case aside; where the estimate is too much, the exact count decides."""
        try:
            await self._set_aside(event, purse)
        except LimitError as error:
            exact = await stream.count_tokens() if error.code == "limit_usd" else event.input_tokens
            if exact >= event.input_tokens:
                raise
            await self._set_aside(event.model_copy(update={"input_tokens": exact}), purse)

    async def _set_aside(self, event: CallStart, purse: Purse) -> None:
        event = event.model_copy(update={"batched": event.model in self._bench.batched})
        worst = worst_case(self._bench, event)
        self._clock.pause()
        await purse.reserve(worst)
        self._journal.add(BudgetReserved(usd="unpriced" if worst is None else str(worst)))
        self._journal.add(event)

    def _charge(self, event: ModelRequestEnd | OutcomeEvaluationEnd) -> None:
        usage = _priced(self._bench, event.model, event.model_usage)
        self._journal.add(event, model=event.model, usage=usage)
        self._clock.resume(event.seconds)

    def _charge_failure(self, event: AttemptFailed) -> None:
        usage = Usage(failed_calls=1)
        if event.model_usage is not None:
            consumed = event.model_usage.model_copy(update={"model_calls": 0})
            usage += _priced(self._bench, event.model, consumed)
        self._journal.add(event, model=event.model, usage=usage)
        self._clock.resume()


def worst_case(bench: Workbench, event: CallStart) -> Decimal | None:
    """Most that a call can cost; None if its price is unknown."""
    return bench.prices.worst_case(
        event.model,
        input_tokens=event.input_tokens,
        max_output_tokens=event.max_output_tokens,
        batch=event.batched,
        speed=_speed(bench, event.model),
    )


def _priced(bench: Workbench, model: str, usage: Usage) -> Usage:
    return bench.prices.priced(model, usage, speed=_speed(bench, model))


def _speed(bench: Workbench, model: str) -> str | None:
    return next((one.speed for one in bench.compiled.agent.models if one.id == model), None)


def note_lost_call(bench: Workbench, journal: Journal) -> None:
    """Charge a call that was under way when the process of an earlier attempt died.

    One that is part of a message batch isn't lost: asked for again, it is found there.
    """
    waiting: CallStart | None = None
    for event in journal.history:
        match event:
            case ModelRequestStart() | OutcomeEvaluationStart():
                waiting = event
            case ModelRequestEnd() | OutcomeEvaluationEnd() | AttemptFailed() | CallLost():
                waiting = None
            case _:
                pass
    if waiting is not None and not (waiting.batched and waiting.model in bench.batched):
        worst = worst_case(bench, waiting)
        usd = "unpriced" if worst is None else str(worst)
        lost = CallLost(model=waiting.model, usd=usd)
        journal.add(lost, model=waiting.model, usage=Usage(lost_calls=1))
