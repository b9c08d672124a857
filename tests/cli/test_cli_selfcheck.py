"""`docmill sandbox selfcheck`: a table of attacks, data for scripts, an exit code."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.selfcheck.bare import BareBackend

from docmill.cli import attacking

Docmill = Callable[..., Any]


def test_one_room_is_attacked(docmill: Docmill, tmp_path: Path) -> None:
    """A line for each attack, with what was seen; the count last; nothing is left behind."""
    answer = docmill("sandbox", "selfcheck", "--only", "shadow", at=tmp_path)
    assert answer.code == 0
    assert answer.err.startswith("1 attack on bubblewrap")
    (row,) = [line for line in answer.out.splitlines() if "shadow" in line]
    assert "files" in row
    assert "docs/security.md" in answer.out
    assert not list(tmp_path.iterdir())


def test_scripts_get_data(docmill: Docmill, tmp_path: Path) -> None:
    """What each attack is, what was seen inside and without a sandbox."""
    answer = docmill("sandbox", "selfcheck", "--only", "loopback-tcp", "--json", at=tmp_path)
    (attack,) = answer.json["attacks"]
    assert (attack["name"], attack["room"]) == ("loopback-tcp", "network")
    assert attack["verdict"] == "contained"
    assert "has told the secret" in attack["control"]
    assert answer.json["backend"] == "bubblewrap"


def test_an_unknown_attack_is_answered_with_those_near(docmill: Docmill, tmp_path: Path) -> None:
    """Before any sandbox is started."""
    answer = docmill("sandbox", "selfcheck", "--only", "vsok", at=tmp_path)
    assert answer.code == 3
    assert "vsock" in answer.err
    assert docmill("sandbox", "selfcheck", "--backend", "chroot", at=tmp_path).code == 3


def test_what_is_not_contained_is_an_exit_code(
    docmill: Docmill, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is told with what it gives an attacker; here by a backend that isolates nothing."""

    def bare(name: str) -> BareBackend:
        del name
        return BareBackend()

    monkeypatch.setattr(attacking, "open_backend", bare)
    answer = docmill("sandbox", "selfcheck", "--only", "loopback-tcp", at=tmp_path)
    assert answer.code == 1
    assert "✗" in answer.out
    assert "It gives: Databases" in answer.out
    assert "1 not contained" in answer.out
