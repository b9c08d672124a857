"""Each turn of all waiting sessions goes out as one batch, and no call is ever paid twice."""

import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from tests.models.batch_endpoint import (
    START,
    EchoModel,
    LeapingClock,
    MemoryEndpoint,
    succeeded,
    trouble,
)

from docmill.models import batcher as limits
from docmill.models.base import AttemptError, ModelRequest, ModelResponse, fingerprint
from docmill.models.batcher import Batcher
from docmill.models.batching import BatchedModel, BatchRequest, Result
from docmill.models.rounds import QUIET, SETTLED, Roster
from docmill.store.batches import BatchLog
from docmill.store.database import open_database


class Run:
    """The process of a run: its models come and go, the store and the endpoint stay."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.clock = LeapingClock()
        self.endpoint = MemoryEndpoint(self.clock)
        self.start()

    def start(self) -> None:
        """Another process, after the one before was killed."""
        self.roster = Roster()
        self.log = BatchLog(self.engine)
        self.batcher = Batcher(
            "claude",
            self.endpoint,
            self.log,
            roster=self.roster,
            clock=self.clock,
            now=self.clock.now,
        )
        self.model = BatchedModel(EchoModel(), self.batcher)

    async def kill(self) -> None:
        """Nothing of the process is left."""
        await self.batcher.aclose()

    async def ask(self, name: str, turn: int = 0) -> ModelResponse:
        """One turn of a session."""
        return await self.model.respond(request(name, turn))

    async def session(self, name: str, turns: int) -> list[str]:
        """A session of several turns; returns what it heard."""
        with self.roster.working():
            return [text(await self.ask(name, turn)) for turn in range(turns)]

    def sent(self) -> float:
        """When the first batch was sent, in seconds from the start."""
        return (self.endpoint.batches[0].state.created - START).total_seconds()

    def entries(self) -> int:
        """Calls the endpoint was ever sent."""
        return sum(len(batch.said) for batch in self.endpoint.batches)


def request(name: str, turn: int = 0) -> ModelRequest:
    """What a session asks in a turn: the same for all sessions."""
    return ModelRequest(
        model="echo",
        system="",
        tools=(),
        messages=({"role": "user", "content": f"turn {turn}"},),
        max_tokens=10,
        identity=f"{name}/0/{turn}",
    )


def handed_in(name: str) -> BatchRequest:
    """The same on its way into a batch."""
    return BatchRequest(EchoModel(), request(name), fingerprint(request(name)))


def text(response: ModelResponse) -> str:
    """What was answered."""
    return str(response.content[0]["text"])


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    """A run over a fresh store."""
    engine = open_database(tmp_path)
    yield Run(engine)
    engine.dispose()


async def test_each_turn_of_all_sessions_is_one_batch(run: Run) -> None:
    """They go in lockstep, and a session leaves when it is done."""
    sessions = asyncio.gather(run.session("a", 3), run.session("b", 1), run.session("c", 2))
    heard = await run.clock.until(sessions)
    assert heard == [["a/0/0", "a/0/1", "a/0/2"], ["b/0/0"], ["c/0/0", "c/0/1"]]
    assert run.endpoint.rounds == [["a/0/0", "b/0/0", "c/0/0"], ["a/0/1", "c/0/1"], ["a/0/2"]]
    await run.kill()


async def test_an_answer_says_that_it_came_in_a_batch_and_how_long_it_took(run: Run) -> None:
    """The price is another, and waiting isn't the session's fault."""
    response = await run.clock.until(run.ask("a"))
    assert response.usage.batched_calls == response.usage.model_calls == 1
    assert response.waited >= run.endpoint.seconds
    await run.kill()


async def test_a_batch_is_sent_as_soon_as_everybody_waits(run: Run) -> None:
    """Nobody else is at work: a moment for a next document to begin, and it goes."""
    await run.clock.until(run.session("a", 1))
    assert run.sent() == SETTLED
    await run.kill()


async def test_a_slow_session_takes_the_next_batch(run: Run) -> None:
    """While one is still reading, the others wait for it only a little."""
    with run.roster.working():
        await run.clock.until(asyncio.gather(run.session("a", 1), run.session("b", 1)))
    assert run.endpoint.rounds == [["a/0/0", "b/0/0"]]
    assert run.sent() == QUIET
    await run.kill()


async def test_a_session_that_ends_keeps_nobody_waiting(run: Run) -> None:
    """Once it is gone, everybody left waits: the batch goes."""
    with run.roster.working():
        asking = asyncio.ensure_future(run.session("a", 1))
        await asyncio.sleep(0)
    await run.clock.until(asking)
    assert run.sent() == SETTLED
    await run.kill()


async def test_looks_at_a_batch_become_rarer(run: Run) -> None:
    """Every second at first, once a minute in the end."""
    run.endpoint.seconds = 1000
    await run.clock.until(run.ask("a"))
    gaps = [later - sooner for sooner, later in itertools.pairwise(run.endpoint.looks)]
    assert gaps[0] == 1
    assert gaps == sorted(gaps)
    assert gaps[-1] == 60
    await run.kill()


@pytest.mark.parametrize(("kind", "retryable"), [("expired", True), ("errored", False)])
async def test_a_call_without_an_answer_fails_alone(run: Run, kind: str, retryable: bool) -> None:
    """The others have theirs; asked again, it is part of another batch under another name."""
    verdicts: dict[str, Result] = {"a/0/0": {"type": kind}}
    run.endpoint.answers = lambda said: verdicts.pop(said, succeeded(said))
    asked = asyncio.gather(run.ask("a"), run.ask("b"), return_exceptions=True)
    failed, answered = await run.clock.until(asked)
    assert isinstance(failed, AttemptError)
    assert (failed.code, failed.retryable) == (f"model_batch_{kind}", retryable)
    assert failed.batched
    assert isinstance(answered, ModelResponse)
    assert text(await run.clock.until(run.ask("a"))) == "a/0/0"
    assert run.endpoint.rounds == [["a/0/0", "b/0/0"], ["a/0/0"]]
    first, second = (list(batch.said) for batch in run.endpoint.batches)
    assert not set(first) & set(second)
    await run.kill()


async def test_a_call_the_results_say_nothing_of_is_asked_again(run: Run) -> None:
    """Partial results are used, what is missing is not waited for."""
    asked = asyncio.gather(run.ask("a"), run.ask("b"), return_exceptions=True)
    running = asyncio.ensure_future(run.clock.until(asked))
    await run.endpoint.taken.wait()
    said = run.endpoint.batches[0].said
    del said[next(name for name, words in said.items() if words == "a/0/0")]
    failed, answered = await running
    assert isinstance(failed, AttemptError)
    assert failed.retryable
    assert isinstance(answered, ModelResponse)
    await run.kill()


async def test_results_that_break_off_are_read_again(run: Run) -> None:
    """Nothing is lost and nothing is delivered twice."""
    run.endpoint.failures["results"] = [trouble(), trouble()]
    heard = await run.clock.until(asyncio.gather(*(run.session(name, 1) for name in "abc")))
    assert heard == [["a/0/0"], ["b/0/0"], ["c/0/0"]]
    assert len(run.endpoint.batches) == 1
    await run.kill()


async def test_an_endpoint_that_is_down_is_waited_for(run: Run) -> None:
    """As long as an outage may take; then the sessions fail, and can be gone on with."""
    run.endpoint.failures["poll"] = [trouble() for _ in range(5)]
    assert text(await run.clock.until(run.ask("a"))) == "a/0/0"
    run.endpoint.failures["submit"] = [trouble() for _ in range(1000)]
    with pytest.raises(AttemptError, match="Down"):
        await run.clock.until(run.ask("b"))
    assert run.clock.time() > 3600
    await run.kill()
    run.start()
    run.endpoint.failures.clear()
    assert text(await run.clock.until(run.ask("b"))) == "b/0/0"
    assert run.entries() == 2
    await run.kill()


async def test_a_killed_run_finds_its_batch_again(run: Run) -> None:
    """The next one waits for the same batch, and pays for nothing again."""
    killed = asyncio.gather(run.session("a", 1), run.session("b", 1), return_exceptions=True)
    running = asyncio.ensure_future(run.clock.until(killed))
    await run.endpoint.looked.wait()
    await run.kill()
    assert all(isinstance(end, asyncio.CancelledError) for end in await running)
    run.start()
    heard = await run.clock.until(asyncio.gather(run.session("b", 2), run.session("a", 2)))
    assert heard == [["b/0/0", "b/0/1"], ["a/0/0", "a/0/1"]]
    assert run.endpoint.rounds == [["a/0/0", "b/0/0"], ["a/0/1", "b/0/1"]]
    await run.kill()


async def test_an_answer_that_was_not_stored_by_its_session_is_had_again(run: Run) -> None:
    """The results of a batch are kept: the endpoint isn't even asked."""
    await run.clock.until(run.ask("a"))
    await run.kill()
    run.start()
    looks = len(run.endpoint.looks)
    assert text(await run.clock.until(run.ask("a"))) == "a/0/0"
    assert (run.entries(), len(run.endpoint.looks)) == (1, looks)
    await run.kill()


