"""What goes over the wire, seen from a socket."""

import asyncio
import json
import socket
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docmill.testing import Answer, ScriptedServer, text

BODY = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Grüß Gott"}]}
KEY = "host: x\r\nx-api-key: test\r\n"
VERSION = "anthropic-version: 2023-06-01\r\n"
CLOSE = "connection: close\r\n"


def http(body: bytes, *, path: str = "/v1/messages", headers: str = KEY + VERSION) -> bytes:
    """A request as it goes over the wire."""
    head = f"POST {path} HTTP/1.1\r\n{headers}content-length: {len(body)}\r\n\r\n"
    return head.encode() + body


async def talk(server: ScriptedServer, *pieces: bytes) -> bytes:
    """Send pieces, one after the other, and read until the server has closed the connection."""
    port = int(server.base_url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for piece in pieces:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(0)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


def always(request: dict[str, Any]) -> Answer:
    """Says back what it was asked."""
    return Answer([text(request["messages"][0]["content"])])


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=20)
@given(cuts=st.lists(st.integers(1, 400), max_size=6))
async def test_requests_may_come_in_any_pieces(cuts: list[int]) -> None:
    """Two of them on one connection are answered in turn."""
    body = json.dumps(BODY).encode()
    data = http(body) + http(body, headers=KEY + VERSION + CLOSE)
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    async with ScriptedServer(always) as server:
        answer = await talk(server, *pieces)
    assert answer.count(b"HTTP/1.1 200") == 2
    assert answer.count(rb"Gr\u00fc\u00df Gott") == 2


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (http(b"{", headers=KEY + VERSION + CLOSE), b"400"),
        (http(b"[1]", headers=KEY + VERSION + CLOSE), b"400"),
        (http(b"{}", path="/v1/nothing", headers=KEY + VERSION + CLOSE), b"404"),
        (http(b"{}", headers="host: x\r\n" + CLOSE), b"401"),
        (http(b"{}", headers=KEY + CLOSE), b"400"),
        (b"NONSENSE\r\n\r\n", b""),
    ],
)
async def test_nonsense_is_refused(data: bytes, status: bytes) -> None:
    """With the API's error where it is a request at all."""
    async with ScriptedServer([]) as server:
        answer = await talk(server, data)
    assert answer[9:12] == status


def test_a_port_that_is_taken_is_an_error() -> None:
    """Not a hang."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = ScriptedServer([], port=taken.getsockname()[1])
        with pytest.raises(OSError, match="can't be listened on"):
            server.__enter__()


def test_a_process_without_a_script_says_why(tmp_path: Path) -> None:
    """With the place and where to read on."""
    file = tmp_path / "script.json"
    file.write_text('{"kind": "records", "recods": {}}')
    command = [sys.executable, "-m", "docmill.testing.server", "--script", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "recods" in done.stderr
    assert done.stderr.endswith("See docs/testing.md for what a script is.\n")
