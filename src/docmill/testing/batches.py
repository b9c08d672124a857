"""Message batches: taken at once, answered by the script, ready after some polls.

Neighbours: `answering` routes requests here and composes the answers. Every entry is decided when
the batch is made, in the order of its entries; the results come in another order.
"""

import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from docmill.testing.log import Entry, Outcome, ident
from docmill.testing.turns import MistakeError, as_dict, as_list, check_keys
from docmill.testing.wording import encode

CUSTOM_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")
MAX_ENTRIES = 100_000
LIFETIME = timedelta(hours=24)
KINDS = ("processing", "succeeded", "errored", "canceled", "expired")
Result = Mapping[str, Any]
"""`{type: succeeded, message}`, `{type: errored, error}`, `{type: expired}`, `{type: canceled}`."""


@dataclass(slots=True)
class Item:
    """One entry of a batch."""

    result: Result
    entry: Entry
    """Of the log, which hears the outcome when the batch ends."""
    outcome: Outcome


@dataclass(slots=True)
class Batch:
    """One batch."""

    id: str
    created: datetime
    items: dict[str, Item]
    """By custom id; decided from the start, shown at the end."""
    polls_left: int
    ready: float
    """Time of the clock before which it isn't done."""
    cancelled: datetime | None = None
    ended: datetime | None = None


class Batches:
    """All batches of a server."""

    def __init__(self, *, polls: int, seconds: float, clock: Callable[[], float]) -> None:
        """A batch ends at the first look after `polls` others, not before `seconds` have gone."""
        self._polls = polls
        self._seconds = seconds
        self._clock = clock
        self._batches: dict[str, Batch] = {}

    def add(self, items: dict[str, Item]) -> Batch:
        """Take in a batch whose entries are decided."""
        number = len(self._batches) + 1
        batch = Batch(
            id=ident("msgbatch", number, repr(sorted(items)).encode("utf-8", "replace")),
            created=datetime.now(UTC),
            items=items,
            polls_left=self._polls,
            ready=self._clock() + self._seconds,
        )
        self._batches[batch.id] = batch
        return batch

    def get(self, ident: str) -> Batch | None:
        """The batch of this id."""
        return self._batches.get(ident)

    def look(self, batch: Batch) -> None:
        """Somebody asks how far it is."""
        if batch.ended is not None:
            return
        if batch.cancelled is None and (batch.polls_left > 0 or self._clock() < batch.ready):
            batch.polls_left -= 1
            return
        batch.ended = datetime.now(UTC)
        for item in batch.items.values():
            if item.result["type"] == "succeeded":
                item.entry.message_id = item.result["message"]["id"]
            item.entry.close(item.outcome)

    def cancel(self, batch: Batch) -> None:
        """Whatever isn't done never will be; it ends at the next look."""
        if batch.ended is None and batch.cancelled is None:
            batch.cancelled = datetime.now(UTC)
            for item in batch.items.values():
                item.result, item.outcome = {"type": "canceled"}, "unprocessed"

    @property
    def newest(self) -> list[Batch]:
        """All of them, the newest first."""
        return list(reversed(self._batches.values()))


def page(batches: Batches, query: Mapping[str, str], base_url: str) -> dict[str, Any]:
    """Some of the batches, as `limit`, `after_id` and `before_id` want them.

    Raises:
        MistakeError: the limit is no number from 1 to 1000.
    """
    limit = query.get("limit", "20")
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        raise MistakeError("limit: Input should be between 1 and 1000")
    found = batches.newest
    ids = [batch.id for batch in found]
    more = len(found) > int(limit)
    if (before := query.get("before_id")) in ids:
        more = ids.index(before) > int(limit)
        found = found[: ids.index(before)][-int(limit) :]
    elif (after := query.get("after_id")) in ids:
        found = found[ids.index(after) + 1 :]
        more = len(found) > int(limit)
    data = [describe(batch, base_url) for batch in found[: int(limit)]]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {}
    return {"data": data, "has_more": more, "first_id": None, "last_id": None, **ends}


def read_entries(body: Mapping[str, Any] | None) -> dict[str, dict[str, Any]]:
    """`custom_id` → `params` of each request of a new batch.

    Raises:
        MistakeError: the batch as a whole is wrong; what is wrong inside of `params` is that
            entry's result.
    """
    if body is None:
        raise MistakeError("The request body is not valid JSON")
    check_keys(body, "", required={"requests"}, optional=set())
    requests = as_list(body["requests"], "requests")
    if not 1 <= len(requests) <= MAX_ENTRIES:
        raise MistakeError(f"requests: List should have 1 to {MAX_ENTRIES} items")
    entries: dict[str, dict[str, Any]] = {}
    for number, request in enumerate(requests):
        where = f"requests.{number}"
        given = as_dict(request, where)
        check_keys(given, where, required={"custom_id", "params"}, optional=set())
        custom_id = given["custom_id"]
        if not isinstance(custom_id, str) or not CUSTOM_ID.fullmatch(custom_id):
            raise MistakeError(
                f"{where}.custom_id: String should match pattern '^[a-zA-Z0-9_-]{{1,64}}$'"
            )
        if custom_id in entries:
            raise MistakeError(f"{where}.custom_id: custom_id must be unique; {custom_id!r} is not")
        entries[custom_id] = as_dict(given["params"], f"{where}.params")
    return entries


def describe(batch: Batch, base_url: str) -> dict[str, Any]:
    """The batch in the API's form."""
    counts = dict.fromkeys(KINDS, 0)
    for item in batch.items.values():
        counts[item.result["type"] if batch.ended else "processing"] += 1
    status = "canceling" if batch.cancelled else "in_progress"
    path = f"{base_url}/v1/messages/batches/{batch.id}/results"
    return {
        "id": batch.id,
        "type": "message_batch",
        "processing_status": "ended" if batch.ended else status,
        "request_counts": counts,
        "created_at": _time(batch.created),
        "expires_at": _time(batch.created + LIFETIME),
        "ended_at": _time(batch.ended),
        "cancel_initiated_at": _time(batch.cancelled),
        "archived_at": None,
        "results_url": path if batch.ended else None,
    }


def result_lines(batch: Batch) -> bytes:
    """The results as JSON lines, never in the order of the entries where there are several."""
    names = list(batch.items)
    shuffled = random.Random(batch.id).sample(names, len(names))  # noqa: S311
    if shuffled == names:
        shuffled.reverse()
    lines = [{"custom_id": name, "result": batch.items[name].result} for name in shuffled]
    return b"".join(encode(line) + b"\n" for line in lines)


def _time(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