@pytest.mark.parametrize("foreign", [False, True])
async def test_a_batch_whose_id_was_lost_is_found_by_its_calls(run: Run, foreign: bool) -> None:
    """The process died between sending and storing the id; batches of others are left alone."""
    if foreign:
        await run.endpoint.submit([b'{"custom_id": "theirs", "params": {"say": "x"}}'])
    call = handed_in("a").call(1)
    run.log.intend("claude", [call], run.clock.now())
    await run.endpoint.submit([handed_in("a").entry(call.custom_id)])
    assert text(await run.clock.until(run.ask("a"))) == "a/0/0"
    assert run.entries() == 1 + foreign
    assert run.log.ids("claude") == {f"b{1 + foreign}"}
    await run.kill()


async def test_a_batch_that_never_arrived_is_sent(run: Run) -> None:
    """The process died between storing the intent and sending it: with others, it goes out now."""
    run.log.intend("claude", [handed_in("a").call(1)], run.clock.now())
    await run.clock.until(asyncio.gather(run.session("a", 1), run.session("b", 1)))
    assert sorted(itertools.chain(*run.endpoint.rounds)) == ["a/0/0", "b/0/0"]
    await run.kill()


@pytest.mark.parametrize("arrives", [False, True])
async def test_a_request_that_failed_may_have_arrived(run: Run, arrives: bool) -> None:
    """Before it is made again, the endpoint's batches are looked through."""
    run.endpoint.failures["submit"] = [trouble()]
    run.endpoint.arrives = arrives
    assert text(await run.clock.until(run.ask("a"))) == "a/0/0"
    assert len(run.endpoint.batches) == 1
    await run.kill()


