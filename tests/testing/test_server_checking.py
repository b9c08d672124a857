"""The server refuses what the API refuses: what passes in tests passes in earnest."""

import copy
from typing import Any

import pytest
from anthropic import AsyncAnthropic, AuthenticationError, BadRequestError, NotFoundError
from anthropic.types import MessageCountTokensParams, ToolParam
from anthropic.types.message_create_params import MessageCreateParamsBase

from docmill.testing import ScriptedServer, text, thinking, tool_use
from docmill.testing.answering import Answer
from docmill.testing.checking import CREATE, SHARED, TOOL, mistake
from docmill.testing.turns import SHAPES, Memory

PNG = "iVBORw0KGgoAAAANSUhEUg=="
RESULT: dict[str, Any] = {"type": "tool_result", "tool_use_id": "c1", "content": "3 lines"}
GOOD: dict[str, Any] = {
    "model": "m",
    "max_tokens": 2000,
    "stream": True,
    "system": [{"type": "text", "text": "Read.", "cache_control": {"type": "ephemeral"}}],
    "tools": [{"name": "read", "input_schema": {"type": "object"}, "description": "Reads."}],
    "thinking": {"type": "adaptive"},
    "messages": [
        {"role": "user", "content": "Hello."},
        {
            "role": "assistant",
            "content": [thinking("Hm."), text("I look."), tool_use("read", {}, call="c1")],
        },
        {"role": "user", "content": [RESULT, text("Go on.")]},
    ],
}
MARKED = {"type": "text", "text": "x", "cache_control": {"type": "ephemeral"}}
HOUR = {"type": "ephemeral", "ttl": "1h"}
OPEN_ENDED: dict[str, Any] = {"name": "s", "input_schema": {"type": "object"}, "strict": True}


def client_of(server: ScriptedServer) -> AsyncAnthropic:
    """The vendor's client, which does not retry."""
    return AsyncAnthropic(base_url=server.base_url, api_key="test", max_retries=0)


def changed(path: str, value: Any) -> dict[str, Any]:
    """The good request, with one place of it set; None deletes it."""
    body = copy.deepcopy(GOOD)
    *way, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    place: Any = body
    for step in way:
        place = place[step]
    if value is None:
        del place[last]
    elif isinstance(last, int):
        place[last : last + 1] = [value]
    else:
        place[last] = value
    return body


def test_a_good_request_has_no_mistake() -> None:
    """Thinking, tools, results and marks included."""
    assert mistake(GOOD, Memory()) == ""


MISTAKES: list[Any] = [
    ("max_tokens", None, "max_tokens: Field required"),
    ("max_tokens", 0, "max_tokens: Input should be greater than or equal to 1"),
    ("max_tokens", "9", "max_tokens: Input should be a valid integer"),
    ("model", "", "model: String should have at least 1 character"),
    ("max_token", 3, "max_token: Extra inputs are not permitted"),
    ("temperature", 2, "temperature: Input should be between 0 and 1"),
    ("stop_sequences", [" "], "must contain non-whitespace"),
    ("messages", [], "at least one message is required"),
    ("messages", "Hi.", "messages: Input should be a valid list"),
    ("messages.0.role", "assistant", "first message must use the user role"),
    ("messages.0.role", "bot", "messages.0.role"),
    ("messages.0.name", "Ann", "messages.0.name: Extra inputs are not permitted"),
    ("messages.0.content", "", "text content blocks must be non-empty"),
    ("messages.0.content", [], "must have non-empty content"),
    ("messages.0.content", [text("  ")], "non-whitespace"),
    ("messages.0.content", [{"type": "txt"}], "messages.0.content.0.type: Input tag 'txt'"),
    ("messages.0.content", [{**text("x"), "id": 1}], "content.0.text.id: Extra inputs"),
    ("messages.0.content", [tool_use("read", {})], "not permitted in user messages"),
    ("messages.1.content.0", {"type": "thinking", "thinking": "x"}, "signature: Field"),
    ("messages.1.content.2.input", "{", "input: Input should be a valid dictionary"),
    ("messages.1.content.2.id", "c 1", "id: String should match pattern"),
    ("messages.1.content.3", tool_use("read", {}, call="c1"), "ids must be unique"),
    ("messages.1.content.3", tool_use("read", {}, call="c2"), "without `tool_result`"),
    ("messages.2.content.0", text("Well."), "without `tool_result` blocks immediately after"),
    ("messages.2.content.0.tool_use_id", "c9", "unexpected `tool_use_id`"),
    ("messages.2.content.1", RESULT, "single result"),
    ("messages.2.content", [text("So:"), RESULT], "must come first"),
    ("messages.2.content.0.content", [{"type": "thinking"}], "'thinking' is not permitted"),
    ("messages.2", None, "without `tool_result` blocks"),
    ("messages.3", {"role": "user", "content": "Now."}, "roles must alternate"),
    ("messages.3", {"role": "assistant", "content": "{"}, "does not support assistant message"),
    ("system", [text("")], "must be non-empty"),
    ("system", [{"type": "image", "source": {}}], "not permitted in system"),
    ("tools.0.input_schema", None, "tools.0.custom.input_schema: Field required"),
    ("tools.0.input_schema.type", "array", "input_schema.type: Input should be 'object'"),
    ("tools.0.name", "read file", "name: String should match pattern"),
    ("tools.0.parameters", {}, "tools.0.custom.parameters: Extra inputs"),
    ("tools.1", GOOD["tools"][0], "Tool names must be unique"),
    ("tools.1", OPEN_ENDED, "'additionalProperties' must be explicitly set to false"),
    ("tool_choice", {"type": "tool", "name": "write"}, "'write' not found"),
    ("tool_choice", {"type": "any"}, "Thinking may not be enabled"),
    ("thinking", {"type": "enabled", "budget_tokens": 9}, "greater than or equal to 1024"),
    ("thinking", {"type": "enabled", "budget_tokens": 2000}, "`max_tokens` must be greater"),
    ("output_config", {"effort": "huge"}, "output_config.effort"),
    ("output_config", {"format": {"type": "json_schema"}}, "format.schema: Field required"),
    ("messages.0.content", [MARKED] * 4, "A maximum of 4 blocks with cache_control"),
    ("messages.0.content", [{**MARKED, "cache_control": HOUR}], "must not come after"),
    ("cache_control", {"type": "ephemeral", "ttl": "2h"}, "ttl of '5m' or '1h'"),
]


