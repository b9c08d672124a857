"""Scripted agents whose answer depends on the request alone: sessions may come in any order."""

import json
from pathlib import Path
from typing import Any

import pytest

from docmill.testing import Answer, Failure, Policy, Reset, Step, flaky, outage, reader, records
from docmill.testing.files import load_script, make_policy
from docmill.testing.policies import LOOKS

BOOK: dict[str, Any] = {
    "TR-1": [{"volts": "wrong"}, {"volts": "5.02 V"}],
    "TR-2": {"volts": "4.98 V"},
}
TOOLS = [{"name": name, "input_schema": {"type": "object"}} for name in ("submit_record", "bash")]
ALL_TOOLS = [*TOOLS, *({"name": name} for name in ("read", "grep"))]


def opening(words: str, **more: Any) -> dict[str, Any]:
    """The first request of a session."""
    messages = [{"role": "user", "content": [{"type": "text", "text": words}]}]
    return {"model": "m", "max_tokens": 9, "tools": TOOLS, "messages": messages, **more}


def answer(policy: Policy, request: dict[str, Any]) -> list[dict[str, Any]]:
    """The blocks of the policy's answer."""
    step = policy(request)
    assert isinstance(step, Answer)
    return [dict(block) for block in step.content]


def goes_on(request: dict[str, Any], said: Any, *, is_error: bool) -> dict[str, Any]:
    """The next request: each call of the answer gets a result."""
    calls = [{**block, "id": f"c{len(request['messages'])}-{n}"} for n, block in enumerate(said)]
    results = [
        {"type": "tool_result", "tool_use_id": block["id"], "content": "", "is_error": is_error}
        for block in calls
        if block["type"] == "tool_use"
    ]
    turn = [{"role": "assistant", "content": calls}, {"role": "user", "content": results}]
    return {**request, "messages": [*request["messages"], *turn]}


def test_a_record_is_found_by_its_marker() -> None:
    """A regular expression, or whichever key stands in the text."""
    for policy in (records(BOOK), records(BOOK, marker=r"No\. (TR-\d+)")):
        (call,) = answer(policy, opening("Report No. TR-2 of 2026"))
        assert (call["name"], call["input"]) == ("submit_record", {"volts": "4.98 V"})
        (words,) = answer(policy, opening("Report No. TR-9"))
        assert words["text"] == "The script has no record for this document."


def test_an_error_is_answered_with_the_next_record() -> None:
    """After the last one it is handed in again; an accepted one ends the work."""
    policy = records(BOOK)
    request = opening("TR-1")
    handed_in: list[str] = []
    for is_error in (True, True, False):
        said = answer(policy, request)
        handed_in += [block["input"]["volts"] for block in said]
        request = goes_on(request, said, is_error=is_error)
    assert handed_in == ["wrong", "5.02 V", "5.02 V"]
    assert answer(policy, request)[0]["text"] == "The record is handed in."


def test_where_no_tool_takes_the_record_it_is_the_answers_text() -> None:
    """As an endpoint with JSON output gives it."""
    (words,) = answer(records(BOOK), opening("TR-2", tools=[]))
    assert json.loads(words["text"]) == {"volts": "4.98 V"}


def test_requests_about_something_else_are_answered_aside() -> None:
    """A grader is content with everything unless the test says otherwise."""
    tools = [{"name": "grade", "input_schema": {"type": "object"}}]
    (call,) = answer(records(BOOK), opening("TR-2", tools=tools))
    assert (call["name"], call["input"]["criteria"][0]["met"]) == ("grade", True)
    strict = reader(BOOK, asides={"grade": {"criteria": []}})
    (call,) = answer(strict, opening("TR-2", tools=tools))
    assert call["input"] == {"criteria": []}


def test_a_reader_looks_around_with_the_tools_it_is_offered() -> None:
    """It hands in at the turn it is told to; several calls of a turn come together."""
    policy = reader(BOOK, turns=4)
    request = opening("TR-2", tools=ALL_TOOLS)
    turns: list[list[str]] = []
    for _ in range(4):
        said = answer(policy, request)
        turns.append([block["name"] for block in said if block["type"] == "tool_use"])
        request = goes_on(request, said, is_error=False)
    assert turns == [["read", "grep"], ["bash"], ["read", "grep"], ["submit_record"]]
    without = opening("TR-2", tools=TOOLS[:1])
    assert answer(policy, without)[0]["name"] == "submit_record"
    assert {call["name"] for look in LOOKS for call in look} == {"read", "grep", "bash"}