async def test_a_refused_batch_leaves_nothing_behind(run: Run) -> None:
    """Its sessions fail with the endpoint's words; asked again, it is sent again."""
    run.endpoint.failures["submit"] = [trouble(retryable=False)]
    with pytest.raises(AttemptError, match="Down"):
        await run.clock.until(run.ask("a"))
    assert text(await run.clock.until(run.ask("a"))) == "a/0/0"
    await run.kill()


async def test_a_batch_the_endpoint_has_forgotten_is_sent_again(run: Run) -> None:
    """Nothing else can be done; what was read of it before is kept."""
    running = asyncio.ensure_future(run.clock.until(run.ask("a")))
    await run.endpoint.looked.wait()
    run.endpoint.batches.clear()
    with pytest.raises(AttemptError) as failed:
        await running
    assert failed.value.retryable
    assert text(await run.clock.until(run.ask("a"))) == "a/0/0"
    await run.kill()


async def test_a_session_that_gives_up_is_not_sent(run: Run) -> None:
    """Ctrl-C before the batch goes: it costs nothing."""
    given_up = asyncio.ensure_future(run.ask("a"))
    await asyncio.sleep(0)
    given_up.cancel()
    await run.clock.until(run.session("b", 1))
    assert run.endpoint.rounds == [["b/0/0"]]
    await run.kill()


@pytest.mark.parametrize(("limit", "value"), [("MOST_CALLS", 2), ("MOST_BYTES", 200)])
async def test_a_batch_has_a_largest_size(
    run: Run, limit: str, value: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What doesn't fit goes in one of its own at the same time."""
    monkeypatch.setattr(limits, limit, value)
    await run.clock.until(asyncio.gather(*(run.session(name, 1) for name in "abc")))
    assert [len(batch) for batch in run.endpoint.rounds] == [2, 1]
    await run.kill()


async def test_what_else_is_asked_goes_to_the_model_itself(run: Run) -> None:
    """Counting tokens needs no batch."""
    assert run.model.bound_tokens(request("a")) == 1
    assert await run.model.count_tokens(request("a")) == 2
    await run.kill()
