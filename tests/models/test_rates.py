"""An endpoint is asked as fast as it can bear: up while it answers, down when it refuses."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from docmill.models.base import AttemptError
from docmill.models.rates import BURST, DOWN, LONGEST_PROBE, OUTAGE_AFTER, START, Gate, Ticket
from docmill.records.results import Usage
from docmill.spec.workspace import Rates


@dataclass(eq=False)
class Alarm:
    """Something due."""

    at: float
    callback: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        """Not due any more."""
        self.cancelled = True


@dataclass
class ManualClock:
    """Time that passes when it is told to."""

    now: float = 0.0
    alarms: list[Alarm] = field(default_factory=list[Alarm])

    def time(self) -> float:
        """Seconds."""
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Alarm:
        """Due after so many seconds."""
        self.alarms.append(Alarm(self.now + delay, callback))
        return self.alarms[-1]

    async def pass_(self, seconds: float) -> None:
        """Let time pass, and everything that is due happen."""
        end = self.now + seconds
        while due := [alarm for alarm in self.alarms if not alarm.cancelled and alarm.at <= end]:
            first = min(due, key=lambda alarm: alarm.at)
            self.alarms.remove(first)
            self.now = max(self.now, first.at)
            first.callback()
        self.now = end
        await settle()


async def settle() -> None:
    """Let every task that can go on go on."""
    for _ in range(5):
        await asyncio.sleep(0)


@dataclass
class Told:
    """What the user was told."""

    pauses: list[tuple[str, float]] = field(default_factory=list[tuple[str, float]])
    resumed_times: int = 0

    def paused(self, endpoint: str, reason: str, seconds: float) -> None:
        """The endpoint isn't asked for a while."""
        assert endpoint == "local"
        self.pauses.append((reason, seconds))

    def resumed(self, endpoint: str) -> None:
        """It is asked again."""
        assert endpoint == "local"
        self.resumed_times += 1


class Crowd:
    """Sessions at a gate; `inside` holds the tickets of the calls under way."""

    def __init__(self, rates: Rates) -> None:
        self.clock = ManualClock()
        self.told = Told()
        self.gate = Gate("local", rates, clock=self.clock, listener=self.told)
        self.inside: list[Ticket] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def come(self, count: int, *, tokens: float = 0.0) -> list[asyncio.Task[None]]:
        """So many sessions, `s0`, `s1`, … ask for a call."""
        start = len(self._tasks)
        names = [f"s{number}" for number in range(start, start + count)]
        tasks = [asyncio.create_task(self._enter(name, tokens)) for name in names]
        self._tasks += tasks
        await settle()
        return tasks

    async def _enter(self, name: str, tokens: float) -> None:
        self.inside.append(await self.gate.enter(name, tokens))

    async def answer(self, count: int = 1, tokens: float = 0.0) -> None:
        """The calls that began first are answered."""
        for _ in range(count):
            self.gate.succeeded(self.inside.pop(0), tokens)
            await settle()

    async def fail(self, code: str, *, retry_after: float | None = None) -> bool:
        """The call that began first fails."""
        error = AttemptError(code, code=code, retryable=True, retry_after=retry_after)
        outage = self.gate.failed(self.inside.pop(0), error)
        await settle()
        return outage

    async def leave(self) -> None:
        """Nobody waits any more."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def test_calls_at_once_start_low_and_grow_with_every_answer() -> None:
    """Nobody knows what an endpoint bears; its answers tell."""
    crowd = Crowd(Rates(concurrency=40))
    await crowd.come(100)
    assert len(crowd.inside) == START
    await crowd.answer(10)
    assert len(crowd.inside) == START + 10
    await crowd.answer(50)
    assert len(crowd.inside) == 40
    await crowd.leave()


async def test_never_more_calls_at_once_than_the_workspace_allows() -> None:
    """`rates.concurrency` holds from the first call on."""
    crowd = Crowd(Rates(concurrency=3))
    await crowd.come(20)
    for _ in range(10):
        assert len(crowd.inside) == 3
        await crowd.answer()
    await crowd.leave()


async def test_refusals_of_one_round_trip_halve_the_calls_once() -> None:
    """Ten calls that were under way together are refused together: one piece of news, not ten."""
    crowd = Crowd(Rates(concurrency=16))
    await crowd.come(16)
    await crowd.clock.pass_(1)
    for _ in range(10):
        await crowd.fail("model_rate_limited")
    assert crowd.gate.window == 8
    await crowd.leave()


async def test_after_a_refusal_it_grows_by_one_in_a_round_trip() -> None:
    """Slowly up, so that the next refusal is far."""
    crowd = Crowd(Rates(concurrency=16))
    await crowd.come(60)
    await crowd.clock.pass_(1)
    await crowd.fail("model_overloaded")
    await crowd.answer(15)
    assert crowd.gate.window == 8
    await crowd.answer(9)
    assert crowd.gate.window == 9
    await crowd.leave()


async def test_the_whole_endpoint_waits_as_long_as_it_asks_for() -> None:
    """`retry-after` is said to one call and meant for all."""
    crowd = Crowd(Rates(concurrency=2))
    await crowd.come(4)
    await crowd.clock.pass_(1)
    await crowd.fail("model_rate_limited", retry_after=30)
    await crowd.answer()
    assert crowd.inside == []
    assert crowd.told.pauses == [("model_rate_limited", 30)]
    await crowd.clock.pass_(29)
    assert crowd.inside == []
    await crowd.clock.pass_(1)
    assert [ticket.who for ticket in crowd.inside] == ["s2"]
    await crowd.answer()
    assert crowd.told.resumed_times == 1
    await crowd.leave()


async def test_who_came_first_goes_first() -> None:
    """No session is overtaken, however many tokens it wants."""
    crowd = Crowd(Rates(concurrency=1, tokens_per_minute=600))
    await crowd.come(1, tokens=50)
    await crowd.come(1, tokens=600)
    await crowd.come(3, tokens=1)
    order: list[str] = []
    for _ in range(5):
        await crowd.clock.pass_(60)
        order.append(crowd.inside[0].who)
        await crowd.answer(tokens=0)
    assert order == ["s0", "s1", "s2", "s3", "s4"]
    await crowd.leave()


async def test_tokens_per_minute_hold_over_a_minute() -> None:
    """Ten seconds' worth may come at once, after that it flows."""
    crowd = Crowd(Rates(concurrency=100, tokens_per_minute=6_000))
    await crowd.come(100, tokens=100)
    assert len(crowd.inside) == 6_000 / BURST / 100
    await crowd.clock.pass_(30)
    assert len(crowd.inside) == START  # as many as may be under way
    await crowd.answer(len(crowd.inside), tokens=100)
    begun = len(crowd.inside)
    await crowd.clock.pass_(1)
    assert len(crowd.inside) - begun == 1
    await crowd.leave()


