"""What a schema may say where the model's output is promised to keep to it."""

from typing import Any

import pytest
from anthropic import transform_schema
from pydantic import BaseModel, Field

from docmill.testing.counting import PICTURE, count, tokens
from docmill.testing.schemas import check_schema

CLOSED: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
WRONG: list[Any] = [
    ([], "should be a dictionary"),
    ({"type": "object"}, "'additionalProperties' must be explicitly set to false"),
    ({"type": "number", "maximum": 3}, "'maximum' is not supported"),
    ({"type": ["string", "null"], "maxLength": 3}, "'maxLength' is not supported"),
    ({"type": "string", "format": "colour"}, "format 'colour' is not supported"),
    ({"type": "array", "items": CLOSED, "minItems": 2}, "'minItems' values other than 0 or 1"),
    ({"$ref": "https://schemas.example/a.json"}, "External $ref is not supported"),
    ({"anyOf": [{"type": "null"}, {"type": "object"}]}, "must be explicitly set to false"),
    ({**CLOSED, "properties": {"a": {"type": "array", "items": []}}}, "should be a dictionary"),
    ({**CLOSED, "$defs": {"a": {"type": "object"}}}, "must be explicitly set to false"),
]


class Part(BaseModel):
    """A nested part of a record."""

    name: str | None
    pages: list[int] = Field(min_length=1, max_length=9)


class Whole(BaseModel):
    """A record with limits that can't be promised."""

    number: int = Field(ge=1, le=9)
    parts: list[Part]


@pytest.mark.parametrize(("schema", "complaint"), WRONG)
def test_what_cant_be_promised_is_named(schema: Any, complaint: str) -> None:
    """Wherever in the schema it stands."""
    assert complaint in check_schema(schema)


def test_what_the_vendors_client_makes_of_a_model_can_be_promised() -> None:
    """It moves limits into descriptions; as it comes from the model it can't."""
    assert check_schema(transform_schema(Whole)) == ""
    assert check_schema(Whole.model_json_schema()) != ""


def test_pictures_and_files_count_for_what_they_show() -> None:
    """Not for the length of their base64; inside of a tool's result, too."""
    picture = {
        "type": "image",
        "source": {"type": "base64", "media_type": "image/png", "data": "iVBORw0KGgo" * 9999},
    }
    file = {
        "type": "document",
        "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBERi" * 9999},
    }
    result = {"type": "tool_result", "tool_use_id": "c1", "content": [picture]}
    counts = [
        count({"messages": [{"role": "user", "content": [block]}]})
        for block in (picture, file, result)
    ]
    assert counts[:2] == [1600, 4000]
    assert tokens(PICTURE) < counts[2] < tokens(PICTURE) + 30
