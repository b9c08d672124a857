"""An answer is the same however its stream was split, and nothing of it is lost."""

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docmill.models.messages.fold import Fold, UnreadableStreamError, whole_message

Event = dict[str, Any]


def start(usage: dict[str, Any] | None = None) -> Event:
    """The event an answer begins with."""
    message: Event = {"id": "msg_1", "model": "m-1", "role": "assistant", "content": []}
    return {"type": "message_start", "message": {**message, "usage": usage or {}}}


def end(reason: str = "end_turn", **usage: int) -> list[Event]:
    """The events it ends with."""
    delta = {"stop_reason": reason, "stop_sequence": None}
    return [{"type": "message_delta", "delta": delta, "usage": usage}, {"type": "message_stop"}]


def folded(*events: Event) -> Fold:
    """All events, folded."""
    fold = Fold()
    for event in events:
        fold.feed(event)
    return fold


def block(index: int, begin: Event, deltas: list[Event]) -> list[Event]:
    """The events of one block."""
    return [
        {"type": "content_block_start", "index": index, "content_block": begin},
        *({"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": index},
    ]


def split(text: str, at: list[int]) -> list[str]:
    """A text in pieces, split at these places."""
    places = [0, *sorted(place % (len(text) + 1) for place in at), len(text)]
    return [text[a:b] for a, b in itertools.pairwise(places)]


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CUTS = st.lists(st.integers(min_value=0, max_value=10_000), max_size=8)


@given(
    words=st.text(min_size=1),
    thought=st.text(),
    arguments=st.dictionaries(st.text(), JSONS, max_size=4),
    cuts=CUTS,
    ascii_only=st.booleans(),
)
def test_any_split_into_deltas_gives_the_same_answer(
    words: str, thought: str, arguments: dict[str, Any], cuts: list[int], *, ascii_only: bool
) -> None:
    """Text, thoughts and tool inputs may come in pieces of any size, also empty ones."""
    raw = json.dumps(arguments, ensure_ascii=ascii_only)
    texts = [{"type": "text_delta", "text": part} for part in split(words, cuts)]
    thoughts: list[Event] = [
        {"type": "thinking_delta", "thinking": part} for part in split(thought, cuts)
    ]
    inputs = [{"type": "input_json_delta", "partial_json": part} for part in split(raw, cuts)]
    sign = {"type": "signature_delta", "signature": "c2ln"}
    think = {"type": "thinking", "thinking": "", "signature": ""}
    call: Event = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    fold = folded(
        start(),
        *block(0, think, [*thoughts, sign]),
        *block(1, {"type": "text", "text": ""}, texts),
        *block(2, call, inputs),
        *end("tool_use"),
    )
    response = fold.response()
    assert response.content == (
        {"type": "thinking", "thinking": thought, "signature": "c2ln"},
        {"type": "text", "text": words},
        {**call, "input": arguments},
    )
    assert response.malformed == ()
    assert response.stop_reason == "tool_use"
    assert fold.complete


@pytest.mark.parametrize(
    "raw",
    ['{"a": ', "[1, 2]", '"words"', "{'a': 1}", '{"a": NaN}', '{"a": "\\ud800"}', "[" * 100_000],
)
def test_an_input_that_is_no_json_object_is_kept_as_raw_text(raw: str) -> None:
    """The agent can be told what it wrote; the block stays one that can be sent back."""
    call: Event = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}}
    delta = {"type": "input_json_delta", "partial_json": raw}
    response = folded(start(), *block(0, call, [delta]), *end("tool_use")).response()
    assert response.content == (call,)
    assert response.malformed == (("toolu_1", raw),)


def test_a_call_without_arguments_has_an_empty_input() -> None:
    """No delta at all, an empty one, or the whole input at once: servers differ."""
    call: Event = {"type": "tool_use", "id": "toolu_1", "name": "f"}
    empty = {"type": "input_json_delta", "partial_json": ""}
    bare: Event = {**call, "input": {}}
    for deltas in [list[Event](), [empty]]:
        response = folded(start(), *block(0, bare, deltas), *end("tool_use")).response()
        assert response.content[0]["input"] == {}
        assert response.malformed == ()
    whole = folded(start(), *block(0, {**call, "input": {"a": 1}}, []), *end("tool_use"))
    assert whole.response().content[0]["input"] == {"a": 1}


