"""Message batches, driven with the vendor's own client."""

from typing import Any

import pytest
from anthropic import AnthropicError, AsyncAnthropic, BadRequestError, NotFoundError
from anthropic.types.messages import MessageBatchIndividualResponse

from docmill.testing import Answer, Failure, ScriptedServer, Step, Unprocessed, text


def said_back(request: dict[str, Any]) -> Step:
    """Answers with what was asked; some words have an effect."""
    words = request["messages"][0]["content"]
    steps: dict[str, Step] = {
        "expire": Unprocessed("expired"),
        "fail": Failure(529),
    }
    return steps.get(words) or Answer([text(words)])


def entries(*words: str) -> Any:
    """One request per word, named after it."""
    return [
        {
            "custom_id": f"for-{word}",
            "params": {
                "model": "m",
                "max_tokens": 9,
                "messages": [{"role": "user", "content": word}],
            },
        }
        for word in words
    ]


def client_of(server: ScriptedServer) -> AsyncAnthropic:
    """The vendor's client, which does not retry."""
    return AsyncAnthropic(base_url=server.base_url, api_key="test", max_retries=0)


async def results(client: AsyncAnthropic, ident: str) -> dict[str, MessageBatchIndividualResponse]:
    """By custom id, in the order they come."""
    return {line.custom_id: line async for line in await client.messages.batches.results(ident)}


async def test_a_batch_ends_after_some_looks() -> None:
    """Then every entry has its result, matched by its id and not by its place."""
    words = ["a", "b", "c", "expire", "fail"]
    async with ScriptedServer(said_back, batch_polls=2) as server, client_of(server) as client:
        batch = await client.messages.batches.create(requests=entries(*words))
        seen = [batch] + [await client.messages.batches.retrieve(batch.id) for _ in range(3)]
        found = await results(client, batch.id)
    statuses = [one.processing_status for one in seen]
    assert statuses == ["in_progress", "in_progress", "in_progress", "ended"]
    assert batch.request_counts.processing == 5
    counts = seen[-1].request_counts
    assert (counts.succeeded, counts.errored, counts.expired, counts.processing) == (3, 1, 1, 0)
    assert sorted(found) == sorted(f"for-{word}" for word in words)
    assert list(found) != [f"for-{word}" for word in words]
    kinds = [found[f"for-{word}"].result.type for word in words]
    assert kinds == ["succeeded"] * 3 + ["expired", "errored"]


async def test_the_answers_of_a_batch_count_when_it_has_ended() -> None:
    """Each has a log entry of its own; what expired or failed costs nothing."""
    async with ScriptedServer(said_back, batch_polls=0) as server, client_of(server) as client:
        batch = await client.messages.batches.create(requests=entries("abcdefgh", "expire"))
        assert server.totals["answers"] == 0
        await client.messages.batches.retrieve(batch.id)
        (answer,) = [
            line.result.message
            for line in (await results(client, batch.id)).values()
            if line.result.type == "succeeded"
        ]
    assert server.totals["answers"] == 1
    assert server.totals["output_tokens"] == answer.usage.output_tokens == 2
    assert answer.usage.service_tier == "batch"
    log = [entry for entry in server.log if entry.kind == "batch_entry"]
    assert [(entry.custom_id, entry.outcome, entry.message_id) for entry in log] == [
        ("for-abcdefgh", "completed", answer.id),
        ("for-expire", "unprocessed", ""),
    ]


async def test_a_mistake_inside_of_an_entry_is_that_entrys_result() -> None:
    """The others are answered."""
    requests = entries("a", "b", "c")
    requests[1]["params"]["max_tokens"] = 0
    requests[2]["params"]["stream"] = True
    script = [[text("A.")]]
    async with ScriptedServer(script, batch_polls=0) as server, client_of(server) as client:
        batch = await client.messages.batches.create(requests=requests)
        await client.messages.batches.retrieve(batch.id)
        found = await results(client, batch.id)
    assert [found[f"for-{word}"].result.type for word in "abc"] == [
        "succeeded",
        "errored",
        "errored",
    ]
    result = found["for-b"].result.model_dump()
    assert result["error"]["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("requests", "complaint"),
    [
        ([], "requests: List should have 1 to"),
        (entries("a") * 2, "custom_id must be unique"),
        (entries("a b"), "custom_id: String should match pattern"),
    ],
)
async def test_a_wrong_batch_is_refused_as_a_whole(requests: Any, complaint: str) -> None:
    """Nothing of it is asked."""
    async with ScriptedServer([]) as server, client_of(server) as client:
        with pytest.raises(BadRequestError, match=complaint):
            await client.messages.batches.create(requests=requests)
        page = await client.messages.batches.list()
    assert page.data == []


async def test_a_cancelled_batch_ends_with_cancelled_entries() -> None:
    """They cost nothing."""
    async with ScriptedServer(said_back, batch_polls=9) as server, client_of(server) as client:
        batch = await client.messages.batches.create(requests=entries("a", "b"))
        cancelled = await client.messages.batches.cancel(batch.id)
        ended = await client.messages.batches.retrieve(batch.id)
        found = await results(client, batch.id)
    assert cancelled.processing_status == "canceling"
    assert ended.processing_status == "ended"
    assert ended.request_counts.canceled == 2
    assert {line.result.type for line in found.values()} == {"canceled"}
    assert server.totals["answers"] == 0


async def test_results_are_there_at_the_end_only() -> None:
    """The vendor's client says so itself, the server to others; unknown batches are not found."""
    async with ScriptedServer(said_back, batch_polls=9) as server, client_of(server) as client:
        batch = await client.messages.batches.create(requests=entries("a"))
        with pytest.raises(AnthropicError, match="No `results_url`"):
            await client.messages.batches.results(batch.id)
        path = f"/v1/messages/batches/{batch.id}/results"
        with pytest.raises(BadRequestError, match="no available results"):
            await client.get(path, cast_to=object)
        with pytest.raises(NotFoundError):
            await client.messages.batches.retrieve("msgbatch_other")


async def test_batches_are_listed_newest_first() -> None:
    """Page by page: a client that lost an id finds its batch again."""
    async with ScriptedServer(said_back) as server, client_of(server) as client:
        made = [
            (await client.messages.batches.create(requests=entries(word))).id for word in "abcde"
        ]
        listed = [batch.id async for batch in client.messages.batches.list(limit=2)]
        newer = await client.messages.batches.list(limit=2, before_id=made[0])
    assert listed == made[::-1]
    assert [batch.id for batch in newer.data] == [made[2], made[1]]
    assert newer.has_more
