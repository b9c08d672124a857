"""What a server answers, as the model gets it."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.tools.base import ToolResult
from docmill.tools.mcp.results import MOST_CHARACTERS, MOST_PICTURES, shown

PNG = b"\x89PNG\r\n\x1a\n..."
PICTURE = {"type": "image", "mimeType": "image/png", "data": base64.b64encode(PNG).decode()}
KEYS = st.sampled_from(["type", "text", "data", "resource", "mimeType", "blob"])
JSON = st.recursive(
    st.none() | st.booleans() | st.sampled_from(["text", "image", "resource", "é", "image/png"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def result(*parts: Any, **more: Any) -> ToolResult:
    """A result of these parts."""
    return shown({"content": [*parts], **more}, keep=lambda _: "sha", pictures=True)


def words(text: str) -> dict[str, str]:
    """A part that is text."""
    return {"type": "text", "text": text}


@given(st.dictionaries(st.sampled_from(["content", "structuredContent", "isError"]), JSON))
def test_no_answer_is_trusted(answer: dict[str, Any]) -> None:
    """Whatever it is, something comes out that can be sent on."""
    found = shown(answer, keep=lambda _: "sha", pictures=True)
    assert found.content


def test_text_is_joined_and_errors_stay_errors() -> None:
    """Several parts are lines of one text."""
    assert result(words("a"), words("b")) == ToolResult("a\nb")
    assert result(words("no"), isError=True) == ToolResult("no", is_error=True)
    assert result().content == "(nothing)"


def test_data_is_shown_where_no_words_say_the_same() -> None:
    """Servers repeat their data as text for clients that read no data."""
    assert result(structuredContent={"a": 1}).content == '{"a": 1}'
    assert result(words("one"), structuredContent={"a": 1}).content == "one"


def test_a_long_answer_is_cut() -> None:
    """And says so."""
    found = result(words("x" * MOST_CHARACTERS), words("never seen"))
    assert isinstance(found.content, str)
    assert "never seen" not in found.content
    assert found.content.endswith("[cut: 10 characters]")


@pytest.mark.parametrize(
    "part",
    [
        {**PICTURE, "data": "@@"},
        {**PICTURE, "data": base64.b64encode(b"GIF89a").decode()},
        {**PICTURE, "mimeType": "image/svg+xml"},
        {"type": "audio", "mimeType": "audio/wav", "data": ""},
    ],
)
def test_only_pictures_that_models_read_are_taken(part: dict[str, Any]) -> None:
    """A broken one would make the endpoint refuse every later call."""
    found = result(part)
    assert isinstance(found.content, str)
    assert "left out" in found.content


def test_pictures_are_counted() -> None:
    """Each costs as much as pages of text."""
    found = result(*[PICTURE] * (MOST_PICTURES + 1))
    assert [part["type"] for part in found.content if isinstance(part, dict)] == [
        *["image"] * MOST_PICTURES,
        "text",
    ]


def test_resources_are_text_or_pictures() -> None:
    """With their address; a mere link stays one."""
    text = {"type": "resource", "resource": {"uri": "crm://1", "text": "ACME"}}
    assert result(text).content == "[resource crm://1]\nACME"
    picture = {"uri": "crm://2", "mimeType": "image/png", "blob": PICTURE["data"]}
    found = result({"type": "resource", "resource": picture})
    assert not isinstance(found.content, str)
    assert result({"type": "resource_link", "uri": "crm://3"}).content == "[resource crm://3]"
