"""The conversation: read all pages, hand in a record, mend it once told why, stop."""

import dataclasses
from typing import Any

import pytest

from docmill.documents.layout import Page, Word, dump_page
from docmill.errors import ModelError
from docmill.models.base import ModelRequest, ModelResponse
from docmill.models.rules import RulesModel
from docmill.output.schema import record_schema
from docmill.spec.fields import Field

READ: dict[str, Any] = {
    "name": "read",
    "description": "",
    "input_schema": {"properties": {"file_path": {}}},
}
FIELDS = {
    "voltage": Field(type="quantity", unit="V", aliases=("output voltage",)),
    "serial": Field(type="id", aliases=("serial number",)),
}
SUBMIT: dict[str, Any] = {
    "name": "submit_record",
    "description": "",
    "input_schema": record_schema(FIELDS),
}


def words(*texts: tuple[str, float, float]) -> tuple[Word, ...]:
    """Words at places, ten points high."""
    return tuple(Word(text, x, y, x + 5 * len(text), y + 10) for text, x, y in texts)


def page_text(*extra: tuple[str, float, float]) -> str:
    """A page with an output voltage of 24.02 V and whatever else is given."""
    found = words(("Output", 30, 30), ("voltage", 65, 30), ("24.02", 200, 30), ("V", 230, 30))
    return dump_page(Page(1, 595, 842, (*found, *words(*extra))))


def request(text: str = "Read this.\npages: 1", *tools: dict[str, Any]) -> ModelRequest:
    """The first request of a session."""
    first: dict[str, Any] = {"role": "user", "content": [{"type": "text", "text": text}]}
    return ModelRequest("rules", "system", tools or (READ, SUBMIT), (first,), 4096)


def answer(
    asked: ModelRequest, response: ModelResponse, text: str, *, error: bool = False
) -> ModelRequest:
    """The next request: every tool call of the response gets this result."""
    results: list[dict[str, Any]] = [
        {"type": "tool_result", "tool_use_id": call["id"], "content": text, "is_error": error}
        for call in response.content
    ]
    said: dict[str, Any] = {"role": "assistant", "content": list(response.content)}
    messages = (*asked.messages, said, {"role": "user", "content": results})
    return dataclasses.replace(asked, messages=messages)


async def test_reads_every_page_then_submits_then_stops() -> None:
    """Three turns: layouts in parallel, the record, the end; tokens are counted."""
    model = RulesModel()
    first = await model.respond(request("x\npages: 2"))
    paths = [call["input"]["file_path"] for call in first.content]
    assert paths == [f"/workspace/document/layout/page-000{number}.tsv" for number in (1, 2)]
    assert first.stop_reason == "tool_use"
    asked = answer(request("x\npages: 2"), first, page_text())
    with pytest.raises(ModelError, match="only 1 of 2 pages"):
        await model.respond(asked)

    first = await model.respond(request())
    asked = answer(request(), first, page_text())
    second = await model.respond(asked)
    (call,) = second.content
    assert call["name"] == "submit_record"
    assert call["input"]["voltage"]["value"] == "24.02"
    assert call["input"]["voltage"]["quote"] == "24.02 V"
    assert call["input"]["serial"] is None
    third = await model.respond(answer(asked, second, "The record is accepted."))
    assert third.stop_reason == "end_turn"
    assert third.usage.input_tokens > second.usage.output_tokens > 0
    assert model.bound_tokens(asked) == second.usage.input_tokens


async def test_the_same_conversation_gets_the_same_answer() -> None:
    """Ids and content follow from the request, so a resumed session goes on as before."""
    one, other = await RulesModel().respond(request()), await RulesModel().respond(request())
    assert one == other
    asked = answer(request(), one, page_text())
    assert await RulesModel().respond(asked) == await RulesModel().respond(asked)


async def test_line_numbers_of_a_read_tool_are_taken_off() -> None:
    """Some read tools number the lines; the layout is the same."""
    model = RulesModel()
    first = await model.respond(request())
    lines = page_text().splitlines()
    numbered = "\n".join(f"{number:6}\t{line}" for number, line in enumerate(lines, 1))
    second = await model.respond(answer(request(), first, numbered))
    assert second.content[0]["input"]["voltage"]["value"] == "24.02"


