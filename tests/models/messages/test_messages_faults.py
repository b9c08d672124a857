"""Whatever an endpoint does wrong has a code; what can't get better stops the run."""

import asyncio
import json
import socket
import time
from collections.abc import Callable
from typing import Any

import pytest

from docmill.errors import PrerequisiteError
from docmill.models.base import AttemptError, ModelRequest
from docmill.models.registry import Models
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Endpoint
from docmill.testing import Answer, Cut, Failure, Reset, Step, text, thinking, tool_use

from .conftest import Open, Raw

PING = b'event: ping\ndata: {"type": "ping"}\n\n'
WORDS = [text("a few words"), tool_use("read", {"page": 1, "why": "because it is there"})]


@pytest.mark.parametrize(
    ("step", "code", "retryable"),
    [
        (Failure(429), "model_rate_limited", True),
        (Failure(529), "model_overloaded", True),
        (Failure(500), "model_server_error", True),
        (Failure(503), "model_server_error", True),
        (Failure(408), "model_server_error", True),
        (Failure(400), "model_request_invalid", False),
        (Failure(422), "model_request_invalid", False),
        (Failure(413), "model_request_too_large", False),
        (Failure(400, "prompt is too long: 9 > 8"), "model_request_too_large", False),
        (Reset(), "model_stream_cut", True),
        (Answer(WORDS, cut=Cut("reset")), "model_stream_cut", True),
        (Answer(WORDS, cut=Cut("eof")), "model_stream_cut", True),
        (Answer(WORDS, cut=Cut("end")), "model_stream_cut", True),
        (Answer(WORDS, cut=Cut("end", "start")), "model_stream_cut", True),
        (Answer(WORDS, cut=Cut("error")), "model_overloaded", True),
        (Answer(WORDS, cut=Cut("error", error="api_error")), "model_server_error", True),
        (Answer(WORDS, cut=Cut("error", error="rate_limit_error")), "model_rate_limited", True),
        (
            Answer(WORDS, cut=Cut("error", error="invalid_request_error")),
            "model_request_invalid",
            False,
        ),
    ],
)
async def test_every_failure_has_its_code(
    desk: Open, request_of: Callable[..., ModelRequest], step: Step, code: str, *, retryable: bool
) -> None:
    """The session decides by it whether to ask again; the report shows it."""
    async with desk([step]) as here:
        with pytest.raises(AttemptError) as caught:
            await here.model.respond(request_of())
    assert caught.value.code == code
    assert caught.value.retryable is retryable
    assert "`local`" in caught.value.message


async def test_a_refusal_says_how_long_to_wait(
    desk: Open, request_of: Callable[..., ModelRequest]
) -> None:
    """`retry-after` reaches the caller."""
    async with desk([Failure(429, retry_after=7)]) as here:
        with pytest.raises(AttemptError) as caught:
            await here.model.respond(request_of())
    assert caught.value.retry_after == 7
    assert caught.value.status == 429


async def test_an_answer_that_breaks_off_says_what_it_cost(
    desk: Open, request_of: Callable[..., ModelRequest]
) -> None:
    """The prompt was read, and is billed; the ledger learns of it."""
    async with desk([Answer(WORDS, cut=Cut("eof"))]) as here:
        with pytest.raises(AttemptError) as caught:
            await here.model.respond(request_of())
        told = here.server.log[0].usage
    assert caught.value.usage is not None
    assert caught.value.usage.input_tokens == told["input_tokens"] > 0
    assert caught.value.usage.model_calls == 0


async def test_an_answer_that_was_refused_cost_nothing(
    desk: Open, request_of: Callable[..., ModelRequest]
) -> None:
    """No usage, rather than a usage of zero calls."""
    async with desk([Failure(529)]) as here:
        with pytest.raises(AttemptError) as caught:
            await here.model.respond(request_of())
    assert caught.value.usage is None


async def test_a_stream_that_stands_still_is_given_up(
    desk: Open, request_of: Callable[..., ModelRequest]
) -> None:
    """After `stall_seconds` without a part of the answer."""
    async with desk([Answer(WORDS, cut=Cut("stall"))], stall_seconds=1) as here:
        with pytest.raises(AttemptError) as caught:
            await here.model.respond(request_of())
    assert caught.value.code == "model_stalled"
    assert caught.value.usage is not None


async def test_an_answer_that_never_begins_is_given_up(
    desk: Open, request_of: Callable[..., ModelRequest]
) -> None:
    """Accepting the connection isn't progress."""
    async with desk([Answer(WORDS, latency=30)], stall_seconds=0.2) as here:
        with pytest.raises(AttemptError) as caught:
            await here.model.respond(request_of())
    assert caught.value.code == "model_stalled"


async def test_a_slow_answer_that_keeps_coming_is_waited_for(
    desk: Open, request_of: Callable[..., ModelRequest]
) -> None:
    """It may take longer than `stall_seconds` as a whole."""
    slow = Answer([text("word " * 10)], gap=0.1, chunk=5)
    async with desk([slow], stall_seconds=0.4) as here:
        response = await here.model.respond(request_of())
    assert response.content == (text("word " * 10),)


