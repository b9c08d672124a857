"""Taking apart the stream of an attached container."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.sandboxes.docker.streams import OutputProtocol, Streams

FRAMES = st.lists(st.tuples(st.sampled_from((0, 1, 2)), st.binary(max_size=40)), max_size=12)


def multiplexed(frames: list[tuple[int, bytes]]) -> bytes:
    """What an engine sends."""
    return b"".join(
        bytes((kind, 0, 0, 0)) + len(data).to_bytes(4, "big") + data for kind, data in frames
    )


@given(FRAMES, st.integers(1, 60))
def test_output_comes_out_whole_however_it_arrives(
    frames: list[tuple[int, bytes]], size: int
) -> None:
    """Pieces may end anywhere, in the middle of a header too; errors are kept apart."""
    wire, streams = multiplexed(frames), Streams()
    found = b"".join(streams.feed(wire[at : at + size]) for at in range(0, len(wire), size))
    assert found == b"".join(data for kind, data in frames if kind != 2)
    assert bytes(streams.errors) == b"".join(data for kind, data in frames if kind == 2)


def test_output_that_looks_like_frames_is_output() -> None:
    """The engine counts; what a program prints can't make a frame."""
    forged = multiplexed([(2, b"forged"), (1, b"more")])
    streams = Streams()
    assert streams.feed(multiplexed([(1, forged)])) == forged
    assert not streams.errors


@given(st.binary(min_size=8, max_size=8).filter(lambda h: h[0] > 2 or h[1:4] != b"\0\0\0"))
def test_anything_else_is_refused(header: bytes) -> None:
    """A container with a terminal, or no container at all."""
    with pytest.raises(ValueError, match="multiplexed"):
        Streams().feed(header)


def test_only_the_beginning_of_errors_is_kept() -> None:
    """They are shown to people; who fills them for ever gets nothing for it."""
    streams = Streams()
    for _ in range(100):
        streams.feed(multiplexed([(2, b"x" * 1000)]))
    assert len(streams.errors) == 4096


async def test_a_broken_stream_fails_whoever_reads() -> None:
    """Instead of waiting for ever."""
    reader = asyncio.StreamReader()
    OutputProtocol(reader, Streams()).data_received(b"HTTP/1.1")
    with pytest.raises(ValueError, match="multiplexed"):
        await reader.readexactly(8)
