"""The endpoints of message batches.

Neighbours: `batches` keeps them, `deciding` says what becomes of each entry, `answering` composes
its message. A batch's steps have no latency and are never cut.
"""

from collections.abc import Mapping
from typing import Any

from docmill.testing.answering import Speaker, fail, give
from docmill.testing.batches import (
    Batch,
    Batches,
    Item,
    Result,
    describe,
    page,
    read_entries,
    result_lines,
)
from docmill.testing.deciding import Decision, Judge
from docmill.testing.log import Entry, Log
from docmill.testing.script import Answer, Failure, Step, Unprocessed
from docmill.testing.turns import MistakeError
from docmill.testing.wire import Exchange
from docmill.testing.wording import encode, error_body

PATH = "/v1/messages/batches"
STREAMED = Decision(Failure(400, "stream: Extra inputs are not permitted"), "refused")


class BatchDesk:
    """Takes batches in and gives their results out."""

    def __init__(self, batches: Batches, speaker: Speaker, judge: Judge, log: Log) -> None:
        self._batches = batches
        self._speaker = speaker
        self._judge = judge
        self._log = log

    def serve(
        self, exchange: Exchange, entry: Entry, body: Mapping[str, Any] | None, base_url: str
    ) -> None:
        """Answer a request under `/v1/messages/batches`."""
        request = exchange.request
        name, _, verb = request.path.removeprefix(PATH).strip("/").partition("/")
        try:
            match request.method, bool(name), verb:
                case "POST", False, "":
                    _show(exchange, entry, self._take(entry, body), base_url)
                case "GET", False, "":
                    give(exchange, entry, encode(page(self._batches, request.query, base_url)))
                case _:
                    self._serve_one(exchange, entry, self._batches.get(name), verb, base_url)
        except MistakeError as error:
            fail(exchange, entry, Failure(400, str(error)))
            entry.outcome = "refused"

    def _serve_one(
        self, exchange: Exchange, entry: Entry, batch: Batch | None, verb: str, base_url: str
    ) -> None:
        method = exchange.request.method
        if batch is not None and (method, verb) == ("GET", ""):
            self._batches.look(batch)
            _show(exchange, entry, batch, base_url)
        elif batch is not None and (method, verb) == ("POST", "cancel"):
            self._batches.cancel(batch)
            _show(exchange, entry, batch, base_url)
        elif batch is not None and (method, verb) == ("GET", "results"):
            if batch.ended is None:
                raise MistakeError("Message Batch has no available results: it is in progress.")
            give(exchange, entry, result_lines(batch), kind="application/x-jsonl")
        else:
            fail(exchange, entry, Failure(404, "Message Batch not found"))
            entry.outcome = "refused"

    def _take(self, entry: Entry, body: Mapping[str, Any] | None) -> Batch:
        requests = read_entries(body)
        decided = {name: self._decide(params) for name, params in requests.items()}
        # All are read before one is answered: entries of a batch don't find each other's prefixes.
        readings = {
            name: self._speaker.read(requests[name])
            for name, decision in decided.items()
            if isinstance(decision.step, Answer)
        }
        items: dict[str, Item] = {}
        for name, (step, outcome) in decided.items():
            noted = self._log.add_entry(entry.path, name, requests[name])
            if isinstance(step, Answer):
                message = self._speaker.compose(step, noted, readings[name], tier="batch")
                noted.message_id = ""  # it isn't told before the batch has ended
                items[name] = Item({"type": "succeeded", "message": message}, noted, "completed")
            else:
                items[name] = Item(_result(step, noted), noted, outcome)
        return self._batches.add(items)

    def _decide(self, params: dict[str, Any]) -> Decision:
        decision = STREAMED if params.get("stream") else self._judge.decide(params)
        if isinstance(decision.step, Unprocessed):
            return Decision(decision.step, "unprocessed")
        return decision


def _result(step: Step, noted: Entry) -> Result:
    if isinstance(step, Unprocessed):
        return {"type": step.result}
    failure = step if isinstance(step, Failure) else Failure(500)
    error = error_body(failure.status, failure.message, request_id=noted.request_id)
    noted.error = error["error"]["message"]
    return {"type": "errored", "error": error}


def _show(exchange: Exchange, entry: Entry, batch: Batch, base_url: str) -> None:
    give(exchange, entry, encode(describe(batch, base_url)))