async def test_hidden_thinking_may_take_longer(
    raw: Raw, request_of: Callable[..., ModelRequest]
) -> None:
    """It sends nothing but pings; giving it up would mean paying for the same thoughts twice."""
    begun: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": thinking("")},
    ]
    sent = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in begun)
    started = time.monotonic()
    async with raw(b"HTTP/1.1 200 OK\r\n\r\n" + sent.encode(), again=PING) as base_url:
        endpoint = Endpoint(base_url=base_url, stall_seconds=0.2)
        async with Models({"local": endpoint}) as models:
            with pytest.raises(AttemptError) as caught:
                await models.open(ModelChoice(id="local/m")).respond(request_of())
    assert caught.value.code == "model_stalled"
    assert time.monotonic() - started >= 5 * 0.2


async def test_pings_are_no_progress(raw: Raw, request_of: Callable[..., ModelRequest]) -> None:
    """They show that somebody is there, not that an answer will come."""
    async with raw(b"HTTP/1.1 200 OK\r\n\r\n", again=PING) as base_url:
        endpoint = Endpoint(base_url=base_url, stall_seconds=0.3)
        async with Models({"local": endpoint}) as models:
            with pytest.raises(AttemptError) as caught:
                await models.open(ModelChoice(id="local/m")).respond(request_of())
    assert caught.value.code == "model_stalled"


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Welcome to the router</html>",
        b"event: message_start\ndata: {not json\n\n",
        b'event: message_start\ndata: ["a list"]\n\n',
    ],
)
async def test_a_server_that_speaks_another_language_gives_no_answer(
    raw: Raw, request_of: Callable[..., ModelRequest], body: bytes
) -> None:
    """A `base_url` that leads to something else is an error, not an empty record."""
    async with (
        raw(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n" + body) as base_url,
        Models({"local": Endpoint(base_url=base_url)}) as models,
    ):
        with pytest.raises(AttemptError) as caught:
            await models.open(ModelChoice(id="local/m")).respond(request_of())
    assert caught.value.code == "model_stream_cut"


async def test_an_endpoint_that_is_not_there_is_unreachable(
    request_of: Callable[..., ModelRequest],
) -> None:
    """A refused connection; nothing was sent, nothing can have cost anything."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        endpoint = Endpoint(base_url=f"http://127.0.0.1:{port}")
        async with Models({"local": endpoint}) as models:
            model = models.open(ModelChoice(id="local/m"))
            with pytest.raises(AttemptError) as caught:
                await model.respond(request_of())
    assert caught.value.code == "model_unreachable"
    assert caught.value.status is None
    assert "docmill doctor --model local/m" in caught.value.remedy


@pytest.mark.parametrize(
    ("step", "word", "remedy"),
    [
        (Failure(401), "key", "export LOCAL_KEY"),
        (Failure(403), "key", "export LOCAL_KEY"),
        (Failure(404), "reader-1", "agent spec"),
        (Failure(400, "Your credit balance is too low"), "paid", "Top up"),
        (Answer(WORDS, cut=Cut("error", error="authentication_error")), "key", "export LOCAL_KEY"),
    ],
)
async def test_what_every_call_would_meet_stops_the_run(
    desk: Open, request_of: Callable[..., ModelRequest], step: Step, word: str, remedy: str
) -> None:
    """A refused key or a wrong model name isn't tried on the next document."""
    async with desk([step]) as here:
        with pytest.raises(PrerequisiteError) as caught:
            await here.model.respond(request_of())
    assert word in caught.value.message
    assert remedy in caught.value.remedy


async def test_a_call_that_is_given_up_leaves_nothing_behind(
    desk: Open, request_of: Callable[..., ModelRequest]
) -> None:
    """A cancelled session closes its stream, and its slot is free for the next."""
    arrived = asyncio.Event()

    def script(body: dict[str, Any]) -> Step:
        first = not arrived.is_set()
        arrived.set()
        return Answer(WORDS, gap=5) if first else Answer([text("next")])

    async with desk(script, rates={"concurrency": 1}) as here:
        task = asyncio.create_task(here.model.respond(request_of()))
        await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        response = await here.model.respond(request_of())
        assert response.content == (text("next"),)
        assert here.server.log[0].outcome == "abandoned"


async def test_an_answer_that_is_whole_counts_even_if_the_connection_breaks(
    raw: Raw, request_of: Callable[..., ModelRequest]
) -> None:
    """It is paid for; only the last event is missing."""
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"id": "m", "model": "m", "usage": {}}},
        {"type": "content_block_start", "index": 0, "content_block": text("done")},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {}},
    ]
    sent = "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events)
    head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n"
    async with (
        raw(head + sent.encode()) as base_url,
        Models({"local": Endpoint(base_url=base_url)}) as models,
    ):
        response = await models.open(ModelChoice(id="local/m")).respond(request_of())
    assert response.content == (text("done"),)