def test_a_resumed_session_gets_the_same_answer() -> None:
    """Nothing of a policy depends on what was asked before."""
    requests = [opening("TR-2", tools=ALL_TOOLS)]
    for _ in range(3):
        said = answer(reader(BOOK), requests[-1])
        requests.append(goes_on(requests[-1], said, is_error=False))
    forwards = [answer(reader(BOOK), request) for request in requests]
    policy = reader(BOOK)
    backwards = [answer(policy, request) for request in reversed(requests)]
    assert forwards == backwards[::-1]


def test_faults_meet_a_share_of_the_requests_once() -> None:
    """Which ones depends on the request; asked again they are answered."""
    fault = Failure(529)

    def first_steps() -> list[Step]:
        policy = flaky(records(BOOK), [fault], share=0.3)
        steps = [policy(opening(f"TR-2 page {number}")) for number in range(200)]
        again = [policy(opening(f"TR-2 page {number}")) for number in range(200)]
        assert fault not in again
        return steps

    steps = first_steps()
    assert 35 <= steps.count(fault) <= 85
    assert steps == first_steps()


def test_several_faults_take_turns() -> None:
    """All of them happen."""
    policy = flaky(records(BOOK), [Failure(529), Reset()], share=1.0)
    steps = [policy(opening(f"TR-2 page {number}")) for number in range(200)]
    assert steps.count(Failure(529)) + steps.count(Reset()) == 200
    assert 60 <= steps.count(Reset()) <= 140


def test_an_outage_lasts_for_some_calls() -> None:
    """Whoever asks."""
    policy = outage(records(BOOK), Failure(529), first=2, calls=3)
    steps = [policy(opening("TR-2")) for _ in range(6)]
    assert [step == Failure(529) for step in steps] == [False, True, True, True, False, False]


def test_a_policy_can_be_written_as_json(tmp_path: Path) -> None:
    """For a server in a process of its own."""
    file = tmp_path / "script.json"
    fault = {"type": "failure", "status": 429, "retry_after": 0.5}
    script = {
        "kind": "reader",
        "records": BOOK,
        "marker": r"TR-\d",
        "turns": 2,
        "looks": [[{"type": "tool_use", "id": "", "name": "bash", "input": {"command": "ls"}}]],
        "flaky": {"share": 1.0, "steps": [{"type": "reset"}]},
        "outages": [{"first": 1, "calls": 1, "step": fault}],
    }
    file.write_text(json.dumps(script))
    policy = load_script(file)
    request = opening("TR-2")
    assert policy(request) == Failure(429, retry_after=0.5)
    assert policy(request) == Reset()
    assert answer(policy, request)[1]["input"] == {"command": "ls"}


def test_steps_can_be_written_as_json() -> None:
    """With everything a step has."""
    cut = {"how": "eof", "where": "start"}
    step: dict[str, Any] = {
        "type": "answer",
        "content": [],
        "stop_reason": "refusal",
        "cut": cut,
        "gap": 0.1,
    }
    policy = make_policy({"kind": "steps", "steps": [step, {"type": "unprocessed"}]})
    first = policy({})
    assert isinstance(first, Answer)
    assert first.cut is not None
    assert (first.stop_reason, first.cut.how, first.gap) == ("refusal", "eof", 0.1)


MISSPELT: list[Any] = [
    {"kind": "recods", "records": {}},
    {"kind": "records", "records": {}, "turn": 3},
    {"kind": "steps", "steps": [{"type": "failure", "status": 500, "retryafter": 1}]},
    {"kind": "steps", "steps": [{"type": "answer", "content": [], "cut": {"how": "bang"}}]},
]


@pytest.mark.parametrize("script", MISSPELT)
def test_a_misspelt_script_is_refused(script: Any) -> None:
    """Nothing of it is silently left out."""
    with pytest.raises(ValueError, match="validation error"):
        make_policy(script)
