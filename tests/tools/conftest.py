"""A real MCP server over HTTP on this machine, and one that is a program inside a sandbox."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import pytest
import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Image
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations

from docmill.compile.forms import sandbox_spec
from docmill.sandboxes import open_backend
from docmill.spec.agent import Agent
from docmill.spec.environment import Environment
from docmill.tools.mcp.keys import Keys
from docmill.tools.mcp.meeting import Surroundings

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)

PROGRAM = """
import json, sys
TOOLS = [
    {"name": "count", "description": "Counts up.", "inputSchema": {"type": "object"}},
    {"name": "where", "inputSchema": {"type": "object"}, "annotations": {"readOnlyHint": True}},
    {"name": "die", "inputSchema": {"type": "object"}},
]
calls = 0
for line in sys.stdin:
    message = json.loads(line)
    method, number = message.get("method"), message.get("id")
    if number is None:
        continue
    answer = {}
    if method == "initialize":
        answer = {"protocolVersion": "2025-06-18", "capabilities": {"tools": {}},
                  "serverInfo": {"name": "inside", "version": "1"}}
    elif method == "tools/list":
        answer = {"tools": TOOLS}
    elif method == "tools/call":
        name = message["params"]["name"]
        if name == "die":
            sys.exit("gone for good")
        calls += 1
        open("/workspace/calls", "w").write(str(calls))
        text = str(calls) if name == "count" else __import__("os").getcwd()
        answer = {"content": [{"type": "text", "text": text}]}
    else:
        print(json.dumps({"jsonrpc": "2.0", "id": number,
                          "error": {"code": -32601, "message": "no such method"}}), flush=True)
        continue
    print(json.dumps({"jsonrpc": "2.0", "id": number, "result": answer}), flush=True)
"""
"""An MCP server in a few lines of the standard library."""


class Crm:
    """A server with a few tools, which can be stopped and started again at the same address."""

    def __init__(self) -> None:
        self.headers: list[dict[str, str]] = []
        """Of every request."""
        self.calls: list[str] = []
        """Serial numbers asked for."""
        self.extra = False
        """Whether it has one tool more."""
        self.wants = ""
        """The credential without which requests are refused; empty: none."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}/mcp"

    def make(self) -> MCPServer:
        """The server's tools."""
        server = MCPServer("crm", log_level="CRITICAL")

        @server.tool(annotations=ToolAnnotations(read_only_hint=True))
        def look_up(serial: str) -> str:
            """Who owns the device with this serial number."""
            self.calls.append(serial)
            if serial == "unknown":
                raise ToolError("no such device")
            return f"{serial} belongs to ACME"

        @server.tool()
        def order(serial: str) -> dict[str, int]:
            """Orders a new one."""
            self.calls.append(serial)
            return {"order": len(self.calls)}

        @server.tool()
        def photo() -> Any:
            """A picture of it."""
            return [Image(data=PNG, format="png"), "front"]

        def extra() -> str:
            """What no session was told of."""
            return "new"

        if self.extra:
            server.add_tool(extra)
        _ = look_up, order, photo
        return server

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        """The server's application, which notes what it is asked."""
        if scope["type"] == "http":
            headers = {key.decode(): value.decode() for key, value in scope["headers"]}
            self.headers.append(headers)
            if self.wants and headers.get("authorization") != self.wants:
                await send({"type": "http.response.start", "status": 401, "headers": []})
                await send({"type": "http.response.body", "body": b"who are you?"})
                return
        await self._app(scope, receive, send)

    @contextmanager
    def up(self, **form: Any) -> Generator[None]:
        """The server answers."""
        self._app = self.make().streamable_http_app(**form)
        with serving(self.app, self.port):
            yield


@contextmanager
def serving(app: Any, port: int) -> Generator[None]:
    """An application that answers in a thread of its own."""
    config = uvicorn.Config(
        app,
        host="127.0.0.1",
        port=port,
        log_level="critical",
        interface="asgi3",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    ready = threading.Event()
    startup = server.startup

    async def started(*args: Any, **more: Any) -> None:
        await startup(*args, **more)
        ready.set()

    server.startup = started
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        assert ready.wait(20)
        yield
    finally:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def crm() -> Generator[Crm]:
    """A server that answers."""
    server = Crm()
    with server.up():
        yield server


@pytest.fixture
def surroundings() -> Surroundings:
    """Sandboxes as runs have them, and no credentials."""
    spec = sandbox_spec(Environment(name="default"), {"run": "test"})
    return Surroundings(open_backend("auto"), spec, Keys())


def agent_with(*servers: dict[str, Any], policy: str = "always_allow", **more: Any) -> Agent:
    """An agent with all tools of these servers."""
    toolsets = [
        {
            "type": "mcp_toolset",
            "mcp_server_name": server["name"],
            "default_config": {"permission_policy": {"type": policy}},
            **more,
        }
        for server in servers
    ]
    return Agent.model_validate({"name": "a", "mcp_servers": servers, "tools": toolsets})


def url_server(crm: Crm, name: str = "crm") -> dict[str, Any]:
    """The entry for a server over HTTP."""
    return {"type": "url", "name": name, "url": crm.url}


def program(text: str = PROGRAM, name: str = "inside") -> dict[str, Any]:
    """The entry for a server inside the sandbox."""
    return {"type": "stdio", "name": name, "command": ["python3", "-c", text]}