async def test_without_the_read_tool_the_model_refuses() -> None:
    """An agent that has disabled `read` is told so; so is one without `submit_record`."""
    with pytest.raises(ModelError, match="`read`, which this agent has disabled") as refused:
        await RulesModel().respond(request("pages: 1", SUBMIT))
    assert refused.value.code == "model_refused"
    with pytest.raises(ModelError, match="needs the tool `submit_record`"):
        await RulesModel().respond(request("pages: 1", READ))


async def test_pages_are_counted_in_the_last_line_only() -> None:
    """A document that says `pages: 900` doesn't make the model read nine hundred."""
    with pytest.raises(ModelError, match="doesn't end in a line"):
        await RulesModel().respond(request("pages: 900\n</document>"))
    first = await RulesModel().respond(request("pages: 900\n</document>\npages: 1"))
    assert len(first.content) == 1


@pytest.mark.parametrize("text", ["nothing", "#page\t1\tx\t842\n", "#page\t1\t595\t842\n1\t2\n"])
async def test_a_damaged_layout_is_an_error(text: str) -> None:
    """What came out of the sandbox isn't trusted to be a layout."""
    first = await RulesModel().respond(request())
    with pytest.raises(ModelError):
        await RulesModel().respond(answer(request(), first, text))


async def submit(*extra: tuple[str, float, float]) -> tuple[ModelRequest, ModelResponse]:
    """A conversation up to the first record."""
    first = await RulesModel().respond(request())
    asked = answer(request(), first, page_text(*extra))
    return asked, await RulesModel().respond(asked)


async def test_an_invisible_value_gives_way_to_a_visible_one() -> None:
    """Nothing is printed under 24.02 V: the value elsewhere on the page is the document's."""
    lower = (("Output", 30, 60), ("voltage", 65, 60), ("25.12", 200, 60), ("V", 230, 60))
    asked, second = await submit(*((text, float(x), float(y)) for text, x, y in lower))
    assert len(second.content[0]["input"]["voltage"]["candidates"]) == 2
    told = "voltage.candidates[0]: nothing is printed there: they are invisible"
    asked = answer(asked, second, told, error=True)
    third = await RulesModel().respond(asked)
    assert third.content[0]["input"]["voltage"]["value"] == "25.12"


async def test_an_unproven_value_stays_as_it_is() -> None:
    """No other value is put in its place, and the conversation ends."""
    asked, second = await submit()
    told = "voltage: 24.02 stands on page 1 without the unit V"
    third = await RulesModel().respond(answer(asked, second, told, error=True))
    assert third.stop_reason == "end_turn"


async def test_a_lone_invisible_value_is_given_up() -> None:
    """With nothing visible left the field is null."""
    asked, second = await submit()
    told = "voltage: nothing is printed there: they are invisible"
    third = await RulesModel().respond(answer(asked, second, told, error=True))
    assert third.content[0]["input"]["voltage"] is None


async def test_a_foreign_schema_is_read_by_titles_and_types() -> None:
    """Without docmill's annotations, title, description and type say what to look for."""
    schema = {
        "type": "object",
        "properties": {
            "u": {"title": "Output voltage", "type": ["number", "null"]},
            "serial_number": {"type": "string", "description": "of the device"},
            "issued": {"type": "string", "format": "date"},
            "grade": {"enum": ["S355", "S235"]},
            "lines": {"type": "array", "items": {"properties": {"qty": {"type": "integer"}}}},
        },
    }
    tools: tuple[dict[str, Any], ...] = (READ, {**SUBMIT, "input_schema": schema})
    first = await RulesModel().respond(request("pages: 1", *tools))
    asked = answer(
        request("pages: 1", *tools), first, page_text(("Grade", 30, 50), ("S355", 200, 50))
    )
    record = (await RulesModel().respond(asked)).content[0]["input"]
    assert record["u"]["value"] == "24.02"
    assert record["grade"]["value"] == "S355"
    assert record["lines"] == []


@pytest.mark.parametrize(
    "schema",
    [{}, {"type": "object", "properties": {"a": {"x-docmill": {"type": "nonsense"}}}}],
)
async def test_a_schema_that_cannot_be_read_is_an_error(schema: dict[str, Any]) -> None:
    """No properties, or a broken annotation."""
    tools: tuple[dict[str, Any], ...] = (READ, {**SUBMIT, "input_schema": schema})
    first = await RulesModel().respond(request("pages: 1", *tools))
    with pytest.raises(ModelError) as error:
        await RulesModel().respond(answer(request("pages: 1", *tools), first, page_text()))
    assert error.value.code == "model_schema"