async def test_what_a_call_really_took_is_put_right() -> None:
    """A bound that was too high doesn't keep the next one waiting; one too low does."""
    crowd = Crowd(Rates(concurrency=100, tokens_per_minute=600))
    await crowd.come(2, tokens=100)
    assert len(crowd.inside) == 1
    await crowd.answer(tokens=0)
    assert len(crowd.inside) == 1
    await crowd.answer(tokens=700)
    await crowd.come(1, tokens=100)
    assert crowd.inside == []
    await crowd.clock.pass_(69)
    assert crowd.inside == []
    await crowd.clock.pass_(1.1)
    assert len(crowd.inside) == 1
    await crowd.leave()


async def test_requests_per_minute_hold() -> None:
    """Sixty a minute are ten at once and one a second."""
    crowd = Crowd(Rates(concurrency=100, requests_per_minute=60))
    await crowd.come(30)
    assert len(crowd.inside) == 10
    await crowd.clock.pass_(3)
    assert len(crowd.inside) == 13
    await crowd.leave()


async def _down(crowd: Crowd, code: str = "model_unreachable") -> None:
    """As many round trips fail as make an outage."""
    for _ in range(OUTAGE_AFTER):
        await crowd.clock.pass_(1)
        await crowd.fail(code)


async def test_in_an_outage_one_probe_at_a_time_goes_out() -> None:
    """Everybody else waits, without using up attempts; it goes on by itself."""
    crowd = Crowd(Rates(concurrency=1))
    await crowd.come(40)
    await _down(crowd)
    assert crowd.inside == []
    assert len(crowd.told.pauses) == 1
    waits: list[float] = []
    for _ in range(8):
        wait = crowd.told.pauses[-1][1]
        waits.append(wait)
        await crowd.clock.pass_(wait)
        assert len(crowd.inside) == 1
        assert await crowd.fail("model_unreachable")
    assert waits == sorted(waits)
    assert waits[-1] == LONGEST_PROBE
    await crowd.clock.pass_(LONGEST_PROBE)
    await crowd.answer()
    assert crowd.told.resumed_times == 1
    assert len(crowd.inside) == 1
    await crowd.leave()


async def test_failures_of_one_moment_are_no_outage() -> None:
    """A server that restarts drops all connections at once; that is one failure."""
    crowd = Crowd(Rates(concurrency=16))
    await crowd.come(32)
    await crowd.clock.pass_(1)
    for _ in range(16):
        assert not await crowd.fail("model_server_error")
    assert len(crowd.inside) == 16
    assert crowd.told.pauses == []
    await crowd.leave()


