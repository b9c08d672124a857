"""Usage and the simulated prompt cache."""

import asyncio
from typing import Any

import pytest
from anthropic import APIConnectionError, AsyncAnthropic
from anthropic.types import Message
from hypothesis import given
from hypothesis import strategies as st

from docmill.testing import Answer, Cut, ScriptedServer, text
from docmill.testing.counting import LOOK_BACK, PromptCache, count

SYSTEM = "You read documents. " * 10
DOCUMENT = "Output voltage 5.02 V. " * 20


def marked(words: str, ttl: str = "5m") -> dict[str, Any]:
    """A block of text that ends a cached prefix."""
    return {**text(words), "cache_control": {"type": "ephemeral", "ttl": ttl}}


def request(*turns: Any, system: Any = SYSTEM, **more: Any) -> dict[str, Any]:
    """A request with user and assistant turns, in turn."""
    roles = ["user", "assistant"] * len(turns)
    messages = [{"role": role, "content": turn} for role, turn in zip(roles, turns, strict=False)]
    return {"model": "m", "max_tokens": 9, "system": system, "messages": messages, **more}


def asked(cache: PromptCache, body: dict[str, Any]) -> dict[str, Any]:
    """The usage of a request that is answered."""
    reading = cache.read(body)
    cache.keep(reading)
    return reading.usage


def test_a_prefix_is_written_once_and_read_afterwards() -> None:
    """By every request that begins with it, whatever follows."""
    cache = PromptCache()
    first = asked(cache, request(DOCUMENT, system=[marked(SYSTEM)]))
    second = asked(cache, request("Another document.", system=[marked(SYSTEM)]))
    assert first["cache_creation_input_tokens"] == second["cache_read_input_tokens"] == 50
    assert second["cache_creation_input_tokens"] == 0
    assert first["cache_read_input_tokens"] == 0


def test_the_mark_moves_on_with_the_turns() -> None:
    """From turn 2 on nearly everything is read."""
    cache = PromptCache()
    asked(cache, request([marked(DOCUMENT)]))
    usage = asked(cache, request([text(DOCUMENT)], "I look.", [marked("3 lines")]))
    assert usage["cache_read_input_tokens"] > 0.9 * sum(
        usage[name] for name in ("input_tokens", "cache_creation_input_tokens")
    )
    assert usage["input_tokens"] == 0


def test_a_changed_word_before_the_mark_loses_the_prefix() -> None:
    """So do other tools, another model, another way of thinking."""
    for change in (
        {"system": SYSTEM + "!"},
        {"tools": [{"name": "read", "input_schema": {"type": "object"}}]},
        {"model": "other"},
        {"thinking": {"type": "adaptive"}},
    ):
        cache = PromptCache()
        asked(cache, request([marked(DOCUMENT)]))
        usage = asked(cache, {**request([marked(DOCUMENT)]), **change})
        assert usage["cache_read_input_tokens"] == 0, change


def test_an_earlier_mark_is_found_a_few_blocks_back_only() -> None:
    """As the API looks back twenty blocks."""
    for more, found in ((LOOK_BACK - 1, True), (LOOK_BACK, False)):
        cache = PromptCache()
        asked(cache, request([marked(DOCUMENT)]))
        blocks = [text(f"line {number}") for number in range(more)]
        usage = asked(cache, request([text(DOCUMENT), *blocks, marked("end")]))
        assert bool(usage["cache_read_input_tokens"]) is found


def test_prefixes_live_as_long_as_they_were_paid_for() -> None:
    """Reading one renews it; what is written is told apart by its time to live."""
    now = [0.0]
    cache = PromptCache(clock=lambda: now[0])
    body = request([marked(DOCUMENT)], system=[marked(SYSTEM, "1h")])
    usage = asked(cache, body)
    assert usage["cache_creation"]["ephemeral_1h_input_tokens"] == 50
    assert usage["cache_creation"]["ephemeral_5m_input_tokens"] == 115
    whole = usage["cache_creation_input_tokens"]
    reads: list[int] = []
    for seconds in (290.0, 580.0, 900.0, 5000.0):
        now[0] = seconds
        reads.append(asked(cache, body)["cache_read_input_tokens"])
    assert reads == [whole, whole, 50, 0]


