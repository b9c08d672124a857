"""Everything that goes wrong with a real endpoint, on demand."""

import asyncio
import time
from typing import Any

import httpx2
import pytest
from anthropic import (
    APIConnectionError,
    APIStatusError,
    AsyncAnthropic,
    InternalServerError,
    RateLimitError,
)
from anthropic.types import Message

from docmill.testing import Answer, Cut, Failure, Reset, ScriptedServer, text, tool_use

HELLO: list[Any] = [{"role": "user", "content": "Hello."}]
ASK: Any = {"model": "m", "max_tokens": 9, "messages": HELLO}
CALL = [text("I look."), tool_use("read", {"file_path": "/workspace/a.txt"})]


def client_of(server: ScriptedServer) -> AsyncAnthropic:
    """The vendor's client, which does not retry."""
    return AsyncAnthropic(base_url=server.base_url, api_key="test", max_retries=0)


async def ask(client: AsyncAnthropic, **more: Any) -> Any:
    """The whole answer, or its stream."""
    create: Any = client.messages.create
    return await create(**ASK, **more)


async def gather_into(stream: Any, seen: list[Any]) -> None:
    """Collect events as they come; what came before an error stays."""
    async for event in stream:
        seen.append(event)


async def events_of(client: AsyncAnthropic, seen: list[Any]) -> None:
    """Collect the events of an answer."""
    await gather_into(await ask(client, stream=True), seen)


async def final(client: AsyncAnthropic) -> Message:
    """The whole answer of a stream."""
    async with client.messages.stream(**ASK) as stream:
        return await stream.get_final_message()


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (529, "overloaded_error"),
    ],
)
async def test_an_error_has_the_form_of_the_api(status: int, kind: str, stream: bool) -> None:
    """Type, message and request id, in the body and in the header."""
    async with ScriptedServer([Failure(status)]) as server, client_of(server) as client:
        with pytest.raises(APIStatusError) as caught:
            await ask(client, stream=stream)
    error: Any = caught.value
    assert (error.status_code, error.type) == (status, kind)
    assert error.body["request_id"] == error.request_id == server.log[0].request_id
    assert (server.log[0].outcome, server.log[0].usage) == ("failed", {})


async def test_a_rate_limit_says_how_long_to_wait_if_the_script_does() -> None:
    """In a header, as seconds."""
    script = [Failure(429, retry_after=1.5), Failure(429)]
    waits: list[Any] = []
    async with ScriptedServer(script) as server, client_of(server) as client:
        for _ in script:
            with pytest.raises(RateLimitError) as caught:
                await ask(client)
            waits.append(caught.value.response.headers.get("retry-after"))
    assert waits == ["1.5", None]


async def test_a_connection_is_reset_before_anything_is_said() -> None:
    """The next request comes on a new connection."""
    async with ScriptedServer([Reset(), [text("Hi.")]]) as server, client_of(server) as client:
        with pytest.raises(APIConnectionError):
            await ask(client)
        await ask(client)
    assert [entry.outcome for entry in server.log] == ["reset", "completed"]


@pytest.mark.parametrize("how", ["reset", "eof"])
async def test_a_stream_breaks_off_in_the_middle_of_a_tool_call(how: Any) -> None:
    """Some of the input has come; what the client was told until then is in the log."""
    seen: list[Any] = []
    async with ScriptedServer([Answer(CALL, cut=Cut(how))]) as server, client_of(server) as client:
        with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
            await events_of(client, seen)
    *_, last = seen
    assert (last.type, last.index, last.delta.type) == (
        "content_block_delta",
        1,
        "input_json_delta",
    )
    parts = [event.delta.partial_json for event in seen if event.type == last.type and event.index]
    assert '{"file_path": "/workspace/a.txt"}'.startswith("".join(parts))
    assert "".join(parts)
    assert server.log[0].outcome == "cut"
    assert server.log[0].usage["input_tokens"] == seen[0].message.usage.input_tokens
    assert server.totals["output_tokens"] == 1


@pytest.mark.parametrize(
    ("where", "last"), [("start", "message_start"), ("end", "content_block_stop")]
)
async def test_a_stream_ends_in_form_but_too_early(where: Any, last: str) -> None:
    """No error of the connection: only `message_stop` is missing."""
    seen: list[Any] = []
    script = [Answer(CALL, cut=Cut("end", where))]
    async with ScriptedServer(script) as server, client_of(server) as client:
        await events_of(client, seen)
    assert seen[-1].type == last


async def test_a_stream_reports_an_error_in_its_middle() -> None:
    """As an event; the HTTP status was 200 long before."""
    script = [Answer(CALL, cut=Cut("error"))]
    async with ScriptedServer(script) as server, client_of(server) as client:
        with pytest.raises(APIStatusError) as caught:
            await final(client)
    assert (caught.value.status_code, caught.value.type) == (200, "overloaded_error")


