"""A model that asks a scripted server, and the requests it is asked with."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any

import pytest

from docmill.models.base import Model, ModelRequest
from docmill.models.registry import Models
from docmill.spec.agent import ModelChoice
from docmill.spec.workspace import Endpoint
from docmill.testing import ScriptedServer

collect_ignore = [] if find_spec("boto3") else ["test_messages_bedrock.py"]
"""Bedrock is an extra of the SDK; its tests run where it is installed."""

KEY = "test-key-5d41402abc4b"
REQUEST = ModelRequest(
    model="local/reader-1",
    system="You read documents.",
    tools=(
        {
            "name": "read",
            "description": "Reads a page.",
            "input_schema": {"type": "object", "properties": {"page": {"type": "integer"}}},
        },
    ),
    messages=({"role": "user", "content": [{"type": "text", "text": "Read the document."}]},),
    max_tokens=500,
    identity="doc-1/0",
)


@dataclass(frozen=True)
class Desk:
    """A scripted server with a model that asks it."""

    server: ScriptedServer
    models: Models
    model: Model


class Raw:
    """`raw(data, again=…)`: the address of a server that answers everything with these bytes.

    `again` is sent every 20 ms from then on; without it, the connection is closed.
    """

    def __init__(self) -> None:
        self.heads: list[str] = []
        """Heads of the requests that came."""

    @asynccontextmanager
    async def __call__(self, data: bytes, *, again: bytes = b"") -> AsyncGenerator[str]:
        """Serve until the block ends."""
        answers: set[asyncio.Task[None]] = set()

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            answers.add(task)
            head = await reader.readuntil(b"\r\n\r\n")
            self.heads.append(head.decode())
            size = re.search(rb"content-length: (\d+)", head.lower())
            await reader.readexactly(int(size[1]) if size else 0)
            try:
                writer.write(data)
                while again:
                    await asyncio.sleep(0.02)
                    writer.write(again)
                    await writer.drain()
            except ConnectionError:
                pass
            finally:
                writer.close()
                with contextlib.suppress(ConnectionError):
                    await writer.wait_closed()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
            await asyncio.gather(*answers)


@pytest.fixture
def raw() -> Raw:
    """A server that says anything."""
    return Raw()


Open = Callable[..., AbstractAsyncContextManager[Desk]]


@pytest.fixture
def desk() -> Open:
    """`desk(script, endpoint keys…)`: a server and a model that asks it, until the block ends."""

    @asynccontextmanager
    async def opened(script: Any, **keys: Any) -> AsyncGenerator[Desk]:
        blobs = keys.pop("blobs", None)
        choice = keys.pop("choice", ModelChoice(id="local/reader-1"))
        served: dict[str, Any] = {
            name: keys.pop(name) for name in ("models", "latency", "max_body") if name in keys
        }
        async with ScriptedServer(script, key=KEY, **served) as server:
            endpoint = Endpoint(base_url=server.base_url, api_key_env="LOCAL_KEY", **keys)
            secrets = {"LOCAL_KEY": KEY}.get
            async with Models({"local": endpoint}, secrets=secrets, blobs=blobs) as models:
                yield Desk(server, models, models.open(choice))

    return opened


@pytest.fixture
def request_of() -> Callable[..., ModelRequest]:
    """`request_of(field=…)`: a small request with some fields changed."""

    def made(**fields: Any) -> ModelRequest:
        return replace(REQUEST, **fields)

    return made
