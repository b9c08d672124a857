"""JSON and frames between host and toolbox: lossless, strict, capped."""

import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.sandboxes.toolbox import codec, wire

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_goes_in_comes_out(value: Any) -> None:
    """Any JSON value survives, by the accelerated codec and by the plain one."""
    assert codec.loads(codec.dumps(value)) == value
    loads, dumps = codec._plain()  # pyright: ignore[reportPrivateUsage]
    assert loads(dumps(value)) == value
    assert codec.loads(dumps(value).encode()) == value


@pytest.mark.parametrize("text", [b"", b"{", b"[1] 2", b"NaN", b"[Infinity]", b"\xff", b"nul"])
def test_anything_else_is_refused(text: bytes) -> None:
    """Broken JSON is a ValueError and nothing else."""
    with pytest.raises(ValueError):  # noqa: PT011  # the text differs by cause
        codec.loads(text)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, b"bytes"])
def test_what_json_cannot_hold_is_refused(value: object) -> None:
    """No NaN and no other types leave by accident."""
    with pytest.raises(ValueError):  # noqa: PT011
        codec.dumps(value)


def test_lone_surrogates_do_not_break_a_frame() -> None:
    """A hostile text layer can't make an answer unsendable."""
    assert codec.loads(codec.dumps("a\ud800b")) == "a?b"


def test_frames_cross_a_pipe() -> None:
    """Message and data arrive as sent; the end of the stream is an error of its own."""
    reading, writing = os.pipe()
    wire.send(writing, {"op": "put"}, b"data")
    assert wire.receive(reading) == ({"op": "put"}, b"data")
    os.close(writing)
    with pytest.raises(wire.ClosedError):
        wire.receive(reading)
    os.close(reading)


def test_writing_to_a_closed_pipe_is_the_same_error() -> None:
    """Whoever writes learns that the other side has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    with pytest.raises(wire.ClosedError):
        wire.send(writing, {})
    os.close(writing)


def test_frames_over_the_caps_are_refused() -> None:
    """By the sender before it sends, by the receiver from the header alone."""
    with pytest.raises(ValueError, match="over the limit"):
        wire.pack(None, bytes(wire.MAX_DATA + 1))
    with pytest.raises(ValueError, match="over the limit"):
        wire.lengths(b"\xff\xff\xff\xff\0\0\0\0")
    with pytest.raises(ValueError, match="over the limit"):
        wire.lengths(b"\0\0\0\0\xff\xff\xff\xff")
