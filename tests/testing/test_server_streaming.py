"""Answers over HTTP, read with the vendor's own client."""

import asyncio
from typing import Any, get_args

import pytest
from anthropic import AsyncAnthropic, NotFoundError
from anthropic.types import StopReason

from docmill.testing import Answer, ScriptedServer, records, text, thinking, tool_use

HELLO: list[Any] = [{"role": "user", "content": "Hello."}]
EVERYTHING = [
    thinking("Let me see. " * 30),
    {"type": "redacted_thinking", "data": "c2VjcmV0"},
    text("I look. " * 40),
    tool_use("read", {"file_path": "a" * 200}),
    tool_use("grep", {"pattern": "ü\u2028\n"}),
]


def client_of(server: ScriptedServer) -> AsyncAnthropic:
    """The vendor's client, which does not retry."""
    return AsyncAnthropic(base_url=server.base_url, api_key="test", max_retries=0)


async def ask(client: AsyncAnthropic, **more: Any) -> Any:
    """The whole answer, or its stream."""
    create: Any = client.messages.create
    return await create(**{"model": "m", "max_tokens": 9, "messages": HELLO, **more})


async def test_a_stream_says_the_same_as_a_whole_answer() -> None:
    """Block for block, but for the ids of the message and of calls."""
    async with ScriptedServer([EVERYTHING] * 2) as server, client_of(server) as client:
        whole = await ask(client)
        async with client.messages.stream(model="m", max_tokens=9, messages=HELLO) as stream:
            streamed = await stream.get_final_message()
    varying = {"content": {3: {"id"}, 4: {"id"}}, "id": True}
    assert streamed.model_dump(exclude=varying) == whole.model_dump(exclude=varying)
    assert streamed.stop_reason == "tool_use"
    assert [entry.outcome for entry in server.log] == ["completed", "completed"]
    assert [entry.message_id for entry in server.log] == [whole.id, streamed.id]


async def test_events_come_in_the_order_of_the_api() -> None:
    """Each block is opened, filled and closed before the next; the reason comes last."""
    script = [Answer(EVERYTHING, chunk=200)]
    async with ScriptedServer(script) as server, client_of(server) as client:
        events = [event async for event in await ask(client, stream=True)]
    seen = [
        event.delta.type if event.type == "content_block_delta" else event.type for event in events
    ]
    start, stop = "content_block_start", "content_block_stop"
    assert seen == [
        "message_start",
        *(start, "thinking_delta", "thinking_delta", "signature_delta", stop),
        *(start, stop),
        *(start, "text_delta", "text_delta", stop),
        *(start, "input_json_delta", "input_json_delta", "input_json_delta", stop),
        *(start, "input_json_delta", "input_json_delta", stop),
        "message_delta",
        "message_stop",
    ]
    assert events[0].message.stop_reason is None
    assert events[0].message.usage.output_tokens == 1
    assert events[1].content_block.model_dump() == {
        **thinking("", signature=""),
        "type": "thinking",
    }
    assert events[-2].delta.stop_reason == "tool_use"
    assert events[-2].usage.input_tokens == events[0].message.usage.input_tokens
    assert events[-2].usage.output_tokens > 200


async def test_a_stream_pings() -> None:
    """Once at its beginning; the vendor's client hides it."""
    async with ScriptedServer([[text("Hi.")]]) as server, client_of(server) as client:
        raw = await client.messages.with_raw_response.create(
            model="m", max_tokens=9, messages=HELLO, stream=True
        )
        lines = (await raw.http_response.aread()).decode().split("\n\n")
    assert lines[2] == 'event: ping\ndata: {"type":"ping"}'
    assert lines[-2] == 'event: message_stop\ndata: {"type":"message_stop"}'
    assert raw.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert raw.headers["request-id"] == server.log[0].request_id


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("reason", get_args(StopReason))
async def test_an_answer_stops_for_any_reason(reason: Any, stream: bool) -> None:
    """The script says which; a refusal says more, a stop sequence which one it was."""
    refused = {"category": "bio", "explanation": "No."} if reason == "refusal" else None
    sequence = "END" if reason == "stop_sequence" else None
    step = Answer([text("Well.")], stop_reason=reason, stop_details=refused, stop_sequence=sequence)
    async with ScriptedServer([step]) as server, client_of(server) as client:
        if stream:
            async with client.messages.stream(model="m", max_tokens=9, messages=HELLO) as events:
                answer: Any = await events.get_final_message()
        else:
            answer = await ask(client)
    assert (answer.stop_reason, answer.stop_sequence) == (reason, sequence)
    details = answer.stop_details and answer.stop_details.model_dump()
    assert details == (refused and {"type": "refusal", **refused})
    assert server.log[0].stop_reason == reason


