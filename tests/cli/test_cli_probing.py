"""`docmill doctor --model NAME` asks a model and says what its endpoint can do."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from docmill.testing import Answer, Failure, ScriptedServer, Step, text, tool_use

if TYPE_CHECKING:
    from tests.cli.conftest import Docmill

pytestmark = pytest.mark.timeout(120)


def _script(body: dict[str, Any]) -> Step:
    if body.get("tools"):
        return Answer([tool_use("report_color", {"color": "blue"})])
    if "base64" in json.dumps(body):
        return Failure(400, "this model reads text only")
    return Answer([text("ready")])


def _workspace(folder: Path, base_url: str) -> Path:
    (folder / "docmill.yaml").write_text(
        f"endpoints:\n  local:\n    base_url: {base_url}\n    api_key_env: LOCAL_KEY\n"
    )
    return folder


def test_a_model_is_asked_and_its_endpoint_described(
    docmill: "Docmill", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it can do, what the asking cost, and what to write into docmill.yaml."""
    monkeypatch.setenv("LOCAL_KEY", "test")
    with ScriptedServer(_script) as server:
        answer = docmill(
            "doctor", "--model", "local/qwen3:8b", at=_workspace(tmp_path, server.base_url)
        )
        calls = server.totals["answers"]
    assert answer.code == 0
    assert "✓  model         qwen3:8b" in answer.out
    assert "✓  tools" in answer.out
    assert "–  images" in answer.out
    assert f"This took {calls} calls" in answer.out
    assert f"    base_url: {server.base_url}\n    api_key_env: LOCAL_KEY" in answer.out
    assert "      caching: true\n" in answer.out
    assert "      images: false\n" in answer.out


def test_the_same_as_data(
    docmill: "Docmill", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For scripts."""
    monkeypatch.setenv("LOCAL_KEY", "test")
    with ScriptedServer(_script) as server:
        told = docmill(
            "doctor", "--model", "local/m", "--json", at=_workspace(tmp_path, server.base_url)
        ).json
        calls = server.totals["answers"]
    assert told["capabilities"]["count_tokens"] is True
    assert told["capabilities"]["images"] is False
    assert told["usage"]["model_calls"] == calls


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Failure(401), "export LOCAL_KEY=…"),
        (Failure(404), "has no model `m`"),
        (Failure(529), "is overloaded"),
    ],
)
def test_an_endpoint_that_refuses_is_a_missing_prerequisite(
    docmill: "Docmill",
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step: Step,
    words: str,
) -> None:
    """Exit code 3, with what to do."""
    monkeypatch.setenv("LOCAL_KEY", "test")
    with ScriptedServer([step]) as server:
        answer = docmill("doctor", "--model", "local/m", at=_workspace(tmp_path, server.base_url))
    assert answer.code == 3
    assert words in answer.err


def test_a_model_that_calls_no_tools_is_no_agent(
    docmill: "Docmill", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said what was seen, and the exit code is 3."""
    monkeypatch.setenv("LOCAL_KEY", "test")
    with ScriptedServer(lambda body: Answer([text("I would, but I can't.")])) as server:
        answer = docmill("doctor", "--model", "local/m", at=_workspace(tmp_path, server.base_url))
    assert answer.code == 3
    assert "✗  tools" in answer.out
    assert "can't work as an agent" in answer.err


def test_a_key_that_is_missing_is_said_before_anything_is_asked(
    docmill: "Docmill", tmp_path: Path
) -> None:
    """Also without a workspace, where Claude's own endpoint is known."""
    answer = docmill("doctor", "--model", "claude-haiku-5-5", at=tmp_path)
    assert answer.code == 3
    assert "export ANTHROPIC_API_KEY=…" in answer.err


def test_rules_needs_no_probe(docmill: "Docmill", tmp_path: Path) -> None:
    """Nothing is asked."""
    answer = docmill("doctor", "--model", "rules", at=tmp_path)
    assert answer.code == 0
    assert "embedded" in answer.err
