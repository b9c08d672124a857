"""The examples that `--help` ends with."""

import shlex
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from docmill.cli.app import app
from docmill.cli.examples import EXAMPLES


def commands(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    """Every visible command below one, with its name as it is typed."""
    for inner in getattr(command, "commands", {}).values():
        path = f"{name} {inner.name}".strip()
        if not hasattr(inner, "commands") and not inner.hidden:
            yield path, inner
        yield from commands(inner, path)


COMMANDS = dict(commands(typer.main.get_command(app), ""))


def test_every_command_has_an_example() -> None:
    """Nobody has to guess how a command is typed; and no example is of a command that is gone."""
    assert set(EXAMPLES) == set(COMMANDS)
    for name, command in COMMANDS.items():
        context = command.context_class(command, info_name=name)
        assert f"For example:\n    docmill {name}" in command.get_help(context)


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_can_be_typed(name: str) -> None:
    """Each is one of that command, with options and arguments that it takes."""
    for line in EXAMPLES[name]:
        assert line.startswith(f"docmill {name}")
        words = shlex.split(line)[1 + len(name.split()) :]
        with COMMANDS[name].make_context(name, words) as context:
            assert context.args == []