async def test_a_request_that_alone_fails_is_no_outage() -> None:
    """A document that makes the server fail must run out of attempts, not be sent for ever."""
    crowd = Crowd(Rates(concurrency=1))
    outages: list[bool] = []
    for _ in range(6):
        ticket = asyncio.ensure_future(crowd.gate.enter("poison"))
        await crowd.clock.pass_(LONGEST_PROBE)
        error = AttemptError("500", code="model_server_error", retryable=True)
        outages.append(crowd.gate.failed(await ticket, error))
    assert outages == [False] * 6


async def test_an_answer_of_any_kind_ends_an_outage() -> None:
    """An endpoint that finds a request invalid is up."""
    crowd = Crowd(Rates(concurrency=1))
    await crowd.come(10)
    await _down(crowd)
    await crowd.clock.pass_(LONGEST_PROBE)
    crowd.gate.failed(crowd.inside.pop(), AttemptError("400", code="model_request_invalid"))
    await settle()
    assert crowd.told.resumed_times == 1
    assert len(crowd.inside) == 1
    await crowd.leave()


async def test_who_gives_up_waiting_leaves_its_place() -> None:
    """A cancelled session holds neither a slot nor the queue."""
    crowd = Crowd(Rates(concurrency=1))
    first, second, _ = await crowd.come(3)
    await first
    second.cancel()
    await settle()
    assert crowd.gate.waiting == 1
    await crowd.answer()
    assert [ticket.who for ticket in crowd.inside] == ["s2"]
    await crowd.leave()


async def test_a_slot_given_to_a_session_that_is_cancelled_just_then_is_given_on() -> None:
    """Between its turn and its waking a session may be cancelled."""
    crowd = Crowd(Rates(concurrency=1))
    _, second, _ = await crowd.come(3)
    crowd.gate.succeeded(crowd.inside.pop())  # it is s1's turn, and s1 hasn't woken yet
    second.cancel()
    await settle()
    assert [ticket.who for ticket in crowd.inside] == ["s2"]
    await crowd.leave()


@pytest.mark.parametrize("usage", [None, Usage(input_tokens=80, output_tokens=20)])
async def test_a_failed_call_gives_back_what_it_did_not_use(usage: Usage | None) -> None:
    """A refused call took nothing of the minute's tokens."""
    crowd = Crowd(Rates(concurrency=100, tokens_per_minute=600))
    await crowd.come(2, tokens=100)
    error = AttemptError("cut", code="model_stream_cut", retryable=True, usage=usage)
    crowd.gate.failed(crowd.inside.pop(), error)
    await settle()
    assert len(crowd.inside) == (1 if usage is None else 0)
    await crowd.leave()


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("come"), st.integers(1, 6)),
        st.tuples(st.just("answer"), st.integers(0, 300)),
        st.tuples(st.sampled_from(sorted(DOWN | {"model_stream_cut"})), st.integers(0, 20)),
        st.tuples(st.just("pass"), st.integers(0, 90)),
        st.tuples(st.just("cancel"), st.integers(0, 50)),
    ),
    max_size=40,
)
RATES = st.builds(
    Rates,
    concurrency=st.integers(1, 8),
    tokens_per_minute=st.none() | st.integers(1, 2_000),
    requests_per_minute=st.none() | st.integers(1, 120),
)


@settings(max_examples=60, deadline=None)
@given(rates=RATES, steps=STEPS)
def test_whatever_happens_everybody_gets_through_in_the_end(
    rates: Rates, steps: list[tuple[str, int]]
) -> None:
    """Never too many at once, nobody forgotten, however failures and cancellations fall."""

    async def story() -> None:
        crowd = Crowd(rates)
        tasks: list[asyncio.Task[None]] = []
        for kind, number in steps:
            if kind == "come":
                tasks += await crowd.come(number, tokens=50)
            elif kind == "pass":
                await crowd.clock.pass_(number)
            elif kind == "cancel" and tasks:
                tasks[number % len(tasks)].cancel()
                await settle()
            elif kind == "answer" and crowd.inside:
                await crowd.answer(tokens=number)
            elif kind.startswith("model_") and crowd.inside:
                await crowd.fail(kind, retry_after=number or None)
            assert len(crowd.inside) <= rates.concurrency
        for _ in range(2 * len(tasks) + 2):
            await crowd.clock.pass_(10_000)
            while crowd.inside:
                await crowd.answer()
        assert crowd.gate.waiting == 0
        assert all(task.done() for task in tasks)
        await crowd.leave()

    asyncio.run(story())
