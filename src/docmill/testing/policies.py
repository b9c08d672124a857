"""Ready-made policies: a scripted agent whose answer depends on the request alone.

Neighbours: `script` has the steps, `files` reads these policies from JSON. The agent reads
nothing: it finds a marker in the document's text and hands in the record the test gave for it.
"""

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from docmill.testing.counting import blocks
from docmill.testing.script import Answer, Block, Policy, Step, text, tool_use

SUBMIT = "submit_record"
Record = dict[str, Any]
Records = Mapping[str, Record | Sequence[Record]]
"""Marker in the document's text → input of `submit_record`; a list: the first try, then repairs."""
LOOKS: tuple[tuple[Block, ...], ...] = (
    (
        tool_use("read", {"file_path": "/workspace/document/layout/page-0001.tsv"}),
        tool_use("grep", {"pattern": "[0-9]", "path": "/workspace/document/layout"}),
    ),
    (tool_use("bash", {"command": "echo seen >> notes.txt; wc -l notes.txt"}),),
)
"""What `reader` calls before it hands in, one turn after the other."""
ASIDES: Mapping[str, Record] = {"grade": {"criteria": [{"criterion": "all", "met": True}]}}
"""Tool → input, for requests that are about something else: a grader is content with everything."""


def records(
    records: Records,
    *,
    marker: str = "",
    submit: str = SUBMIT,
    asides: Mapping[str, Record] = ASIDES,
) -> Policy:
    """An agent that hands in the record at once.

    `marker` is a regular expression whose first group (or whole match) is looked up in `records`;
    without it the first key that stands in the text is taken. Each error that comes back is
    answered with the next record of the list, or with the last one again. A document without a
    record gets words only. Where no tool takes the record, it is the answer's text. Requests that
    offer a tool of `asides` instead get that tool called.
    """
    find = _finder(records, marker)

    def policy(request: dict[str, Any]) -> Step:
        return _aside(request, asides, submit) or _hand_in(request, find, submit)

    return policy


def reader(
    records: Records,
    *,
    turns: int = 3,
    looks: Sequence[Sequence[Block]] = LOOKS,
    marker: str = "",
    submit: str = SUBMIT,
    asides: Mapping[str, Record] = ASIDES,
) -> Policy:
    """An agent that looks around first: it hands in at turn `turns`, counted from 1.

    The turns before take from `looks` what the request offers tools for, over and over; a turn for
    which there is none says so in words and calls nothing: it hands in at once.
    """
    find = _finder(records, marker)

    def policy(request: dict[str, Any]) -> Step:
        if aside := _aside(request, asides, submit):
            return aside
        said = sum(message["role"] == "assistant" for message in request["messages"])
        offered = _offered(request)
        possible = [
            [call for call in look if call["type"] != "tool_use" or call["name"] in offered]
            for look in looks
        ]
        possible = [look for look in possible if look]
        if said < turns - 1 and possible:
            return Answer([text("Looking."), *possible[said % len(possible)]])
        return _hand_in(request, find, submit)

    return policy


def flaky(policy: Policy, faults: Sequence[Step], *, share: float = 0.1) -> Policy:
    """`policy`, but a share of the requests meets one of `faults` first; asked again they don't.

    Which requests, and which fault, depends on the request alone.
    """
    seen: set[bytes] = set()

    def unreliable(request: dict[str, Any]) -> Step:
        digest = hashlib.sha256(json.dumps(request, sort_keys=True).encode()).digest()
        if digest in seen or int.from_bytes(digest[:4], "big") >= share * 2**32:
            return policy(request)
        seen.add(digest)
        return faults[int.from_bytes(digest[4:8], "big") % len(faults)]

    return unreliable


def outage(policy: Policy, fault: Step, *, first: int, calls: int) -> Policy:
    """`policy`, but `calls` calls from the `first` on (counted from 1) meet `fault`."""
    numbers = itertools.count(1)

    def broken(request: dict[str, Any]) -> Step:
        return fault if first <= next(numbers) < first + calls else policy(request)

    return broken


Finder = Callable[[str], "Record | Sequence[Record] | None"]


def _finder(records: Records, marker: str) -> Finder:
    if not marker:
        return lambda words: next((records[key] for key in records if key in words), None)
    pattern = re.compile(marker)

    def find(words: str) -> Record | Sequence[Record] | None:
        found = pattern.search(words)
        return records.get(found[1] if pattern.groups else found[0]) if found else None

    return find


def _offered(request: dict[str, Any]) -> set[str]:
    return {str(tool.get("name")) for tool in request.get("tools") or ()}


def _aside(request: dict[str, Any], asides: Mapping[str, Record], submit: str) -> Answer | None:
    offered = _offered(request)
    name = next((name for name in asides if name in offered and submit not in offered), None)
    return Answer([tool_use(name, asides[name])]) if name else None


def _hand_in(request: dict[str, Any], find: Finder, submit: str) -> Step:
    messages = request["messages"]
    handed_in = {
        block["id"]
        for message in messages
        if message["role"] == "assistant"
        for block in blocks(message["content"])
        if block["type"] == "tool_use" and block["name"] == submit
    }
    wrong = sum(
        block["type"] == "tool_result"
        and block["tool_use_id"] in handed_in
        and bool(block.get("is_error"))
        for message in messages
        for block in blocks(message["content"])
    )
    if len(handed_in) > wrong:
        return Answer([text("The record is handed in.")])
    first = "\n".join(block.get("text", "") for block in blocks(messages[0]["content"]))
    found = find(first)
    if found is None:
        return Answer([text("The script has no record for this document.")])
    versions = [found] if isinstance(found, Mapping) else list(found)
    record = versions[min(wrong, len(versions) - 1)]
    if submit in _offered(request):
        return Answer([tool_use(submit, record)])
    return Answer([text(json.dumps(record, ensure_ascii=False))])