@pytest.mark.parametrize(("path", "value", "complaint"), MISTAKES)
def test_a_mistake_is_named(path: str, value: Any, complaint: str) -> None:
    """With its place, in the API's words."""
    assert complaint in mistake(changed(path, value), Memory())


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ({"type": "base64", "media_type": "image/png", "data": PNG}, ""),
        ({"type": "base64", "media_type": "image/png", "data": "JVBERi0x"}, "not of type"),
        ({"type": "base64", "media_type": "image/tiff", "data": PNG}, "'image/tiff' is not"),
        ({"type": "blob", "media_type": "image/png"}, "Input tag 'blob'"),
    ],
)
def test_pictures_are_what_they_say(source: Any, complaint: str) -> None:
    """Also inside of a tool's result."""
    picture = {"type": "image", "source": source}
    for path, value in (
        ("messages.0.content", [picture]),
        ("messages.2.content.0.content", [picture]),
    ):
        found = mistake(changed(path, value), Memory())
        assert complaint in found
        assert bool(found) == bool(complaint)


def test_a_promised_schema_keeps_to_what_can_be_promised() -> None:
    """Limits of numbers and lengths can't be."""
    value = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}}
    value |= {"additionalProperties": False}
    wanted = {"format": {"type": "json_schema", "schema": value}}
    assert "'minimum' is not supported" in mistake(changed("output_config", wanted), Memory())


def test_the_keys_are_those_of_the_vendor() -> None:
    """Requests, count requests, tools and blocks; headers and old sampling options apart."""
    headers = {"user_profile_id", "workspace_id"}
    required = {"model", "messages"}
    created = {*MessageCreateParamsBase.__annotations__, "stream"} - headers
    sampling = {"temperature", "top_k", "top_p"}
    assert CREATE | required | {"max_tokens"} == created | sampling
    assert set(MessageCountTokensParams.__annotations__) - headers == SHARED | required
    assert set(ToolParam.__annotations__) == TOOL | {"name", "input_schema"}


@pytest.mark.parametrize("kind", sorted(SHAPES))
def test_the_keys_of_blocks_are_those_of_the_vendor(kind: str) -> None:
    """As the installed client's types have them."""
    import anthropic.types as vendor

    name = "".join(word.title() for word in kind.split("_")) + "BlockParam"
    keys = set(getattr(vendor, name).__annotations__)
    assert SHAPES[kind].required | SHAPES[kind].optional == keys


async def test_a_refused_request_takes_no_step() -> None:
    """Bad key, missing version, unknown model, mistake: each has its status."""
    hello: Any = [{"role": "user", "content": "Hello."}]
    async with ScriptedServer([], models=["known"]) as server:
        address = server.base_url
        async with AsyncAnthropic(base_url=address, api_key="x", max_retries=0) as client:
            with pytest.raises(AuthenticationError):
                await client.messages.create(model="known", max_tokens=9, messages=hello)
        async with AsyncAnthropic(base_url=address, api_key="test", max_retries=0) as client:
            with pytest.raises(NotFoundError, match="model: other"):
                await client.messages.create(model="other", max_tokens=9, messages=hello)
            with pytest.raises(BadRequestError) as caught:
                await client.messages.create(model="known", max_tokens=0, messages=hello)
    assert caught.value.request_id == server.log[2].request_id
    assert [entry.status for entry in server.log] == [401, 404, 400]
    assert {entry.outcome for entry in server.log} == {"refused"}


async def test_thoughts_come_back_as_they_were() -> None:
    """Calls without the thinking before them are refused, as the API does."""
    said = [thinking("Hm."), tool_use("read", {})]
    messages: list[Any] = [{"role": "user", "content": "Hello."}]
    async with ScriptedServer([said, [text("Done.")]]) as server, client_of(server) as client:
        answer = await client.messages.create(model="m", max_tokens=9, messages=messages)
        call = answer.content[1].model_dump()["id"]
        result = {"role": "user", "content": [{**RESULT, "tool_use_id": call}]}
        forgotten: Any = [{"role": "assistant", "content": answer.content[1:]}, result]
        with pytest.raises(BadRequestError, match="cannot be modified"):
            await client.messages.create(model="m", max_tokens=9, messages=[*messages, *forgotten])
        whole: Any = [{"role": "assistant", "content": answer.content}, result]
        await client.messages.create(model="m", max_tokens=9, messages=[*messages, *whole])


async def test_a_paused_turn_may_come_back_last() -> None:
    """Nothing else of the assistant's may."""
    pause = Answer([text("I think.")], stop_reason="pause_turn")
    hello: list[Any] = [{"role": "user", "content": "Hello."}]
    async with ScriptedServer([pause, [text("Done.")]]) as server, client_of(server) as client:
        first = await client.messages.create(model="m", max_tokens=9, messages=hello)
        again: Any = [*hello, {"role": "assistant", "content": first.content}]
        second = await client.messages.create(model="m", max_tokens=9, messages=again)
    assert [first.stop_reason, second.stop_reason] == ["pause_turn", "end_turn"]