async def test_a_stream_stalls_until_the_client_gives_up() -> None:
    """The connection stays open and nothing comes, not even a ping."""
    script = [Answer(CALL, cut=Cut("stall"))]
    seen: list[Any] = []
    async with ScriptedServer(script) as server, client_of(server) as client:
        stream = await ask(client, stream=True)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await gather_into(stream, seen)
        await stream.close()
    assert seen[-1].type == "content_block_delta"
    assert server.log[0].outcome == "cut"


@pytest.mark.parametrize("how", ["reset", "eof", "end"])
async def test_a_whole_answer_breaks_off_too(how: Any) -> None:
    """Half of its JSON has come."""
    async with ScriptedServer([Answer(CALL, cut=Cut(how))]) as server, client_of(server) as client:
        with pytest.raises((APIConnectionError, ValueError)):
            await ask(client)
    assert server.log[0].outcome == "cut"


async def test_a_tools_input_may_be_no_json() -> None:
    """It is sent as it stands in the script."""
    script = [[tool_use("read", '{"file_path": "/a')]]
    seen: list[Any] = []
    async with ScriptedServer(script) as server, client_of(server) as client:
        await events_of(client, seen)
    parts = [event.delta.partial_json for event in seen if event.type == "content_block_delta"]
    assert "".join(parts) == '{"file_path": "/a'


async def test_a_giant_answer_arrives_whole() -> None:
    """The server waits for a client that reads slower than it writes."""
    size = 3_000_000
    script = [Answer([text("x" * size)], chunk=100_000)]
    async with ScriptedServer(script) as server, client_of(server) as client:
        answer = await final(client)
    assert len(answer.content[0].model_dump()["text"]) == size
    assert answer.usage.output_tokens == size / 4


async def test_an_answer_drips() -> None:
    """A pause before each delta; the opening comes at once."""
    script = [Answer([text("abcdef")], chunk=2, gap=0.02)]
    times: dict[str, float] = {}
    async with ScriptedServer(script) as server, client_of(server) as client:
        async for event in await ask(client, stream=True):
            times[event.type] = time.monotonic()
    assert times["message_stop"] - times["message_start"] >= 3 * 0.02 * 0.9


async def test_an_answer_has_the_servers_latency() -> None:
    """Before its first byte."""
    async with (
        ScriptedServer([[text("Slow.")]], latency=0.1) as server,
        client_of(server) as client,
    ):
        await ask(client)
    assert server.log[0].took >= 0.1


async def test_a_step_may_have_a_latency_of_its_own() -> None:
    """Errors and counts have none: this test would take minutes."""
    script = [Answer([text("Quick.")], latency=0.0), Failure(500)]
    async with ScriptedServer(script, latency=120) as server, client_of(server) as client:
        await ask(client)
        with pytest.raises(InternalServerError):
            await ask(client)
        await client.messages.count_tokens(model="m", messages=HELLO)


async def test_a_client_that_goes_away_is_noted() -> None:
    """What it would have been told isn't counted."""
    asked = asyncio.Event()

    def late(request: dict[str, Any]) -> Answer:
        asked.set()
        return Answer([text("Late.")], latency=60)

    async with ScriptedServer(late) as server, client_of(server) as client:
        call = asyncio.ensure_future(ask(client))
        await asked.wait()
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
    assert server.log[0].outcome == "abandoned"
    assert server.totals["answers"] == 0


async def test_a_body_that_is_too_large_is_refused() -> None:
    """413, as the API has it."""
    async with ScriptedServer([], max_body=1000) as server, client_of(server) as client:
        with pytest.raises(APIStatusError) as caught:
            await client.messages.create(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "x" * 2000}]
            )
    assert caught.value.status_code == 413


async def one_call(server: ScriptedServer) -> None:
    """A whole life of a server, with one call that fails."""
    async with server, client_of(server) as client:
        with pytest.raises((APIStatusError, APIConnectionError)):
            await ask(client)


async def test_a_call_too_many_fails_the_test() -> None:
    """The client is told, and leaving the server says so again."""
    with pytest.raises(AssertionError, match="call 1 isn't in the script"):
        await one_call(ScriptedServer([]))


async def test_steps_left_over_fail_the_test() -> None:
    """A client that asks less than expected is wrong, too."""
    with pytest.raises(AssertionError, match="1 steps of the script were never asked for"):
        await one_call(ScriptedServer([Reset(), [text("Hi.")]]))


async def test_a_policy_that_raises_fails_the_test() -> None:
    """The client sees a broken connection."""

    def broken(request: dict[str, Any]) -> Answer:
        raise KeyError(request["model"])

    with pytest.raises(AssertionError, match="KeyError: 'm'"):
        await one_call(ScriptedServer(broken))
