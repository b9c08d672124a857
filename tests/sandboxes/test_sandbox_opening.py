"""Opening a backend by name: the one asked for, tried, or a refusal with its remedy."""

from dataclasses import replace
from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes import bubblewrap, cgroups, open_backend, opening, programs
from docmill.sandboxes.base import Enforced, Lack, Probe, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.delegation import Obtained
from docmill.sandboxes.running import PROBE_LIMITS


def test_auto_is_bubblewrap_and_was_tried() -> None:
    """Its probe tells version, limits in force and how long a start took."""
    probe = open_backend("auto").probe()
    assert (probe.backend, probe.available) == ("bubblewrap", True)
    assert probe.version
    assert probe.enforced
    assert 0 < probe.seconds < 20


def test_other_names_are_refused() -> None:
    """Never another backend in their place."""
    with pytest.raises(PrerequisiteError) as caught:
        open_backend("chroot")
    assert "auto" in caught.value.remedy


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


LOOSE = Probe(
    "bubblewrap",
    available=True,
    enforced=(
        Enforced("memory", "rlimit", "1 per process", together=False),
        Enforced("pids", "rlimit", "7"),
        Enforced("cpus", "nothing", "", together=False),
    ),
    lack=Lack(("memory", "cpus"), "Nobody may.", "Ask somebody."),
)


def test_limits_per_process_are_refused_with_two_ways_out() -> None:
    """What mends the machine, and what does without; processors alone are no reason."""
    with pytest.raises(
        PrerequisiteError, match=r"can't limit memory of a sandbox.* Nobody may"
    ) as e:
        opening.require_limits(LOOSE, "default")
    assert e.value.remedy.startswith("Ask somebody.\n")
    assert "`strict: false`" in e.value.remedy
    assert "sandbox/default.yaml" in e.value.remedy
    opening.require_limits(replace(LOOSE, enforced=LOOSE.enforced[1:]), "default")


async def test_a_strict_sandbox_is_refused_where_the_kernel_refuses_its_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when the trial went well; one that isn't strict does without."""
    gone = cgroups.Place(tmp_path / "gone", 2, ("memory", "pids"))

    def obtain(_: object) -> Obtained:
        return Obtained((gone,))

    monkeypatch.setattr(bubblewrap, "obtain_places", obtain)
    backend = BubblewrapBackend()
    limits = PROBE_LIMITS
    with pytest.raises(PrerequisiteError, match="refuses a control group"):
        async with backend.open(SandboxSpec(replace(limits, strict=True))):
            pass
    async with backend.open(SandboxSpec(limits)) as sandbox:
        assert "memory" in [entry.limit for entry in sandbox.enforced if not entry.together]


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
