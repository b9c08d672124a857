"""The scripted model in the process."""

import pytest

from docmill.errors import ModelError
from docmill.models.base import ModelRequest
from docmill.testing import ScriptedModel, text, tool_use


def request(turns: int = 1) -> ModelRequest:
    """A request after some turns."""
    message = {"role": "user", "content": [text("Hello.")]}
    return ModelRequest(model="m", system="", tools=(), messages=(message,) * turns, max_tokens=9)


async def test_it_says_what_it_was_told_to() -> None:
    """And remembers what it was asked."""
    with ScriptedModel([[text("I look."), tool_use("read", {})], [text("Done.")]]) as model:
        first, second = await model.respond(request()), await model.respond(request(3))
    assert (first.stop_reason, second.stop_reason) == ("tool_use", "end_turn")
    assert [len(asked.messages) for asked in model.requests] == [1, 3]


async def test_calls_without_an_id_get_one_that_depends_on_the_turn() -> None:
    """So a resumed conversation has the ids it had before."""
    steps = [[tool_use("read", {}), tool_use("read", {}, call="mine")]]
    with ScriptedModel(steps) as one, ScriptedModel(steps) as other:
        answers = [await one.respond(request(5)), await other.respond(request(5))]
    assert answers[0].content == answers[1].content
    assert [block["id"] for block in answers[0].content] == ["toolu_5_0", "mine"]


async def test_input_that_is_no_json_is_kept_apart() -> None:
    """As a real endpoint's client has to."""
    with ScriptedModel([[tool_use("read", '{"file', call="c1")]]) as model:
        answer = await model.respond(request())
    assert answer.content[0]["input"] == {}
    assert answer.malformed == (("c1", '{"file'),)


async def test_it_fails_on_a_call_too_many_and_on_steps_left_over() -> None:
    """Errors in the script are raised in their place."""
    with ScriptedModel([ModelError("gone", code="model_unreachable")]) as model:
        with pytest.raises(ModelError):
            await model.respond(request())
        with pytest.raises(AssertionError, match="call 2 isn't in the script"):
            await model.respond(request())
    left = pytest.raises(AssertionError, match="1 steps of the script were never asked for")
    with left, ScriptedModel([[text("Hi.")]]):
        pass


async def test_its_counts_agree() -> None:
    """The exact count is never above the bound."""
    with ScriptedModel([]) as model:
        assert await model.count_tokens(request()) == model.bound_tokens(request()) > 0
