"""Mistakes of a request, found as the API finds them: a test that passes here sends what it takes.

Neighbours: `answering` refuses what has one. Stricter than the API in one point: turns have to
alternate, as many other endpoints demand.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from docmill.testing.script import Block


class Refused(NamedTuple):
    """Why a request isn't looked at."""

    status: int
    message: str


def wrong_key(headers: Mapping[str, str], key: str) -> Refused | None:
    """What is wrong with the headers."""
    given = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if given != key:
        return Refused(401, "invalid x-api-key" if given else "x-api-key header is required")
    if "anthropic-version" not in headers:
        return Refused(400, "anthropic-version: header is required")
    return None


def mistake(
    body: Mapping[str, Any] | None, *, counting: bool, paused: Sequence[Sequence[Block]]
) -> str:
    """The first mistake of a message request; empty if there is none.

    `paused`: contents of answers that stopped with `pause_turn`, which may be sent back last.
    """
    if body is None:
        return "The request body is not valid JSON"
    return ""
