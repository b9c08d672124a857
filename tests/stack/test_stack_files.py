"""The compose file and the unit say nothing that isn't so: commands exist, hosts are nobody's."""

import configparser
import re
import shlex
from pathlib import Path
from typing import Any, cast

import pytest
import typer.main
from ruamel.yaml import YAML

from docmill.cli.app import app

FOLDER = Path(__file__).parents[2] / "docs" / "stack"
COMPOSE: Any = cast("Any", YAML(typ="safe")).load(FOLDER / "compose.yaml")
COMMANDS: Any = typer.main.get_command(app)


def parsed(arguments: list[str]) -> None:
    """Fails where docmill has no such command or option."""
    context = COMMANDS.make_context("docmill", arguments, resilient_parsing=False)
    name, command, rest = COMMANDS.resolve_command(context, arguments)
    command.make_context(name, rest, parent=context)


@pytest.mark.parametrize("name", ["stack", "worker"])
def test_every_command_of_the_compose_file_is_one(name: str) -> None:
    """With its options."""
    parsed(list(COMPOSE["services"][name]["command"]))


def test_the_health_check_is_a_command_of_the_image() -> None:
    """As Docker calls it."""
    kind, program, *arguments = COMPOSE["services"]["stack"]["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "docmill")
    parsed(arguments)


def test_services_wait_for_what_they_need() -> None:
    """Each need is a service with a health check."""
    services = COMPOSE["services"]
    for service in services.values():
        for needed, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in services[needed]


def test_nothing_runs_as_root_or_listens_beyond_this_machine() -> None:
    """Our services have a user without capabilities; ports are on the loopback interface."""
    for name, service in COMPOSE["services"].items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ()))
        if name != "postgres":
            assert service["user"] == "10001:10001"
            assert service["cap_drop"] == ["ALL"]
    assert "USER docmill" in (FOLDER / "Dockerfile").read_text()


def test_no_password_is_given() -> None:
    """Compose refuses to start without one."""
    text = (FOLDER / "compose.yaml").read_text()
    assert set(re.findall(r"docmill:([^@/ ]+)@", text)) == {"${POSTGRES_PASSWORD:?}"}


def test_the_unit_starts_the_stack() -> None:
    """And gives it longer to stop than it takes itself."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read(FOLDER / "docmill.service")
    program, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert Path(program).name == "docmill"
    parsed(arguments)
    assert int(unit["Service"]["TimeoutStopSec"]) > int(arguments[-1])


def test_no_file_names_a_registry() -> None:
    """Images and packages come from wherever the reader's machines take them."""
    for path in FOLDER.rglob("*"):
        if path.is_file():
            hosts = re.findall(r"https?://([^/\s:'\"]+)", path.read_text())
            assert set(hosts) <= {"server", "127.0.0.1"}, path
