"""Servers of the protocol's earlier versions, with sessions, and servers that misbehave."""

import asyncio
import gzip
import json
import socket
import sys
import threading
from collections.abc import Generator
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes.base import Sandbox
from docmill.tools.base import Tool
from docmill.tools.mcp import meeting
from docmill.tools.mcp.base import MOST_BYTES
from docmill.tools.mcp.meeting import Surroundings, meet
from docmill.tools.mcp.servers import Terms

from .conftest import agent_with, free_port, serving

NO_SANDBOX = cast("Sandbox", object())
TERMS = Terms(keep=lambda _: "", pictures=False)
TOOLS = [{"name": name, "inputSchema": {"type": "object"}} for name in ("ask", "slow")]


class OldServer:
    """Speaks 2025-06-18 with sessions, answers as `mood` says."""

    def __init__(self) -> None:
        self.port = free_port()
        self.entry = {"type": "url", "name": "old", "url": f"http://127.0.0.1:{self.port}/mcp"}
        self.mood = ""
        self.sessions: list[str] = []
        """Every session there ever was."""
        self.known: set[str] = set()
        self.called = 0
        self.release = threading.Event()

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        body = b""
        while (part := await receive())["type"] == "http.request":
            body += part["body"]
            if not part.get("more_body"):
                break
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        message: dict[str, Any] = json.loads(body or b"{}")
        await self._answer(message, headers.get("mcp-session-id", ""), send)

    async def _answer(self, message: dict[str, Any], session: str, send: Any) -> None:
        method, number = message.get("method"), message.get("id")
        if number is None:
            await self._send(send, 202 if message else 405, b"")
        elif method == "initialize":
            self.sessions.append(f"s{len(self.sessions)}")
            self.known.add(self.sessions[-1])
            result: dict[str, Any] = {
                "protocolVersion": "2025-06-18",
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "old", "version": "1"},
            }
            await self._reply(send, number, result, {"mcp-session-id": self.sessions[-1]})
        elif session and session not in self.known:
            error = {"code": -32001, "message": "Session not found"}
            body = json.dumps({"jsonrpc": "2.0", "id": None, "error": error}).encode()
            await self._send(send, 404, body)
        elif method == "tools/list":
            await self._reply(send, number, {"tools": TOOLS})
        elif method == "tools/call":
            await self._call(number, message["params"]["name"], send)
        else:
            await self._send(send, 400, b"what?", {"content-type": "text/plain"})

    async def _call(self, number: Any, name: str, send: Any) -> None:
        self.called += 1
        result = {"content": [{"type": "text", "text": f"call {self.called}"}]}
        reply = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
        match self.mood:
            case "huge":
                await self._send(send, 200, b" " * (MOST_BYTES + 1))
            case "packed":
                await self._send(send, 200, gzip.compress(reply), {"content-encoding": "gzip"})
            case "garbled":
                await self._send(send, 200, reply[:-5])
            case "broken":
                await self._send(send, 500, b"<h1>Internal</h1>", {"content-type": "text/html"})
            case "elsewhere":
                await self._send(send, 307, b"", {"location": "http://127.0.0.2:9/"})
            case "events":
                events = b"event: message\ndata: " + reply + b"\n\n"
                await self._send(send, 200, events, {"content-type": "text/event-stream"})
            case _ if name == "slow":
                await asyncio.to_thread(self.release.wait, 20)
                await self._send(send, 200, reply)
            case _:
                await self._send(send, 200, reply)

    async def _reply(
        self, send: Any, number: Any, result: Any, headers: dict[str, str] | None = None
    ) -> None:
        body = json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode()
        await self._send(send, 200, body, headers)

    async def _send(
        self, send: Any, status: int, body: bytes, headers: dict[str, str] | None = None
    ) -> None:
        told = {"content-type": "application/json", **(headers or {})}
        pairs = [(key.encode(), value.encode()) for key, value in told.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def old() -> Generator[OldServer]:
    """A server that answers."""
    server = OldServer()
    with serving(server.app, server.port):
        yield server


async def tools_of(stack: AsyncExitStack, surroundings: Surroundings, old: OldServer) -> list[Tool]:
    """Its two tools."""
    servers = await meet(agent_with(old.entry), surroundings)
    await stack.enter_async_context(servers.held())
    (source,) = servers.sources(TERMS)
    return list((await stack.enter_async_context(source.open(NO_SANDBOX))).tools)


async def test_an_older_server_is_spoken_to_as_it_wants(
    old: OldServer, surroundings: Surroundings
) -> None:
    """One session to ask what it has, one for the calls of the run, opened at the first."""
    async with AsyncExitStack() as stack:
        ask, _ = await tools_of(stack, surroundings, old)
        assert len(old.sessions) == 1
        assert (await ask.run({}, NO_SANDBOX)).content == "call 1"
        assert (await ask.run({}, NO_SANDBOX)).content == "call 2"
    assert len(old.sessions) == 2


async def test_a_forgotten_session_is_opened_again(
    old: OldServer, surroundings: Surroundings
) -> None:
    """As after an hour of waiting for a person: the call wasn't heard, so it is made again."""
    async with AsyncExitStack() as stack:
        ask, slow = await tools_of(stack, surroundings, old)
        assert not (await ask.run({}, NO_SANDBOX)).is_error
        under_way = asyncio.create_task(slow.run({}, NO_SANDBOX))
        while old.called < 2:  # noqa: ASYNC110 - the server is in a thread
            await asyncio.sleep(0.01)
        old.known.clear()
        assert (await ask.run({}, NO_SANDBOX)).content == "call 3"
        old.release.set()
        assert (await under_way).content == "call 2"
    assert old.called == 3


@pytest.mark.parametrize(
    ("mood", "why"),
    [
        ("huge", "has more than"),
        ("packed", "compressed"),
        ("garbled", "JSON"),
        ("broken", "HTTP status 500"),
        ("elsewhere", "not followed"),
    ],
)
async def test_a_bad_answer_spoils_one_call_only(
    old: OldServer, surroundings: Surroundings, mood: str, why: str
) -> None:
    """It is told to the model; the session with the server goes on."""
    async with AsyncExitStack() as stack:
        ask, _ = await tools_of(stack, surroundings, old)
        old.mood = mood
        spoilt = await ask.run({}, NO_SANDBOX)
        assert spoilt.is_error
        assert why in spoilt.text
        old.mood = "events"
        assert (await ask.run({}, NO_SANDBOX)).content == "call 2"
    assert len(old.sessions) == 2


async def test_the_package_has_to_be_there(
    surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is an extra; the error says how to get it."""
    monkeypatch.setitem(sys.modules, "mcp", None)
    entry = {"type": "url", "name": "old", "url": "http://127.0.0.1:9/mcp"}
    with pytest.raises(PrerequisiteError) as told:
        await meet(agent_with(entry), surroundings)
    assert "docmill[mcp]" in told.value.remedy


async def test_a_silent_server_is_given_up(
    surroundings: Surroundings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Over HTTP and inside the sandbox; nothing of it stays behind."""
    monkeypatch.setattr(meeting, "CONNECT_SECONDS", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        entry = {"type": "url", "name": "old", "url": f"http://127.0.0.1:{port}/mcp"}
        with pytest.raises(PrerequisiteError, match="no answer within 1 s"):
            await meet(agent_with(entry), surroundings)
    sleeper = {"type": "stdio", "name": "old", "command": ["sleep", "60"]}
    with pytest.raises(PrerequisiteError, match="no answer within 1 s"):
        await meet(agent_with(sleeper), surroundings)
