"""The host's end of a sandbox: what a toolbox taken over by a document might send.

A socket pair stands for the sandbox; the test plays the toolbox.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from docmill.errors import SandboxError, ToolError
from docmill.sandboxes.channel import Channel
from docmill.sandboxes.toolbox import wire


class Peer:
    """The other side: sends raw bytes, and knows whether the sandbox was ended."""

    def __init__(self) -> None:
        self.host, self.end = socket.socketpair()
        self.end.setblocking(False)
        self.ended = 0
        self.channel = Channel(self._ended, lambda: SandboxError("gone"))

    def _ended(self) -> None:
        self.ended += 1

    async def answer(self, frame: bytes) -> Any:
        """Make a call and answer it with these bytes."""
        call = asyncio.create_task(self.channel.call("read", {}, timeout=5))
        await asyncio.get_running_loop().sock_recv(self.end, 4096)
        await asyncio.get_running_loop().sock_sendall(self.end, frame)
        return (await call).result


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """A channel after its hello."""
    made = Peer()
    made.end.send(wire.pack({"pids": 3}, wire.HELLO))
    assert await made.channel.open(made.host, 5) == {"pids": 3}
    yield made
    made.channel.close()
    made.end.close()


async def test_an_answer_comes_through(peer: Peer) -> None:
    """The frame with the call's number and a result."""
    assert await peer.answer(wire.pack({"id": 1, "result": [1, "é"]})) == [1, "é"]
    assert not peer.ended


async def test_a_refusal_is_the_tools_error(peer: Peer) -> None:
    """Its text is cut: it goes to a model."""
    with pytest.raises(ToolError) as caught:
        await peer.answer(wire.pack({"id": 1, "error": {"code": "tool", "message": "x" * 9999}}))
    assert len(caught.value.message) == 2000
    assert not peer.ended


async def test_a_full_disk_is_the_sandboxs_error(peer: Peer) -> None:
    """Trying again wouldn't help."""
    with pytest.raises(SandboxError) as caught:
        await peer.answer(wire.pack({"id": 1, "error": {"code": "disk", "message": "full"}}))
    assert (caught.value.code, caught.value.retryable) == ("sandbox_disk", False)


@pytest.mark.parametrize(
    "frame",
    [
        wire.pack({"id": 2, "result": 1}),
        wire.pack({"id": 0, "result": 1}),
        wire.pack({"id": True, "result": 1}),
        wire.pack({"id": 1.0, "result": 1}),
        wire.pack({"id": "1", "result": 1}),
        wire.pack({"id": [1], "result": 1}),
        wire.pack({"result": 1}),
        wire.pack([1]),
        wire.pack(None),
        wire.pack({"id": 1}),
        wire.pack({"id": 1, "error": "text"}),
        wire.pack({"id": 1, "error": {"code": "made up", "message": "x"}}),
        b"\xff" * 8,
        b"\0\0\0\x02\0\0\0\0{]",
        b"\0\0\0\x03\0\0\0\0NaN",
        b"\0\0\0\x01\0\0\0\0\xff",
        (20000).to_bytes(4, "big") + bytes(4) + b"[" * 20000,
        (5000).to_bytes(4, "big") + bytes(4) + b"9" * 5000,
    ],
)
async def test_anything_else_ends_the_sandbox(peer: Peer, frame: bytes) -> None:
    """Another call's answer, other JSON, none, too deep, too long: it can't be trusted."""
    with pytest.raises(SandboxError):
        await peer.answer(frame)
    assert peer.ended


async def test_answers_may_come_in_any_order(peer: Peer) -> None:
    """Each finds its caller by its number."""
    calls = [asyncio.create_task(peer.channel.call("read", {}, timeout=5)) for _ in range(3)]
    sent = b""
    while sent.count(b'"id"') < 3:
        sent += await asyncio.get_running_loop().sock_recv(peer.end, 4096)
    for number in (3, 1, 2):
        peer.end.send(wire.pack({"id": number, "result": f"answer {number}"}))
    assert [(await call).result for call in calls] == ["answer 1", "answer 2", "answer 3"]


