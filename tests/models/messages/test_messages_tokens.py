"""A bound on tokens is never too low, and never needs a network."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.models.base import ModelRequest
from docmill.models.messages import tokens
from docmill.testing import text


def request(**fields: Any) -> ModelRequest:
    """An empty request with some fields."""
    given: dict[str, Any] = {"system": "", "tools": (), "messages": (), **fields}
    return ModelRequest(model="m", max_tokens=10, **given)


def said(*blocks: dict[str, Any]) -> ModelRequest:
    """A request with these blocks in one message."""
    return request(messages=({"role": "user", "content": list(blocks)},))


@pytest.mark.parametrize(
    ("words", "real"),
    [
        # Estimates on the high side: a token for each word and space-led sign of prose, for each
        # sign of a table but runs of spaces, for each character of Chinese, for 1.5 random ones.
        ("the supply voltage is measured at the connector with all outputs loaded ", 13),
        ("4.75 5.00 5.25 V  -55 +125 °C  0.011 A  ", 33),
        ("电源电压在连接器处测量", 11),
        ("Xq7Zk9Pw3RtLmN5v", 11),
    ],
)
def test_the_bound_holds_for_prose_tables_and_noise(words: str, real: int) -> None:
    """Whatever a document is made of; and for prose it isn't absurd."""
    assert real <= tokens.text_bound(words) <= len(words.encode())


@given(st.text(), st.text())
def test_more_text_never_has_a_lower_bound(first: str, second: str) -> None:
    """What is added to a conversation can be bounded by itself."""
    whole = tokens.text_bound(first + second)
    assert whole >= tokens.text_bound(first)
    assert whole <= tokens.text_bound(first) + tokens.text_bound(second)


def test_every_part_of_a_request_counts() -> None:
    """System prompt, tools, schema, messages, results."""
    words = "some words that are long enough to be seen " * 10
    least = len(words) // 2
    empty = tokens.bound(request())
    tool = {"name": "f", "description": words, "input_schema": {"type": "object"}}
    result = {"type": "tool_result", "tool_use_id": "t", "content": [text(words)]}
    call = {"type": "tool_use", "id": "t", "name": "f", "input": {"a": words}}
    for filled in [
        request(system=words),
        request(tools=(tool,)),
        request(output_schema={"description": words}),
        request(messages=({"role": "user", "content": words},)),
        said(text(words)),
        said(result),
        said({**result, "content": words}),
        said(call),
        said({"type": "thinking", "thinking": words, "signature": ""}),
    ]:
        assert tokens.bound(filled) >= empty + least


def test_pictures_and_pages_of_pdfs_count_whole() -> None:
    """A picture is bounded by the largest the API makes of it; a PDF by its pages."""
    empty = tokens.bound(said())
    source = {"type": "blob", "media_type": "image/png", "sha256": "0" * 64}
    picture = tokens.bound(said({"type": "image", "source": source})) - empty
    assert picture >= tokens.PICTURE_TOKENS
    short = tokens.bound(said({"type": "document", "source": {**source, "pages": 2}})) - empty
    unknown = tokens.bound(said({"type": "document", "source": source})) - empty
    assert 2 * tokens.PICTURE_TOKENS < short < unknown
