"""Message batches over HTTP: sent, looked at, found again, and read line by line."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from docmill.errors import PrerequisiteError
from docmill.models.base import AttemptError, ModelRequest
from docmill.models.batching import BatchGoneError, BatchRequest
from docmill.models.messages.batches import MessageBatches
from docmill.models.messages.client import Client
from docmill.models.messages.failures import Failures
from docmill.models.messages.model import MessagesModel
from docmill.models.registry import Models
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Capabilities, Endpoint
from docmill.store.batches import BatchLog
from docmill.store.database import open_database
from docmill.testing import Answer, Failure, ScriptedServer, Step, Unprocessed, text

from .conftest import KEY, Raw

CHOICE = ModelChoice(id="local/reader-1")
Requests = Callable[..., ModelRequest]
LONG_AGO = datetime.now(UTC) - timedelta(days=1)


def endpoint_of(base_url: str, **keys: Any) -> Endpoint:
    """An endpoint with message batches."""
    return Endpoint(
        base_url=base_url,
        api_key_env="LOCAL_KEY",
        capabilities=Capabilities(batches=True),
        stall_seconds=5,
        **keys,
    )


def models_of(base_url: str, **keys: Any) -> Models:
    """Its models."""
    return Models({"local": endpoint_of(base_url, **keys)}, secrets={"LOCAL_KEY": KEY}.get)


@asynccontextmanager
async def batches_of(base_url: str) -> AsyncGenerator[MessageBatches]:
    """Its batches."""
    client = Client("local", endpoint_of(base_url), key=KEY)
    failures = Failures(
        endpoint="local",
        model="reader-1",
        base_url=base_url,
        stall_seconds=5,
        key_remedy="Set the key.",
        scrub=lambda words: words.replace(KEY, "[key]"),
    )
    yield MessageBatches(client, failures)
    await client.aclose()


def entries(models: Models, *requests: ModelRequest) -> list[bytes]:
    """Entries of a batch, named `c0`, `c1`, …"""
    model = models.open(CHOICE)
    assert isinstance(model, MessagesModel)
    asked = [BatchRequest(model, request, "") for request in requests]
    return [request.entry(f"c{number}") for number, request in enumerate(asked)]


async def test_a_batch_is_sent_looked_at_and_read(request_of: Requests) -> None:
    """Each result comes with the name its call was given."""
    steps: list[Step] = [Answer([text("one")]), Answer([text("two")])]
    async with (
        ScriptedServer(steps, key=KEY, batch_polls=1) as server,
        models_of(server.base_url) as models,
        batches_of(server.base_url) as batches,
    ):
        sent = await batches.submit(entries(models, request_of(), request_of(max_tokens=9)))
        assert (sent.calls, sent.ended) == (2, False)
        with pytest.raises(BatchGoneError):
            await anext(batches.results(sent.id))
        assert not (await batches.poll(sent.id)).ended
        assert (await batches.poll(sent.id)).ended
        model = models.open(CHOICE)
        assert isinstance(model, MessagesModel)
        async with aclosing(batches.results(sent.id)) as results:
            said = {name: model.outcome(result) async for name, result in results}
    assert {name: answer.content[0]["text"] for name, answer in said.items()} == {
        "c0": "one",
        "c1": "two",
    }
    assert said["c0"].usage.output_tokens > 0


async def test_batches_of_the_last_time_are_listed(request_of: Requests) -> None:
    """All pages of them, whoever sent them, but none from before."""
    steps = [Answer([text("fine")]) for _ in range(120)]
    async with (
        ScriptedServer(steps, key=KEY) as server,
        models_of(server.base_url) as models,
        batches_of(server.base_url) as batches,
    ):
        data = entries(models, request_of())
        ids = {(await batches.submit(data)).id for _ in range(120)}
        recent = [batch async for batch in batches.recent(LONG_AGO)]
        assert {batch.id for batch in recent} == ids
        assert recent[0].created >= recent[-1].created
        assert [b async for b in batches.recent(datetime.now(UTC) + timedelta(hours=1))] == []


@pytest.mark.parametrize(
    ("step", "code", "retryable"),
    [
        (Unprocessed("expired"), "model_batch_expired", True),
        (Unprocessed("canceled"), "model_batch_canceled", True),
        (Failure(500), "model_server_error", True),
        (Failure(529), "model_overloaded", True),
        (Failure(400, "no such field"), "model_request_invalid", False),
        (Failure(400, "prompt is too long"), "model_request_too_large", False),
    ],
)
async def test_a_call_may_have_no_answer(
    request_of: Requests, tmp_path: Path, step: Step, code: str, retryable: bool
) -> None:
    """It fails as it would have failed live; what passes is worth another batch."""
    engine = open_database(tmp_path)
    async with (
        ScriptedServer([step, [text("fine")]], key=KEY, batch_polls=0) as server,
        models_of(server.base_url) as models,
    ):
        model = models.open_batched(CHOICE, BatchLog(engine))
        with pytest.raises(AttemptError) as failed:
            await model.respond(request_of())
        assert (failed.value.code, failed.value.retryable) == (code, retryable)
        assert failed.value.batched
        answer = await model.respond(request_of())
        assert answer.content[0]["text"] == "fine"
    engine.dispose()


@pytest.mark.parametrize("status", [401, 403, 402])
async def test_an_endpoint_that_refuses_the_account_stops_the_run(
    request_of: Requests, status: int
) -> None:
    """One entry is enough to know that all others would fail."""
    async with models_of("http://127.0.0.1:9") as models:
        model = models.open(CHOICE)
        assert isinstance(model, MessagesModel)
        kinds = {401: "authentication_error", 403: "permission_error", 402: "billing_error"}
        error = {"type": kinds[status], "message": f"not {KEY}"}
        with pytest.raises(PrerequisiteError) as refused:
            model.outcome({"type": "errored", "error": {"type": "error", "error": error}})
    assert KEY not in str(refused.value)


async def test_results_say_what_they_like(request_of: Requests) -> None:
    """A kind of result nobody knows, or an error without words, is no answer."""
    async with models_of("http://127.0.0.1:9") as models:
        model = models.open(CHOICE)
        assert isinstance(model, MessagesModel)
        for result in ({"type": "missing"}, {"type": "teapot"}, {"type": "errored"}):
            with pytest.raises(AttemptError) as failed:
                model.outcome(result)
            assert failed.value.retryable
        for wrong in ({"type": "succeeded"}, {"type": "succeeded", "message": "words"}):
            with pytest.raises(AttemptError):
                model.outcome(wrong)


async def test_a_batch_nobody_knows_is_gone() -> None:
    """Its state as well as its results."""
    async with (
        ScriptedServer([], key=KEY) as server,
        batches_of(server.base_url) as batches,
    ):
        with pytest.raises(BatchGoneError):
            await batches.poll("msgbatch_none")
        with pytest.raises(BatchGoneError):
            await anext(batches.results("msgbatch_none"))


@pytest.mark.parametrize("body", [b"[]", b"{}", b"words", b'{"id": "b", "request_counts": 3}'])
async def test_what_is_no_batch_is_tried_again(raw: Raw, body: bytes) -> None:
    """A proxy in the way may say anything for a while."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"
    answer = head + b"content-length: %d\r\n\r\n%b" % (len(body), body)
    async with raw(answer) as url, batches_of(url) as batches:
        with pytest.raises(AttemptError) as failed:
            await batches.poll("msgbatch_1")
    assert failed.value.retryable


async def test_an_endpoint_without_batches_says_so_in_our_words(raw: Raw) -> None:
    """404 where batches are sent: the remedy is to do without them."""
    answer = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"
    async with raw(answer) as url, batches_of(url) as batches:
        with pytest.raises(PrerequisiteError, match="no message batches"):
            await batches.submit([b"{}"])


async def test_what_can_not_be_batched_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    """An endpoint without the capability, a cloud of another maker, a faster answer."""
    engine = open_database(tmp_path)
    log = BatchLog(engine)
    without = Endpoint(base_url="http://127.0.0.1:9")
    async with Models({"local": without}) as models:
        with pytest.raises(PrerequisiteError, match="no message batches"):
            models.open_batched(CHOICE, log)
    async with models_of("http://127.0.0.1:9") as models:
        with pytest.raises(PrerequisiteError, match="speed: fast"):
            models.open_batched(CHOICE.model_copy(update={"speed": "fast"}), log)
        assert "Rules" in type(models.open_batched(ModelChoice(id="rules"), log)).__name__
    engine.dispose()
