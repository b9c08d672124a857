"""What is sent is valid for the API, and what comes back is the answer as it was given."""

import base64
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from docmill.errors import PrerequisiteError
from docmill.models.base import ModelRequest
from docmill.models.registry import Models
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Capabilities, Endpoint
from docmill.testing import Answer, Failure, text, thinking, tool_use

from .conftest import Open, Raw

Request = Callable[..., ModelRequest]
PNG = base64.b64decode("iVBORw0KGgo=")
BLOBS = {hashlib.sha256(PNG).hexdigest(): PNG}
PICTURE: dict[str, Any] = {
    "type": "image",
    "source": {"type": "blob", "media_type": "image/png", "sha256": next(iter(BLOBS))},
}


class Seen:
    """A script that keeps the bodies it was asked with."""

    def __init__(self, *steps: Answer) -> None:
        self.bodies: list[dict[str, Any]] = []
        self._steps = list(steps) or [Answer([text("fine")])]

    def __call__(self, body: dict[str, Any]) -> Answer:
        """The next step; the last one again and again."""
        self.bodies.append(body)
        return self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]


async def test_an_answer_comes_back_block_by_block(desk: Open, request_of: Request) -> None:
    """Text, thoughts and tool calls, with what they cost."""
    blocks = [thinking("Let me see."), text("I read."), tool_use("read", {"page": 2}, call="t1")]
    async with desk([Answer(blocks)]) as here:
        response = await here.model.respond(request_of())
        told = here.server.log[0].usage
    assert response.content == tuple(blocks)
    assert response.stop_reason == "tool_use"
    assert response.usage.model_calls == 1
    assert response.usage.input_tokens == told["input_tokens"]
    assert response.usage.output_tokens == told["output_tokens"]
    assert response.waited < 1


async def test_the_endpoint_hears_the_models_own_name(desk: Open, request_of: Request) -> None:
    """`local/reader-1` is our word for it; `reader-1` is the endpoint's."""
    seen = Seen()
    async with desk(seen) as here:
        response = await here.model.respond(request_of())
    assert seen.bodies[0]["model"] == "reader-1"
    assert seen.bodies[0]["stream"] is True
    assert "temperature" not in seen.bodies[0]
    assert response.model == "reader-1"


async def test_thoughts_and_calls_go_back_word_for_word(desk: Open, request_of: Request) -> None:
    """The server refuses a call that comes back without the thinking before it."""
    first = Answer([thinking("Page two."), tool_use("read", {"page": 2}, call="t1")])
    async with desk([first, Answer([text("done")])]) as here:
        opening = request_of()
        heard = await here.model.respond(opening)
        result = {"type": "tool_result", "tool_use_id": "t1", "content": "words"}
        end = await here.model.respond(
            request_of(
                messages=(
                    *opening.messages,
                    {"role": "assistant", "content": list(heard.content)},
                    {"role": "user", "content": [result]},
                )
            )
        )
    assert end.content == ({"type": "text", "text": "done"},)


async def test_what_the_api_refuses_is_left_out(desk: Open, request_of: Request) -> None:
    """Blank texts, messages with nothing in them, one role twice in a row."""
    messages = (
        {"role": "user", "content": [text("Read."), text("")]},
        {"role": "assistant", "content": [text("  \n")]},
        {"role": "user", "content": "Please."},
    )
    seen = Seen()
    async with desk(seen) as here:
        await here.model.respond(request_of(messages=messages, system="", tools=()))
    assert seen.bodies[0]["messages"] == [
        {"role": "user", "content": [text("Read."), text("Please.")]}
    ]
    assert "system" not in seen.bodies[0]
    assert "tools" not in seen.bodies[0]


async def test_pictures_are_fetched_just_before_sending(desk: Open, request_of: Request) -> None:
    """The conversation holds hashes; also inside tool results, and it keeps holding them."""
    call = {"role": "assistant", "content": [tool_use("read", {}, call="t1")]}
    result: dict[str, Any] = {
        "type": "tool_result",
        "tool_use_id": "t1",
        "content": [text("Page 1"), text(""), PICTURE],
    }
    messages = (
        {"role": "user", "content": [text("Look."), PICTURE]},
        call,
        {"role": "user", "content": [result]},
    )
    seen = Seen()
    async with desk(seen, blobs=BLOBS.__getitem__) as here:
        await here.model.respond(request_of(messages=messages))
    sent = seen.bodies[0]["messages"]
    source = {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo="}
    assert sent[0]["content"][1]["source"] == source
    assert [part["type"] for part in sent[2]["content"][0]["content"]] == ["text", "image"]
    assert sent[2]["content"][0]["content"][1]["source"] == source
    assert messages[0]["content"][1] is PICTURE
    assert len(result["content"]) == 3


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"page": {"type": "integer"}},
    "required": ["page"],
    "additionalProperties": False,
}


