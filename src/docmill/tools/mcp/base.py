"""The seam between what docmill does with MCP servers and the package that speaks to them."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

Raw = Mapping[str, Any]
"""What a server says, as plain data; nothing about its form is taken for granted."""


def mapping(value: object) -> Mapping[str, Any]:
    """A JSON object, or an empty one in place of anything else."""
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}


class ServerError(Exception):
    """A server gave no usable answer; the text says why.

    `gone`: it has to be connected anew; `unheard`: it certainly hasn't acted on the call.
    """

    def __init__(self, message: str, *, gone: bool = False, unheard: bool = False) -> None:
        super().__init__(message)
        self.gone = gone
        self.unheard = unheard


class Peer(Protocol):
    """A connected server."""

    async def tools(self) -> Sequence[Raw]:
        """What it lists, at most `MOST_LISTED` of it.

        Raises:
            ServerError: it can't be had.
        """
        ...

    async def call(self, name: str, arguments: Mapping[str, Any]) -> Raw:
        """Its answer to a call: `{content, structuredContent?, isError?}`.

        Raises:
            ServerError: there is none.
        """
        ...


MOST_LISTED = 256
"""Tools of one server that are looked at."""
CONNECT_SECONDS = 20.0
"""Until a server has said what it is and what it has."""
CALL_SECONDS = 120.0
"""For one call of a tool."""
MOST_BYTES = 8 << 20
"""Of one message of a server."""
