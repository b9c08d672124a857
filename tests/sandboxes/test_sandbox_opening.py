"""Opening a backend by name: the one asked for, tried, or a refusal with its remedy."""

from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes import open_backend, opening, programs
from docmill.sandboxes.base import Probe
from docmill.sandboxes.bubblewrap import BubblewrapBackend


def test_auto_is_bubblewrap_and_was_tried() -> None:
    """Its probe tells version, limits in force and how long a start took."""
    probe = open_backend("auto").probe()
    assert (probe.backend, probe.available) == ("bubblewrap", True)
    assert probe.version
    assert probe.enforced
    assert 0 < probe.seconds < 20


@pytest.mark.parametrize(("name", "remedy"), [("docker", "bubblewrap"), ("chroot", "auto")])
def test_other_names_are_refused(name: str, remedy: str) -> None:
    """Never another backend in their place."""
    with pytest.raises(PrerequisiteError) as caught:
        open_backend(name)
    assert remedy in caught.value.remedy


def test_a_failed_trial_is_a_refusal() -> None:
    """With cause and remedy; nothing runs without a sandbox."""
    with pytest.raises(PrerequisiteError) as caught:
        opening.require(
            Probe("bubblewrap", available=False, cause="no namespaces", remedy="sysctl")
        )
    assert "no namespaces" in caught.value.message
    assert caught.value.remedy == "sysctl"


def test_bubblewrap_that_may_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it wrote to stderr is the cause."""
    broken = tmp_path / "bwrap"
    broken.write_text(
        "#!/bin/sh\n[ $1 = --version ] && echo 0.9.0 && exit\n"
        "echo 'bwrap: setting up uid map: Permission denied' >&2; exit 1\n"
    )
    for folder in (broken, tmp_path, *tmp_path.parents[:-2]):
        folder.chmod(0o755)
    monkeypatch.setattr(programs, "_SYSTEM", (broken,))
    probe = BubblewrapBackend().probe()
    assert not probe.available
    assert "setting up uid map: Permission denied" in probe.cause
    assert probe.remedy


async def test_a_backend_can_be_tried_within_a_loop() -> None:
    """Flows ask from inside their own."""
    assert BubblewrapBackend(use_cgroups=False).probe().available


@pytest.mark.parametrize(
    ("file", "text", "remedy"),
    [
        ("apparmor_restrict_unprivileged_userns", "1", "apparmor_parser"),
        ("unprivileged_userns_clone", "0", "unprivileged_userns_clone=1"),
        ("max_user_namespaces", "0", "max_user_namespaces=10000"),
    ],
)
def test_the_remedy_fits_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str, remedy: str
) -> None:
    """Ubuntu's profile, Debian's switch, a limit of zero."""
    (tmp_path / file).write_text(text)
    monkeypatch.setattr(
        programs,
        "_SWITCHES",
        tuple((str(tmp_path / Path(f).name), *rest) for f, *rest in programs._SWITCHES),  # pyright: ignore[reportPrivateUsage]
    )
    monkeypatch.setattr(programs, "_CONTAINERS", ())
    assert remedy in programs.remedy_for("denied")


def test_inside_a_container_the_remedy_is_about_containers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the host's switches don't help."""
    monkeypatch.setattr(programs, "_CONTAINERS", (tmp_path,))
    assert "--security-opt" in programs.remedy_for("denied")


def test_an_unknown_cause_points_to_the_doctor(monkeypatch: pytest.MonkeyPatch) -> None:
    """And a full namespace table to its limit."""
    monkeypatch.setattr(programs, "_SWITCHES", ())
    monkeypatch.setattr(programs, "_CONTAINERS", ())
    assert "doctor" in programs.remedy_for("odd")
    assert "max_user_namespaces" in programs.remedy_for("No space left on device")
