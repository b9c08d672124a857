"""How fast an endpoint may be asked: one `Gate` per endpoint and process, in front of every call.

It learns from outcomes: more calls at once while they succeed, half as many when the endpoint
refuses, none but a probe while it is down. It sends nothing and knows no network.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from docmill.models.base import AttemptError
from docmill.records.results import Usage
from docmill.spec.workspace import Rates

START = 16
"""Calls at once before anything is known of the endpoint; from there on it grows fast."""
OUTAGE_AFTER = 3
"""So many round trips in a row without a success: the endpoint is down, for everybody."""
FIRST_PROBE = 2.0
LONGEST_PROBE = 60.0
"""Seconds between probes of an endpoint that is down; they double from the first on."""
WORTH_TELLING = 5.0
"""Seconds of a pause that a run says something about."""
LONGEST_PAUSE = 600.0
"""However long an endpoint asks us to wait, we look again after so many seconds."""
BURST = 6
"""A rate per minute may be used up to a sixth at once: ten seconds' worth."""

ROUNDING = 1e-6
"""Tokens that only arithmetic is short of."""

REFUSED = frozenset({"model_rate_limited", "model_overloaded"})
"""Codes that ask for fewer calls at once."""
DOWN = frozenset({*REFUSED, "model_unreachable", "model_server_error"})
"""Codes that, several in a row, are an outage."""


class Timer(Protocol):
    """Something that will be called."""

    def cancel(self) -> None:
        """Don't call it."""


class Clock(Protocol):
    """Time, as an event loop has it."""

    def time(self) -> float:
        """Seconds from an arbitrary start."""
        ...

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """Call it after so many seconds."""
        ...


class LoopClock:
    """The time of the running event loop."""

    def time(self) -> float:
        """Seconds."""
        return asyncio.get_running_loop().time()

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer:
        """By the event loop."""
        return asyncio.get_running_loop().call_later(delay, callback)


class PauseListener(Protocol):
    """Who tells the user that a run waits, and that it goes on."""

    def paused(self, endpoint: str, reason: str, seconds: float) -> None:
        """The endpoint isn't asked for so many seconds; `reason` is a sentence.

        Called again, with the next wait, each time a probe fails.
        """

    def resumed(self, endpoint: str) -> None:
        """It answers again."""


class Drawing(Protocol):
    """What a gate asks of a rate: `Bucket`, or one that several processes share."""

    def delay(self, amount: float) -> float:
        """Seconds until so much may be taken, or until it is worth asking again."""
        ...

    def take(self, amount: float) -> None:
        """Take so much; negative gives back."""
        ...


class Sharing(Protocol):
    """The part of an endpoint's rates that one of several processes has."""

    def part(self, rates: Rates) -> Rates:
        """The rates for this process: calls at once."""
        ...

    def bucket(self, name: str, per_minute: int, clock: Clock) -> Drawing:
        """The rate of that name, which all of them draw from."""
        ...


class Bucket:
    """A rate per minute; what was taken too much or too little can be put right afterwards."""

    def __init__(self, per_minute: int | None, clock: Clock) -> None:
        self._per_second = (per_minute or 0) / 60
        self._capacity = (per_minute or 0) / BURST
        self._level = self._capacity
        self._clock = clock
        self._at: float | None = None

    def delay(self, amount: float) -> float:
        """Seconds until so much may be taken; more than a full bucket waits for a full one."""
        if not self._per_second:
            return 0.0
        self._fill()
        lacking = min(amount, self._capacity) - self._level
        return lacking / self._per_second if lacking > ROUNDING else 0.0

    def take(self, amount: float) -> None:
        """Take so much; negative gives back."""
        if self._per_second:
            self._fill()
            self._level = min(self._capacity, self._level - amount)

    def _fill(self) -> None:
        now = self._clock.time()
        passed = 0.0 if self._at is None else now - self._at
        self._level = min(self._capacity, self._level + passed * self._per_second)
        self._at = now


@dataclass(slots=True, eq=False)
class Ticket:
    """The right to one call."""

    who: str
    tokens: float
    sent: float = 0.0
    probe: bool = False


@dataclass(slots=True)
class _Outage:
    since: float
    interval: float
    next_probe: float
    probing: bool = False


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True, eq=False)
class _Waiting:
    ticket: Ticket
    turn: asyncio.Future[None] = field(default_factory=_future)


