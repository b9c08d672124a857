"""What was sent before is read from the endpoint's cache, and nobody writes the same twice."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from docmill.models.base import AttemptError, Model, ModelRequest
from docmill.records.results import Usage
from docmill.testing import Answer, Failure, Step, text, tool_use

from .conftest import REQUEST, Open

OK = Answer([text("ok")])
CACHES = {"caching": True}
LONG = replace(REQUEST, system="You read documents. " * 400)


def document(number: int, words: int = 2_000) -> ModelRequest:
    """The opening of a session with a document of its own."""
    page = text(f"Document {number}. " + "Supply voltage 4.75 to 5.25 V. " * (words // 6))
    return replace(LONG, messages=({"role": "user", "content": [page]},), identity=f"d{number}/0")


async def session(model: Model, request: ModelRequest, turns: int) -> list[Usage]:
    """What each turn of a session used; each answer is one call of a tool."""
    spent: list[Usage] = []
    for turn in range(turns):
        response = await model.respond(request)
        spent.append(response.usage)
        results = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": "page words " * 20}
            for block in response.content
        ]
        request = replace(
            request,
            messages=(
                *request.messages,
                {"role": "assistant", "content": list(response.content)},
                {"role": "user", "content": results},
            ),
            identity=f"{request.identity}/{turn}",
        )
    return spent


def always(answer: Answer) -> Callable[[dict[str, Any]], Answer]:
    """A model that has one answer for everything."""

    def script(body: dict[str, Any]) -> Answer:
        return answer

    return script


def reads(count: int) -> Callable[[dict[str, Any]], Answer]:
    """A model that reads so many pages at once, again and again."""
    calls = [tool_use("read", {"page": page}) for page in range(count)]
    return always(Answer(calls))


@pytest.mark.parametrize("calls", [1, 25])
async def test_from_the_second_turn_on_nine_tenths_come_from_the_cache(
    desk: Open, calls: int
) -> None:
    """Also where a turn adds more blocks than the API looks back."""
    async with desk(reads(calls), capabilities=CACHES) as here:
        spent = await session(here.model, document(1, words=8_000), turns=5)
    assert spent[0].cache_read_tokens == 0
    for usage, before in zip(spent[1:], spent, strict=False):
        prompt = usage.input_tokens + usage.cache_write_tokens + usage.cache_read_tokens
        seen_before = before.cache_read_tokens + before.cache_write_tokens + before.input_tokens
        assert usage.cache_read_tokens >= seen_before
        if calls == 1:
            assert usage.cache_read_tokens >= 0.9 * prompt


async def test_every_document_but_the_first_reads_the_shared_prefix(desk: Open) -> None:
    """Tools and system prompt are written once for a run, however many start at the same time."""
    async with desk(always(OK), capabilities=CACHES, latency=0.05) as here:
        responses = await asyncio.gather(*(here.model.respond(document(n)) for n in range(8)))
    reading = [r.usage.cache_read_tokens for r in responses]
    assert sum(tokens == 0 for tokens in reading) == 1
    assert all(tokens > 1_900 for tokens in reading if tokens)


async def test_the_others_go_as_soon_as_the_first_answer_begins(desk: Open) -> None:
    """Not when it ends: long answers would make everybody wait."""
    slow = Answer([text("word " * 100)], gap=0.05)
    quick = Answer([text("ok")])
    steps = [slow, quick, quick]
    async with desk(steps, capabilities=CACHES) as here:
        first = asyncio.create_task(here.model.respond(document(0)))
        await asyncio.gather(*(here.model.respond(document(n)) for n in (1, 2)))
        assert not first.done()
        await first


async def test_if_the_first_fails_the_next_takes_its_place(desk: Open) -> None:
    """One at a time, until the prefix is written."""
    at_once: list[int] = []
    steps: list[Step] = [Failure(500), Failure(500), *[Answer([text("ok")])] * 4]

    def script(body: dict[str, Any]) -> Step:
        at_once.append(sum(entry.outcome == "open" for entry in here.server.log))
        return steps[len(at_once) - 1]

    async with desk(script, capabilities=CACHES, latency=0.02) as here:
        answers = await asyncio.gather(
            *(here.model.respond(document(n)) for n in range(6)), return_exceptions=True
        )
    assert sum(isinstance(answer, AttemptError) for answer in answers) == 2
    assert at_once[:3] == [1, 1, 1]
    assert max(at_once[3:]) > 1


async def test_an_endpoint_that_caches_nothing_is_not_warmed(desk: Open) -> None:
    """All start at once."""
    at_once: list[int] = []

    def script(body: dict[str, Any]) -> Step:
        at_once.append(sum(entry.outcome == "open" for entry in here.server.log))
        return OK

    async with desk(script, latency=0.3) as here:
        await asyncio.gather(*(here.model.respond(document(n)) for n in range(4)))
    assert max(at_once) == 4


async def test_the_prefix_is_the_same_bytes_in_every_request(desk: Open) -> None:
    """Marks move; what they mark doesn't change by a byte."""
    bodies: list[dict[str, Any]] = []

    def script(body: dict[str, Any]) -> Step:
        bodies.append(body)
        return Answer([tool_use("read", {"page": 1})])

    async with desk(script, capabilities=CACHES) as here:
        await session(here.model, document(1), turns=4)
    assert all(body["system"] == bodies[0]["system"] for body in bodies)
    assert all(body["tools"] == bodies[0]["tools"] for body in bodies)
    for body in bodies:
        marks = str(body).count("cache_control")
        assert 2 <= marks <= 4


async def test_a_request_without_system_prompt_marks_its_tools(
    desk: Open, request_of: Callable[..., ModelRequest]
) -> None:
    """Whatever stands first is shared."""
    bodies: list[dict[str, Any]] = []

    def script(body: dict[str, Any]) -> Step:
        bodies.append(body)
        return Answer([text("ok")])

    async with desk(script, capabilities=CACHES) as here:
        await here.model.respond(request_of(system=""))
    assert bodies[0]["tools"][-1]["cache_control"] == {"type": "ephemeral"}
