"""The program behind `errands`: reads one errand from stdin, does it, writes the replies to stdout.

Nothing of Prefect's errors is passed on but their kind: they may quote what they failed on.
"""

import asyncio
import os
import pickle
import sys
from collections.abc import Awaitable, Callable
from typing import Any, cast

from prefect.blocks.system import Secret
from prefect.client.orchestration import PrefectClient, get_client
from prefect.exceptions import ObjectNotFound
from pydantic import SecretStr

from docmill.flow.address import ServerAddress
from docmill.flow.errands import Errand, KeepSecret, ReadSecrets, Reply
from docmill.flow.launch import prefect_client
from docmill.flow.sending import send_message
from docmill.flow.tasks import PREFECT_ERRORS

ASTERISKS = "********"
"""What Prefect shows of a secret to those who may not see it."""
SECRET_TYPE = "secret"  # noqa: S105  # no secret but the type's name


async def read_secret(client: PrefectClient, name: str) -> Reply:
    """The text in a Secret block."""
    try:
        found = await client.read_block_document_by_name(name, SECRET_TYPE, include_secrets=True)
    except ObjectNotFound:
        other = await _other_type(client, name)
        return Reply("other_type", other) if other else Reply("missing")
    # not `Secret.load(…).get()`, which takes the text 12345678 for a number
    value = found.data.get("value")
    if not isinstance(value, str):
        return Reply("no_text", f"a {type(value).__name__}")
    return Reply("hidden") if value == ASTERISKS else Reply("found", secret=value)


async def keep_secret(client: PrefectClient, name: str, secret: str) -> Reply:
    """Write a Secret block."""
    # `Secret[str]` would be a block type of its own
    await cast("Any", Secret)(value=SecretStr(secret)).asave(name, overwrite=True, client=client)
    return Reply("found")


async def _other_type(client: PrefectClient, name: str) -> str:
    """The type of the block that has this name; empty if there is none."""
    page, offset = 100, 0
    while documents := await client.read_block_documents(
        offset=offset, limit=page, include_secrets=False
    ):
        for document in documents:
            if document.name == name:
                return document.block_type_name or "block of another type"
        offset += page
    return ""


async def _do(errand: Errand) -> tuple[Reply, ...]:
    async with get_client() as client:
        match errand:
            case ReadSecrets(names):
                return tuple([await _reply(read_secret, client, name) for name in names])
            case KeepSecret(name, secret):
                return (await _reply(keep_secret, client, name, secret),)
            case _:
                return tuple([await send_message(client, each) for each in errand.messages])


async def _reply(work: Callable[..., Awaitable[Reply]], *arguments: Any) -> Reply:
    try:
        return await work(*arguments)
    except PREFECT_ERRORS as error:
        status = getattr(getattr(error, "response", None), "status_code", "")
        return Reply("refused", f"{type(error).__name__} {status}".strip())


def main() -> None:
    """Do the errand."""
    address: ServerAddress
    address, errand = pickle.load(sys.stdin.buffer)  # noqa: S301 - from ourselves
    answer = os.dup(1)
    # Whatever Prefect has to say is not the answer.
    os.dup2(2, 1)
    with prefect_client(address):
        replies = asyncio.run(_do(errand))
    with os.fdopen(answer, "wb") as pipe:
        pickle.dump(replies, pipe)


if __name__ == "__main__":
    main()