async def test_a_refusal_may_have_no_content() -> None:
    """The opening is followed by the closing."""
    script = [Answer([], stop_reason="refusal")]
    async with (
        ScriptedServer(script) as server,
        client_of(server) as client,
        client.messages.stream(model="m", max_tokens=9, messages=HELLO) as events,
    ):
        answer = await events.get_final_message()
    assert (answer.content, answer.stop_reason) == ([], "refusal")


async def test_calls_at_once_get_their_own_answers() -> None:
    """A policy answers by what is asked; ids of calls are the same each time, of messages never."""
    book: dict[str, Any] = {f"TR-{number:02}": {"n": number} for number in range(20)}
    tools = [{"name": "submit_record", "input_schema": {"type": "object"}}]
    questions = [[{"role": "user", "content": f"Report {name}"}] for name in book]

    async def all_at_once(client: AsyncAnthropic) -> list[Any]:
        calls = [ask(client, messages=question, tools=tools) for question in questions]
        return await asyncio.gather(*calls)

    async with ScriptedServer(records(book), latency=0.02) as server, client_of(server) as client:
        first, second = await all_at_once(client), await all_at_once(client)
    assert [answer.content[0].input["n"] for answer in first] == list(range(20))
    assert len({answer.content[0].id for answer in [*first, *second]}) == 20
    assert len({answer.id for answer in [*first, *second]}) == 40


async def test_the_log_tells_equal_requests_and_conversations() -> None:
    """What was paid twice can be seen; the key is nowhere in it."""
    longer = [*HELLO, {"role": "assistant", "content": "Hi."}, *HELLO]
    script = [[text("Hi.")]] * 3
    run = {"x-docmill-run": "7"}
    async with (
        ScriptedServer(script, key="sk-very-secret") as server,
        client_of(server).with_options(api_key="sk-very-secret", default_headers=run) as client,
    ):
        for messages in (HELLO, HELLO, longer):
            await ask(client, messages=messages)
        log = await client.get("/__log", cast_to=object)
    one, again, later = server.log
    assert one.sha256 == again.sha256 != later.sha256
    assert one.conversation == again.conversation == later.conversation
    assert (later.messages, later.model, later.stream, later.max_tokens) == (3, "m", False, 9)
    assert later.headers["x-docmill-run"] == "7"
    assert later.headers["anthropic-version"]
    assert "sk-very-secret" not in repr(server.log) + str(log)


async def test_models_are_listed() -> None:
    """Those the server was told of; a server told of none knows any."""
    there = ["claude-a", "claude-b"]
    async with ScriptedServer([], models=there) as server, client_of(server) as client:
        names = [model.id async for model in client.models.list()]
        one = await client.models.retrieve("claude-b")
        with pytest.raises(NotFoundError, match="model: claude-c"):
            await client.models.retrieve("claude-c")
    assert names == there
    assert (one.id, one.max_input_tokens) == ("claude-b", 200_000)
    async with ScriptedServer([]) as server, client_of(server) as client:
        assert (await client.models.retrieve("any")).id == "any"


async def test_a_bearer_token_is_a_key_too() -> None:
    """As the vendor's client sends it."""
    async with (
        ScriptedServer([[text("Hi.")]]) as server,
        AsyncAnthropic(base_url=server.base_url, auth_token="test") as client,
    ):
        await ask(client)
    assert server.log[0].status == 200
