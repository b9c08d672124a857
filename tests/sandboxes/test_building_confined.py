"""Package managers shut in: what they see and may write, and what their complaints mean."""

import socket
from pathlib import Path

import pytest

from docmill.batch.downloads import package_supply
from docmill.errors import PrerequisiteError
from docmill.sandboxes.building import debian, node, wheels
from docmill.sandboxes.building.confined import WORK, Confinement, Said
from docmill.sandboxes.interpreters import own_interpreter
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.programs import find_bubblewrap
from docmill.settings import load_settings


@pytest.fixture
def bubblewrap() -> str:
    """The program."""
    return find_bubblewrap(LayerStore(default_cache())).path


def shell(confinement: Confinement, command: str) -> str:
    """What a command prints."""
    said = confinement.run(["/bin/sh", "-c", command])
    return f"{said.output}{said.complaint}"


def test_only_what_is_given_can_be_seen_and_written(
    bubblewrap: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No home, no other files, no variables of docmill's; what is written is the caller's own."""
    monkeypatch.setenv("SECRET_KEY", "hunter2")
    for name in ("given", "work"):
        (tmp_path / name).mkdir()
    (tmp_path / "given" / "file").write_text("given")
    (tmp_path / "secret").write_text("hunter2")
    confinement = Confinement(
        bubblewrap, read={"/given": tmp_path / "given"}, write={WORK: tmp_path / "work"}
    )
    command = f"cat /given/file {tmp_path}/secret; env; ls -a /root /home; echo x > /given/x"
    printed = shell(confinement, f"{command}; echo x > made; id -u")
    assert "given" in printed
    assert "hunter2" not in printed
    assert "Read-only file system" in printed
    assert (tmp_path / "work" / "made").read_text() == "x\n"
    assert (tmp_path / "work" / "made").stat().st_uid == tmp_path.stat().st_uid


def test_there_is_no_network(bubblewrap: str) -> None:
    """Not even this machine's own; downloads have a way out, and no other."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        program = (
            f"import socket; socket.create_connection(('127.0.0.1', {server.getsockname()[1]}))"
        )
        assert Confinement(bubblewrap).run(["/usr/bin/python3", "-c", program]).code != 0


def test_what_takes_too_long_is_ended(bubblewrap: str) -> None:
    """With a remedy; nothing of it runs on."""
    with pytest.raises(PrerequisiteError, match=r"sleep took longer than 0\.2 s"):
        Confinement(bubblewrap).run(["/bin/sleep", "20"], seconds=0.2)


def test_bubblewraps_own_trouble_is_told_as_such(bubblewrap: str, tmp_path: Path) -> None:
    """Not as the package manager's."""
    confinement = Confinement(bubblewrap, read={"/x": tmp_path / "gone"})
    with pytest.raises(PrerequisiteError, match="can't shut a package manager in: bwrap:"):
        confinement.run(["/bin/true"])


@pytest.mark.parametrize(
    ("complaint", "cause", "remedy"),
    [
        ("ERROR: [Errno 28] No space left on device", "no space left", "docmill sandbox prune"),
        ("WARNING: Retrying\nERROR: Max retries exceeded", "index can't be reached", "config list"),
        ("Traceback:\nValueError: odd", "ValueError: odd", "packages.pip"),
    ],
)
def test_pips_complaints_have_a_remedy(complaint: str, cause: str, remedy: str) -> None:
    """The cause as far as it can be told, and a command."""
    error = wheels.failure(Said(1, "", complaint), own_interpreter())
    assert cause in error.message
    assert remedy in error.remedy


@pytest.mark.parametrize(
    ("complaint", "cause", "remedy"),
    [
        ("E: You don't have enough free space in /x", "no space left", "docmill sandbox prune"),
        ("E: Package 'x' has no installation candidate", "apt doesn't know", "apt-get update"),
        ("W: x\nE: Failed to fetch y", "Failed to fetch y", "by hand"),
    ],
)
def test_apts_complaints_have_a_remedy(complaint: str, cause: str, remedy: str) -> None:
    """As far as it can be told."""
    error = debian.failure(Said(100, "", complaint))
    assert cause in error.message
    assert remedy in error.remedy


@pytest.mark.parametrize(
    ("complaint", "cause", "remedy"),
    [
        ("npm ERR! code ENOSPC", "no space left", "docmill sandbox prune"),
        ("npm error code ETARGET", "isn't known: code ETARGET", "packages.npm"),
        ("npm error code ECONNREFUSED", "ECONNREFUSED", "npm config get registry"),
    ],
)
def test_npms_complaints_have_a_remedy(complaint: str, cause: str, remedy: str) -> None:
    """As far as it can be told."""
    error = node.failure(Said(1, "", complaint))
    assert cause in error.message
    assert remedy in error.remedy


def test_a_machine_without_a_package_manager_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is begun."""
    store = LayerStore(tmp_path / "cache")
    supply = package_supply(load_settings({}))
    for module, name in ((debian, "_APT"), (node, "_NPM")):
        monkeypatch.setattr(module, name, tmp_path / "none")
    with pytest.raises(PrerequisiteError, match=r"there is no .*none here"):
        debian.layers(store, ("jq",), supply)
    with pytest.raises(PrerequisiteError, match="there is no npm here") as caught:
        node.layers(store, ("left-pad",), supply)
    assert "apt-get install nodejs npm" in caught.value.remedy