@pytest.mark.parametrize(
    "frames",
    [
        wire.pack({"id": 7, "result": 1}),
        wire.pack({"id": 1, "result": 1}) * 2,
        wire.pack({"id": 1, "error": {"code": "tool", "message": "x"}}) * 2,
    ],
    ids=["unknown", "twice", "error twice"],
)
async def test_a_spoofed_number_ends_the_sandbox(peer: Peer, frames: bytes) -> None:
    """Every call under way fails with it, and so does every later one."""
    calls = [asyncio.create_task(peer.channel.call("read", {}, timeout=5)) for _ in range(3)]
    sent = b""
    while sent.count(b'"id"') < 3:
        sent += await asyncio.get_running_loop().sock_recv(peer.end, 4096)
    peer.end.send(frames)
    results = await asyncio.gather(*calls, return_exceptions=True)
    lost = [result for result in results if isinstance(result, SandboxError)]
    assert len(lost) == (3 if frames.count(b'"id"') == 1 else 2)
    assert all("isn't an answer" in error.message for error in lost)
    assert peer.ended == 1
    with pytest.raises(SandboxError, match="isn't an answer"):
        await peer.channel.call("read", {}, timeout=5)


async def test_an_answer_nobody_asked_for_ends_the_sandbox(peer: Peer) -> None:
    """Even while no call is under way."""
    peer.end.send(wire.pack({"id": 1, "result": 1}))
    async with asyncio.timeout(5):
        while not peer.ended:  # noqa: ASYNC110  # the listener tells nobody
            await asyncio.sleep(0)
    with pytest.raises(SandboxError):
        await peer.channel.call("read", {}, timeout=5)


async def test_a_lane_keeps_its_order(peer: Peer) -> None:
    """A second command isn't sent before the first is answered; its time hasn't begun."""
    calls = [asyncio.create_task(peer.channel.call("bash", {}, timeout=5)) for _ in range(2)]
    loop = asyncio.get_running_loop()
    for number in (1, 2):
        sent = await loop.sock_recv(peer.end, 4096)
        assert sent.count(b'"id"') == 1
        peer.end.send(wire.pack({"id": number, "result": number}))
    assert [(await call).result for call in calls] == [1, 2]


async def test_a_cancelled_call_takes_the_others_with_it(peer: Peer) -> None:
    """What it has begun inside can't be taken back, so the sandbox is ended."""
    calls = [asyncio.create_task(peer.channel.call("read", {}, timeout=5)) for _ in range(2)]
    await asyncio.get_running_loop().sock_recv(peer.end, 4096)
    calls[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await calls[0]
    with pytest.raises(SandboxError, match="cancelled"):
        await calls[1]
    assert peer.ended == 1


async def test_a_closed_stream_is_a_lost_sandbox(peer: Peer) -> None:
    """The cause is told by whoever knows how the sandbox died."""
    call = asyncio.create_task(peer.channel.call("read", {}, timeout=5))
    await asyncio.get_running_loop().sock_recv(peer.end, 4096)
    peer.end.close()
    with pytest.raises(SandboxError, match="gone"):
        await call


async def test_silence_ends_the_sandbox(peer: Peer, monkeypatch: pytest.MonkeyPatch) -> None:
    """An operation that outlasts its time and the grace takes the sandbox with it."""
    monkeypatch.setattr("docmill.sandboxes.channel.GRACE", 0.0)
    with pytest.raises(SandboxError) as caught:
        await peer.channel.call("bash", {}, timeout=0.02)
    assert caught.value.code == "sandbox_timeout"
    assert peer.ended


async def test_another_hello_is_refused() -> None:
    """A program that isn't this version's toolbox."""
    peer = Peer()
    peer.end.send(wire.pack({}, b"docmill-toolbox-0"))
    with pytest.raises(SandboxError):
        await peer.channel.open(peer.host, 5)
    assert peer.ended
    peer.channel.close()
    peer.end.close()


async def test_arguments_that_are_no_json_never_leave(peer: Peer) -> None:
    """They are the caller's mistake; the sandbox goes on."""
    with pytest.raises(ToolError):
        await peer.channel.call("read", {"path": float("nan")}, timeout=5)
    assert await peer.answer(wire.pack({"id": 2, "result": 1})) == 1


async def test_a_file_that_never_ends_is_cut(peer: Peer) -> None:
    """`get` stops at its cap, whatever size the sandbox claims."""
    call = asyncio.create_task(peer.channel.get("/f", max_bytes=wire.MAX_DATA, timeout=5))
    loop = asyncio.get_running_loop()
    for number in (1, 2):
        await loop.sock_recv(peer.end, 4096)
        frame = wire.pack({"id": number, "result": {"size": 1}}, bytes(wire.MAX_DATA))
        await loop.sock_sendall(peer.end, frame)
    with pytest.raises(ToolError, match="longer than"):
        await call
