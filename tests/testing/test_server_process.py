"""A server in a process of its own, for clients that are killed."""

from typing import Any

import pytest
from anthropic import Anthropic

from docmill.testing import ScriptedServer, ServerProcess, text

QUESTION: list[Any] = [{"role": "user", "content": "Report TR-7: 5.02 V"}]
TOOL: Any = {"name": "submit_record", "input_schema": {"type": "object"}}
RECORDS: dict[str, Any] = {"kind": "records", "records": {"TR-7": {"volts": "5.02 V"}}}


def test_a_process_answers_as_its_script_says() -> None:
    """The script is JSON; the log is read over HTTP."""
    with ServerProcess(RECORDS) as server:
        with Anthropic(base_url=server.base_url, api_key="test", max_retries=0) as client:
            answer = client.messages.create(
                model="m", max_tokens=99, messages=QUESTION, tools=[TOOL]
            )
        log = server.log()
    assert answer.content[0].model_dump(include={"name", "input"}) == {
        "name": "submit_record",
        "input": {"volts": "5.02 V"},
    }
    assert log["totals"]["answers"] == 1
    assert log["requests"][0]["usage"]["output_tokens"] == answer.usage.output_tokens


def test_a_process_complains_of_steps_left_over() -> None:
    """As the server in the process does."""
    steps = {"kind": "steps", "steps": [{"type": "answer", "content": [text("Hi.")]}]}
    left = pytest.raises(AssertionError, match="1 steps of the script were never asked for")
    with left, ServerProcess(steps):
        pass


def test_a_server_in_a_thread_serves_code_without_a_loop() -> None:
    """`with` instead of `async with`."""
    with (
        ScriptedServer([[text("Hi.")]]) as server,
        Anthropic(base_url=server.base_url, api_key="test", max_retries=0) as client,
    ):
        answer = client.messages.create(model="m", max_tokens=99, messages=QUESTION)
    assert answer.content[0].model_dump()["text"] == "Hi."
