"""Answers over HTTP, read with the vendor's own client."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from anthropic import AsyncAnthropic

from docmill.testing import ScriptedServer, text, thinking, tool_use

HELLO: list[Any] = [{"role": "user", "content": "Hello."}]


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    """One that says everything a model can say, twice."""
    content = [
        thinking("Let me see. " * 30),
        text("I look. " * 40),
        tool_use("read", {"file_path": "a" * 200}),
        tool_use("grep", {"pattern": "ü\u2028\n"}),
    ]
    async with ScriptedServer([content, content]) as server:
        yield server


def client_of(server: ScriptedServer) -> AsyncAnthropic:
    """The vendor's client, which does not retry."""
    return AsyncAnthropic(base_url=server.base_url, api_key="test", max_retries=0)


async def test_a_stream_says_the_same_as_a_whole_answer(server: ScriptedServer) -> None:
    """Block for block, but for ids of message and calls."""
    async with client_of(server) as client:
        whole = await client.messages.create(model="m", max_tokens=9, messages=HELLO)
        async with client.messages.stream(model="m", max_tokens=9, messages=HELLO) as stream:
            streamed = await stream.get_final_message()
    varying = {"content": {2: {"id"}, 3: {"id"}}, "id": True}
    assert streamed.model_dump(exclude=varying) == whole.model_dump(exclude=varying)
    assert streamed.stop_reason == "tool_use"
    assert [entry.outcome for entry in server.log] == ["completed", "completed"]
    assert [entry.message_id for entry in server.log] == [whole.id, streamed.id]