class Gate:
    """Lets calls through, first come first served.

    Every ticket ends in exactly one of `succeeded`, `failed` and `abandoned`.
    """

    def __init__(
        self,
        endpoint: str,
        rates: Rates,
        *,
        clock: Clock | None = None,
        listener: PauseListener | None = None,
        shared: Sharing | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._clock = clock or LoopClock()
        self._listener = listener
        rates = shared.part(rates) if shared else rates
        self._most = rates.concurrency
        self._window = float(min(START, rates.concurrency))
        self._grows_fast = True
        self._active = 0
        self._queue: deque[_Waiting] = deque()
        self._tokens = self._drawing("tokens", rates.tokens_per_minute, shared)
        self._calls = self._drawing("calls", rates.requests_per_minute, shared)
        self._paused_until = float("-inf")
        self._decreased = float("-inf")
        self._failed = float("-inf")
        self._streak = 0
        self._failing: set[str] = set()
        self._outage: _Outage | None = None
        self._told = False
        self._timer: Timer | None = None

    def _drawing(self, what: str, per_minute: int | None, shared: Sharing | None) -> Drawing:
        if shared is None or not per_minute:
            return Bucket(per_minute, self._clock)
        return shared.bucket(f"{self._endpoint}: {what}", per_minute, self._clock)

    @property
    def window(self) -> int:
        """Calls that may be under way at once, as learnt so far."""
        return int(self._window)

    @property
    def waiting(self) -> int:
        """Calls in the queue."""
        return len(self._queue)

    async def enter(self, who: str, tokens: float = 0.0) -> Ticket:
        """Wait for the right to make a call of about so many tokens, for a session and turn."""
        waiting = _Waiting(Ticket(who, tokens))
        self._queue.append(waiting)
        self._pump()
        try:
            await waiting.turn
        except asyncio.CancelledError:
            if waiting in self._queue:
                self._queue.remove(waiting)
            else:
                self.abandoned(waiting.ticket)
            self._pump()
            raise
        return waiting.ticket

    def succeeded(self, ticket: Ticket, tokens: float = 0.0) -> None:
        """The call was answered and took so many tokens."""
        full = self._active >= self.window and ticket.sent >= self._decreased
        self._leave(ticket, tokens)
        if full:
            step = 1.0 if self._grows_fast else 1.0 / self._window
            self._window = min(float(self._most), self._window + step)
        self._answered()
        self._pump()

    def failed(self, ticket: Ticket, error: AttemptError) -> bool:
        """The call failed; whether that was due to an outage, not to the call itself."""
        self._leave(ticket, _tokens(error))
        now = self._clock.time()
        if error.code in REFUSED and ticket.sent >= self._decreased:
            # Calls that were under way together are refused together: that is one refusal.
            self._window = max(1.0, self._window / 2)
            self._grows_fast = False
            self._decreased = now
        if error.retry_after:
            wait = min(error.retry_after, LONGEST_PAUSE)
            self._paused_until = max(self._paused_until, now + wait)
            if wait >= WORTH_TELLING and self._outage is None:
                self._tell(error.message, wait)
        if error.code in DOWN:
            self._failing.add(ticket.who)
            if ticket.probe or ticket.sent >= self._failed:
                self._streak += 1
                self._failed = now
                self._consider_outage(error, now)
        elif not error.retryable:
            self._answered()
        self._pump()
        return self._outage is not None and error.code in DOWN and self._not_to_blame(error)

    def abandoned(self, ticket: Ticket) -> None:
        """The call was given up, or failed in a way that says nothing about the endpoint."""
        self._leave(ticket, 0.0)
        self._pump()

    def _answered(self) -> None:
        """Whatever it said: the endpoint is up."""
        self._streak = 0
        self._failing.clear()
        self._outage = None
        if self._told and self._paused_until <= self._clock.time():
            self._told = False
            if self._listener is not None:
                self._listener.resumed(self._endpoint)

    def _not_to_blame(self, error: AttemptError) -> bool:
        """A request that alone brings a server down must not be sent for ever."""
        refused_unread = error.code in REFUSED or error.code == "model_unreachable"
        return refused_unread or len(self._failing) > 1

    def _consider_outage(self, error: AttemptError, now: float) -> None:
        if self._streak < OUTAGE_AFTER:
            return
        if self._outage is None:
            self._outage = _Outage(since=now, interval=FIRST_PROBE, next_probe=now)
        else:
            self._outage.interval = min(LONGEST_PROBE, self._outage.interval * 2)
        wait = max(self._outage.interval, self._paused_until - now)
        self._outage.next_probe = now + wait
        self._tell(error.message, wait)

    def _tell(self, reason: str, seconds: float) -> None:
        self._told = True
        if self._listener is not None:
            self._listener.paused(self._endpoint, reason, seconds)

    def _leave(self, ticket: Ticket, tokens: float) -> None:
        self._active -= 1
        self._tokens.take(tokens - ticket.tokens)
        if ticket.probe and self._outage is not None:
            self._outage.probing = False

    def _pump(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._queue:
            if self._queue[0].turn.done():
                self._queue.popleft()
                continue
            delay = self._delay(self._queue[0].ticket)
            if delay is None:
                return
            if delay > 0:
                self._timer = self._clock.call_later(delay, self._pump)
                return
            self._admit(self._queue.popleft())

    def _delay(self, ticket: Ticket) -> float | None:
        """Seconds until the ticket may go; None if a call under way has to end first."""
        now = self._clock.time()
        if self._outage is not None:
            return None if self._outage.probing else max(0.0, self._outage.next_probe - now)
        if self._active >= self.window:
            return None
        paused = self._paused_until - now
        return max(0.0, paused, self._tokens.delay(ticket.tokens), self._calls.delay(1))

    def _admit(self, waiting: _Waiting) -> None:
        ticket = waiting.ticket
        ticket.sent = self._clock.time()
        if self._outage is not None:
            ticket.probe = self._outage.probing = True
        self._active += 1
        self._tokens.take(ticket.tokens)
        self._calls.take(1)
        waiting.turn.set_result(None)


def _tokens(error: AttemptError) -> float:
    """Tokens of a failed attempt that count against a rate."""
    return 0.0 if error.usage is None else rated_tokens(error.usage)


def rated_tokens(usage: Usage) -> float:
    """Tokens that count against a rate per minute: all but those read from the cache."""
    written = usage.cache_write_tokens + usage.cache_write_1h_tokens
    return float(usage.input_tokens + written + usage.output_tokens)
