"""How the toolbox serves several calls at once, outside of a sandbox and over a real socket."""

import os
import socket
import threading
import time
from collections.abc import Generator, Iterator, Set
from typing import Any

import pytest

from docmill.sandboxes.toolbox import server, wire
from docmill.sandboxes.toolbox.waiting import Wait, finish, pause

SETTINGS = server.Settings(memory=1 << 30, pids=10, disk=1 << 20, seconds=10, output=400)


def test_a_pause_ends_with_what_is_ready() -> None:
    """A descriptor of a wait, one of somebody else, or the time."""
    (first, first_end), (second, second_end) = os.pipe(), os.pipe()
    wait = Wait((first,), time.monotonic() + 60)
    os.write(second_end, b"x")
    assert pause([wait], second) == {second}
    assert not wait.is_over({second})
    os.write(first_end, b"x")
    assert wait.is_over(pause([wait]))
    late = Wait((), time.monotonic())
    assert pause([late]) == frozenset()
    assert late.is_over(frozenset())
    for fd in (first, first_end, second, second_end):
        os.close(fd)


def test_an_operation_that_waits_is_run_to_its_end() -> None:
    """It is told what is ready and returns what it found."""
    reading, writing = os.pipe()

    def steps() -> Generator[Wait, Set[int], list[int]]:
        ready = yield Wait((reading,), time.monotonic() + 60, (writing,))
        os.write(writing, b"x")
        more = yield Wait((reading,), time.monotonic() + 60)
        return [*ready, *more]

    assert finish(steps()) == [writing, reading]
    os.close(reading)
    os.close(writing)


@pytest.fixture
def inbox() -> Iterator[tuple[wire.Inbox, int]]:
    """A pipe's reading end as an inbox, and its writing end."""
    reading, writing = os.pipe()
    yield wire.Inbox(reading), writing
    os.close(reading)
    os.close(writing)


def test_a_frame_is_taken_as_it_comes(inbox: tuple[wire.Inbox, int]) -> None:
    """Byte by byte, two at once, or stalled: never waited for."""
    box, writing = inbox
    assert box.take() is None
    frame = wire.pack({"a": 1}, b"data")
    for byte in frame[:-1]:
        os.write(writing, bytes([byte]))
        assert box.take() is None
    os.write(writing, frame[-1:] + frame)
    assert box.take() == ({"a": 1}, b"data")
    taken = [box.take() for _ in range(3)]
    assert ({"a": 1}, b"data") in taken


def test_a_frame_over_the_cap_is_refused(inbox: tuple[wire.Inbox, int]) -> None:
    """Before a byte of it is kept."""
    box, writing = inbox
    os.write(writing, b"\xff" * wire.HEADER)
    with pytest.raises(ValueError, match="over the limit"):
        box.take()


def test_calls_are_answered_as_their_work_gets_done() -> None:
    """A search is overtaken by a quick call that came later; the host's end closes the server."""
    host, inside = socket.socketpair()
    server_thread = threading.Thread(target=_serve, args=(inside.fileno(),))
    for number, op, args in ((1, "grep", {"pattern": "("}), (2, "ping", {}), (3, "none", {})):
        message = {"id": number, "op": op, "args": args, "timeout": 5}
        wire.send(host.fileno(), message, b"data")
    server_thread.start()
    answers: dict[int, Any] = {}
    for _ in range(3):
        answer, data = wire.receive(host.fileno())
        answers[answer["id"]] = answer.get("error", {}).get("message", data)
    assert list(answers)[-1] == 1
    assert "not a regular expression" in answers[1]
    assert answers[2] == b"data"
    assert "unknown operation" in answers[3]
    host.close()
    server_thread.join()
    inside.close()


def _serve(fd: int) -> None:
    with pytest.raises(wire.ClosedError):
        server.serve(fd, fd, SETTINGS)
