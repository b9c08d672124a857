"""What `docmill plan` and a run say about tools that a person is asked about."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from docmill.cli.consent import consent_text
from docmill.cli.progress import Progressing
from docmill.spec.agent import Agent
from docmill.store.approvals import Question

if TYPE_CHECKING:
    from .conftest import Docmill

ASK, ALLOW = ({"permission_policy": {"type": f"always_{word}"}} for word in ("ask", "allow"))
OWN = {"type": "agent_toolset_20260401"}
CRM = {"type": "mcp_toolset", "mcp_server_name": "crm"}
AGENT = """
name: reader
mcp_servers:
  - type: url
    name: crm
    url: https://crm.example/mcp
tools:
  - type: mcp_toolset
    mcp_server_name: crm
"""
PIPELINE = "name: one\ndocuments: in\nagent: reader\nrecord: {fields: {a: {}}}\n"


@pytest.mark.parametrize(
    ("tools", "words"),
    [
        ([OWN], ""),
        ([CRM], "all tools of crm"),
        ([{**CRM, "configs": [{"name": "look", **ALLOW}]}], "all tools of crm but look"),
        ([{**CRM, "default_config": ALLOW}], ""),
        ([{**CRM, "default_config": {"enabled": False}, "configs": [{"name": "x"}]}], "x of crm"),
        (
            [
                {**OWN, "configs": [{"name": "bash", **ASK}, {"name": "edit", "enabled": False}]},
                CRM,
            ],
            "bash of the sandbox; all tools of crm",
        ),
    ],
)
def test_who_asks_what(tools: list[dict[str, Any]], words: str) -> None:
    """Settings of single tools come before those of their toolset."""
    assert consent_text(Agent.model_validate({"name": "a", "tools": tools})) == words


def test_the_plan_says_who_is_asked(docmill: "Docmill", tmp_path: Path) -> None:
    """Before a run at night waits for somebody."""
    for name, text in {
        "docmill.yaml": "",
        "agent_specs/reader.yaml": AGENT,
        "pipelines/one.yaml": PIPELINE,
    }.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "in").mkdir()
    told = docmill("plan", at=tmp_path).out
    assert "servers    crm https://crm.example/mcp\n" in told
    assert "consent    all tools of crm; denied after 60 min without an answer\n" in told


def test_a_run_says_what_it_waits_for(capsys: pytest.CaptureFixture[str]) -> None:
    """With the command that answers; what a model wrote is printed without control characters."""
    watching = Progressing()
    watching.run = "run-0007"
    question = Question(
        session="s",
        call="c",
        run=7,
        document="doc-1",
        server="crm",
        tool="order",
        input={"what": "a\x1b[2Jb"},
    )
    watching.waits("doc-1", [question])
    watching.waits("doc-1", [])
    told = capsys.readouterr().err
    assert "doc-1 asks to call crm: order(what=" in told
    assert "\x1b" not in told
    assert "allow: docmill approve run-0007 doc-1" in told
    assert told.endswith("▶ doc-1 goes on\n")