def test_blocks_without_a_name_here_are_kept_word_for_word() -> None:
    """What the endpoint will want back is sent back, known or not."""
    hidden = {"type": "redacted_thinking", "data": "b64"}
    future = {"type": "holding_thought", "depth": 3, "notes": ["a"]}
    growing = {"type": "summary", "summary": "Once"}
    delta = {"type": "summary_delta", "summary": " upon", "level": 2}
    response = folded(
        start(),
        *block(0, hidden, []),
        *block(1, future, []),
        *block(2, growing, [delta]),
        {"type": "weather_report", "index": 9},
        *end(),
    ).response()
    assert response.content == (
        hidden,
        future,
        {"type": "summary", "summary": "Once upon", "level": 2},
    )


def test_citations_are_gathered() -> None:
    """They come one by one."""
    cites = [{"type": "citations_delta", "citation": {"cited_text": word}} for word in "ab"]
    begin: Event = {"type": "text", "text": "", "citations": []}
    texts = [{"type": "text_delta", "text": "x"}]
    response = folded(start(), *block(0, begin, [*texts, *cites]), *end()).response()
    assert response.content[0]["citations"] == [{"cited_text": "a"}, {"cited_text": "b"}]


def test_a_character_split_over_two_deltas_is_joined() -> None:
    """Some servers cut between the halves of a surrogate pair."""
    halves = [{"type": "text_delta", "text": half} for half in ("\ud83d", "\ude00")]
    response = folded(start(), *block(0, {"type": "text", "text": ""}, halves), *end()).response()
    assert response.content[0]["text"] == "\U0001f600"


def test_tokens_are_told_apart_and_the_last_word_counts() -> None:
    """Five-minute and one-hour writes have prices of their own; counts grow as it goes on."""
    begun = {
        "input_tokens": 10,
        "output_tokens": 1,
        "cache_creation_input_tokens": 30,
        "cache_read_input_tokens": 400,
        "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
    }
    response = folded(start(begun), *end(output_tokens=55)).response()
    usage = response.usage
    assert (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens) == (10, 55, 400)
    assert (usage.cache_write_tokens, usage.cache_write_1h_tokens) == (10, 20)
    assert usage.model_calls == 1


def test_a_refusal_keeps_its_category() -> None:
    """The document's status says why."""
    details = {"type": "refusal", "category": "cyber", "explanation": "…"}
    delta = {"stop_reason": "refusal", "stop_details": details}
    response = folded(
        start(), {"type": "message_delta", "delta": delta}, *end("refusal")
    ).response()
    assert response.stop_details == details


def test_an_answer_is_complete_only_with_its_end() -> None:
    """A stream that ends early isn't an answer; one that lacks only the last event is."""
    begin: list[Event] = [start(), *block(0, {"type": "text", "text": "x"}, [])]
    assert not folded(*begin).complete
    assert not Fold().complete
    assert folded(*begin, end()[0]).complete


@pytest.mark.parametrize(
    "event",
    [
        "words",
        {"type": "content_block_delta", "index": 0, "delta": {}},
        {"type": "content_block_start", "content_block": {}},
        {"type": "content_block_start", "index": 0, "content_block": "x"},
        {"type": "message_start"},
    ],
)
def test_what_is_no_event_of_an_answer_is_refused(event: object) -> None:
    """Better no answer than a wrong one."""
    with pytest.raises(UnreadableStreamError):
        Fold().feed(event)


def test_a_whole_message_gives_the_same_as_a_stream() -> None:
    """Results of a batch come in one piece."""
    message = {
        "id": "msg_1",
        "model": "m-1",
        "content": [{"type": "text", "text": "x"}],
        "stop_reason": "refusal",
        "stop_details": {"category": "bio"},
        "usage": {"input_tokens": 3, "output_tokens": 2},
    }
    response = whole_message(message)
    assert response.content == ({"type": "text", "text": "x"},)
    assert (response.stop_reason, response.stop_details) == ("refusal", {"category": "bio"})
    assert (response.usage.input_tokens, response.usage.output_tokens) == (3, 2)