async def test_only_what_an_endpoint_can_do_is_asked_of_it(desk: Open, request_of: Request) -> None:
    """Foreign servers fall over keys they don't know."""
    seen = Seen()
    async with desk(seen) as here:
        await here.model.respond(request_of(effort="low", output_schema=SCHEMA))
    assert sorted(seen.bodies[0]) == [
        "max_tokens",
        "messages",
        "model",
        "stream",
        "system",
        "tools",
    ]
    assert "cache_control" not in str(seen.bodies[0])


async def test_what_an_endpoint_can_do_is_used(desk: Open, request_of: Request) -> None:
    """Effort, a schema for the answer, strict tools."""
    seen = Seen()
    can = {"thinking": True, "json_schema": True, "strict_tools": True}
    tool = {"name": "read", "description": "Reads.", "input_schema": SCHEMA}
    async with desk(seen, capabilities=can) as here:
        await here.model.respond(request_of(effort="high", output_schema=SCHEMA, tools=(tool,)))
    assert seen.bodies[0]["output_config"] == {
        "effort": "high",
        "format": {"type": "json_schema", "schema": SCHEMA},
    }
    assert seen.bodies[0]["tools"] == [{**tool, "strict": True}]


async def test_the_agent_specs_settings_hold_where_the_request_has_none(
    desk: Open, request_of: Request
) -> None:
    """`model: {id, effort, speed}`; fast answers need a header of their own."""
    seen = Seen()
    choice = ModelChoice(id="local/reader-1", effort="max", speed="fast")
    async with desk(seen, capabilities={"thinking": True}, choice=choice) as here:
        await here.model.respond(request_of())
        assert here.server.log[0].headers["anthropic-beta"] == "fast-mode-2026-02-01"
    assert seen.bodies[0]["output_config"] == {"effort": "max"}
    assert seen.bodies[0]["speed"] == "fast"


async def test_tokens_are_counted_by_the_endpoint_if_it_can(
    desk: Open, request_of: Request
) -> None:
    """Its count is smaller than the bound, which is certain and free."""
    async with desk([], capabilities={"count_tokens": True, "caching": True}) as here:
        counted = await here.model.count_tokens(request_of())
        assert [entry.kind for entry in here.server.log] == ["count_tokens"]
    assert 0 < counted < here.model.bound_tokens(request_of())


async def test_tokens_are_bounded_where_nobody_counts(desk: Open, request_of: Request) -> None:
    """Without the capability nothing is asked."""
    async with desk([]) as here:
        counted = await here.model.count_tokens(request_of())
        assert here.server.log == ()
    assert counted == here.model.bound_tokens(request_of())


async def test_a_count_that_fails_is_replaced_by_the_bound(desk: Open, request_of: Request) -> None:
    """Counting is a convenience: the server is away, or knows no such call."""
    async with desk([], capabilities={"count_tokens": True}) as here:
        await here.server.stop()
        assert await here.model.count_tokens(request_of()) == here.model.bound_tokens(request_of())
        await here.server.start()
    async with desk([], models=["other"], capabilities={"count_tokens": True}) as here:
        assert await here.model.count_tokens(request_of()) == here.model.bound_tokens(request_of())


async def test_a_count_with_a_refused_key_stops_the_run(raw: Raw, request_of: Request) -> None:
    """A forecast made of bounds would only hide it."""
    async with raw(b"HTTP/1.1 401 No\r\ncontent-length: 0\r\n\r\n") as base_url:
        endpoint = Endpoint(base_url=base_url, capabilities=Capabilities(count_tokens=True))
        async with Models({"local": endpoint}) as models:
            with pytest.raises(PrerequisiteError):
                await models.open(ModelChoice(id="local/m")).count_tokens(request_of())


async def test_a_call_waits_for_its_slot_and_says_so(desk: Open, request_of: Request) -> None:
    """The session's clock doesn't run while the endpoint asks for patience."""
    steps = [Failure(429, retry_after=0.3), Answer([text("fine")])]
    async with desk(steps) as here:
        with pytest.raises(Exception, match="429"):
            await here.model.respond(request_of())
        response = await here.model.respond(request_of())
    assert 0.2 < response.waited < 5
