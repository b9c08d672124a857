"""Answers as JSON: long lists are written one item at a time, and look as if they weren't."""

import json
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from docmill.cli.console import put_json

ROW: dict[str, Any] = {"name": "Prüfbericht\n1.pdf", "checks": [], "cost": {"usd": None}}


@pytest.mark.parametrize("rows", [[], [ROW], [ROW, ROW, {}]])
def test_a_list_given_as_an_iterator_looks_like_any_other(
    rows: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever reads the answer can't tell how it was written."""
    put_json({"run": {"id": "run-0001"}, "documents": iter(rows), "report": {}})
    whole = {"run": {"id": "run-0001"}, "documents": rows, "report": {}}
    assert capsys.readouterr().out == json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


@pytest.mark.parametrize("data", [{}, [], [ROW], {"a": ROW}, "text", None])
def test_anything_else_is_written_at_once(data: object, capsys: pytest.CaptureFixture[str]) -> None:
    """Lists, texts and objects without iterators."""
    put_json(data)
    assert capsys.readouterr().out == json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def test_items_are_made_as_they_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """One row of ten thousand is in memory, not all."""
    told: list[str] = []

    class Told:
        """Stands for stdout."""

        def write(self, text: str) -> int:
            told.append(text)
            return len(text)

    def rows() -> Iterator[int]:
        for number in range(3):
            told.append("made")
            yield number

    monkeypatch.setattr(sys, "stdout", Told())
    put_json({"rows": rows()})
    monkeypatch.undo()
    made = [place for place, text in enumerate(told) if text == "made"]
    assert all(later - earlier > 1 for earlier, later in pairwise(made))
    assert json.loads("".join(text for text in told if text != "made")) == {"rows": [0, 1, 2]}