def test_a_short_prefix_is_not_cached() -> None:
    """Where the endpoint has a minimum."""
    cache = PromptCache(minimum=51)
    body = request("Hello.", system=[marked(SYSTEM)])
    assert asked(cache, body)["cache_creation_input_tokens"] == 0
    assert asked(cache, body)["cache_read_input_tokens"] == 0


BLOCKS = st.lists(
    st.tuples(st.text(min_size=1, max_size=30), st.booleans()), min_size=1, max_size=4
)


@given(st.lists(st.lists(BLOCKS, min_size=1, max_size=4), min_size=1, max_size=6))
def test_no_token_is_counted_twice_or_lost(conversations: list[Any]) -> None:
    """Read, written and plain tokens are together what `count_tokens` says."""
    cache = PromptCache()
    for turns in conversations:
        body = request(*([marked(w) if mark else text(w) for w, mark in turn] for turn in turns))
        usage = asked(cache, body)
        parts = [
            usage["input_tokens"],
            usage["cache_read_input_tokens"],
            usage["cache_creation_input_tokens"],
        ]
        assert sum(parts) == count(body)
        assert min(parts) >= 0
        assert sum(usage["cache_creation"].values()) == parts[2]


def client_of(server: ScriptedServer) -> AsyncAnthropic:
    """The vendor's client, which does not retry."""
    return AsyncAnthropic(base_url=server.base_url, api_key="test", max_retries=0)


async def ask(client: AsyncAnthropic, body: Any) -> Message:
    """The whole answer."""
    create: Any = client.messages.create
    return await create(**body)


@pytest.mark.parametrize("stream", [True, False])
async def test_usage_is_told_as_the_api_tells_it(stream: bool) -> None:
    """The vendor's client reads the same from a stream and from a whole answer."""
    body: Any = request(DOCUMENT, system=[marked(SYSTEM)])
    script: list[Any] = [[text("Hi.")], [text("Hi.")]]
    async with ScriptedServer(script) as server, client_of(server) as client:
        counted = await client.messages.count_tokens(
            model="m", messages=body["messages"], system=body["system"]
        )
        answer: Any = None
        for _ in script:
            if stream:
                async with client.messages.stream(**body) as events:
                    answer = await events.get_final_message()
            else:
                answer = await ask(client, body)
    usage = answer.usage
    assert usage.cache_read_input_tokens == 50
    assert usage.input_tokens + 50 == counted.input_tokens
    assert usage.cache_creation is not None
    assert server.log[-1].usage == usage.model_dump(include=set(server.log[-1].usage))


async def test_a_prefix_can_be_read_once_its_answer_has_begun() -> None:
    """Two calls at once both pay for it: that is why a run warms its prefix first."""
    body: Any = request(DOCUMENT, system=[marked(SYSTEM)])
    script: list[Any] = [Answer([text("Hi.")], latency=0.2), Answer([text("Hi.")], latency=0.2)]
    async with ScriptedServer(script) as server, client_of(server) as client:
        both = await asyncio.gather(ask(client, body), ask(client, body))
    assert [one.usage.cache_creation_input_tokens for one in both] == [50, 50]


async def test_the_script_may_give_the_usage_itself() -> None:
    """Counts that it names replace the computed ones."""
    script = [Answer([text("Hi.")], usage={"output_tokens": 7000, "cache_read_input_tokens": 5})]
    body: Any = request("Hello.")
    async with ScriptedServer(script) as server, client_of(server) as client:
        usage = (await ask(client, body)).usage
    assert (usage.output_tokens, usage.cache_read_input_tokens) == (7000, 5)
    assert server.totals["output_tokens"] == 7000


async def test_an_answer_that_broke_off_has_written_its_prefix() -> None:
    """Once it has begun."""
    body: Any = request(DOCUMENT, system=[marked(SYSTEM)])
    script: list[Any] = [Answer([text("Hi there.")], cut=Cut("eof")), [text("Hi.")]]
    async with ScriptedServer(script) as server, client_of(server) as client:
        with pytest.raises(APIConnectionError):
            await ask(client, body)
        usage = (await ask(client, body)).usage
    assert usage.cache_read_input_tokens == 50
