"""Commands about the machine: doctor, sandbox clean, prefect, version."""

import ast
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from docmill.cli import doctoring
from docmill.errors import PrerequisiteError

if TYPE_CHECKING:
    from tests.cli.conftest import Docmill

pytestmark = pytest.mark.timeout(120)

HEAVY = {"rich", "prefect", "sqlalchemy", "pandas", "jinja2", "ruamel"}


def test_the_version_is_said(docmill: "Docmill", elsewhere: Path) -> None:
    """Anywhere; as text and as data."""
    text = docmill("version", at=elsewhere).out
    assert text.startswith("docmill 0.")
    assert docmill("version", "--json", at=elsewhere).json == {"docmill": text.split()[1]}


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (("--help",), HEAVY | {"pydantic"}),
        (("run", "--help"), HEAVY | {"pydantic"}),
        (("runs", "list", "-h"), HEAVY | {"pydantic"}),
        (("version",), HEAVY),
    ],
)
def test_help_loads_nothing_heavy(
    elsewhere: Path, arguments: tuple[str, ...], heavy: set[str]
) -> None:
    """What a command needs is imported when it is called, so that help comes at once."""
    program = (
        "import sys, docmill.cli\n"
        f"sys.argv = ['docmill', *{list(arguments)!r}]\n"
        "try: docmill.cli.main()\n"
        "finally: print(sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=elsewhere, capture_output=True, text=True, check=True
    )
    loaded = set(ast.literal_eval(done.stderr))
    assert "docmill" in loaded
    assert loaded.isdisjoint(heavy)


def test_the_doctor_looks_at_everything_a_run_needs(docmill: "Docmill", bare: Path) -> None:
    """A line each; the sandbox's limits are those read back from the kernel."""
    answer = docmill("doctor", at=bare)
    assert answer.code == 0
    for subject in ("Python", "prefect", "free disk", "sandbox", "workspace", "specs", "store"):
        assert f"✓  {subject}" in answer.out
    assert "Limits of a sandbox, as read back from the kernel:" in answer.out
    assert "memory" in answer.out.rpartition("kernel:")[2]
    assert "limits" in answer.out.partition("kernel:")[0]


def test_the_doctor_gives_data_too(docmill: "Docmill", bare: Path) -> None:
    """For monitoring: each finding with its remedy."""
    told = docmill("doctor", "--json", at=bare).json
    findings = {entry["subject"]: entry for entry in told["findings"]}
    assert findings["Prefect server"]["found"] == "not running; a run starts it"
    assert findings["prices"]["good"]
    assert {entry["limit"] for entry in told["enforced"]} >= {"memory", "disk"}


def test_the_doctor_looks_at_the_sandbox_alone(docmill: "Docmill", elsewhere: Path) -> None:
    """Each limit with what keeps it and for whom; what the machine says; as text and as data."""
    answer = docmill("doctor", "--sandbox", at=elsewhere)
    told = docmill("doctor", "--sandbox", "--json", at=elsewhere).json
    assert told["available"]
    assert answer.code == (0 if told["strict"] else 3)
    memory = next(line for line in answer.out.splitlines() if " memory " in line)
    assert memory.endswith("the whole sandbox" if told["strict"] else "each process")
    assert {entry["limit"]: entry["together"] for entry in told["enforced"]}["disk"]
    assert "user namespaces" in answer.out
    assert {"user namespaces", "AppArmor", "control groups"} <= {
        fact["subject"] for fact in told["machine"]
    }


def test_mistakes_in_the_specs_are_a_finding(docmill: "Docmill", bare: Path) -> None:
    """With the command that tells them; the exit code is that of missing prerequisites."""
    (bare / "pipelines" / "spec-check.yaml").write_text("name: spec-check\n")
    answer = docmill("doctor", at=bare)
    assert answer.code == 3
    assert "✗  specs" in answer.out
    assert "\nspecs: docmill validate\n" in answer.out


def test_outside_a_workspace_the_machine_is_looked_at_all_the_same(
    docmill: "Docmill", elsewhere: Path
) -> None:
    """That there is no workspace yet is no defect of the machine."""
    answer = docmill("doctor", at=elsewhere)
    assert answer.code == 0
    assert "–  workspace" in answer.out
    assert "workspace: Make one: docmill init NAME" in answer.out


def test_a_misspelt_variable_is_found(
    docmill: "Docmill", bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`DOCMILL_SANDBX` would otherwise be ignored in silence."""
    done = subprocess.run(
        [sys.executable, "-m", "docmill.cli", "doctor", "--json"],
        cwd=bare, env={"PATH": "/usr/bin:/bin", "DOCMILL_SANDBX": "docker"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    told = {entry["subject"]: entry for entry in json.loads(done.stdout)["findings"]}
    assert told["DOCMILL_SANDBX"] == {
        "subject": "DOCMILL_SANDBX",
        "good": False,
        "found": "means nothing to docmill",
        "remedy": "unset DOCMILL_SANDBX",
        "needed": False,
    }


def test_a_store_that_cannot_be_opened_is_a_finding(docmill: "Docmill", bare: Path) -> None:
    """Not a crash of the doctor."""
    (bare / ".docmill").write_text("a file where the folder should be")
    answer = docmill("doctor", at=bare)
    assert answer.code == 3
    assert "✗  store" in answer.out


def test_a_price_list_that_cannot_be_read_is_a_finding(docmill: "Docmill", bare: Path) -> None:
    """Without prices no budget can be kept."""
    (bare / "docmill.yaml").write_text("prices: prices.yaml\n")
    (bare / "prices.yaml").write_text("as_of: yesterday\n")
    answer = docmill("doctor", "--json", at=bare)
    told = {entry["subject"]: entry for entry in answer.json["findings"]}
    assert answer.code == 3
    assert not told["prices"]["good"]


def test_a_sandbox_that_cannot_be_had_keeps_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor says what a run would say, and goes on."""

    def refuse(name: str) -> object:
        raise PrerequisiteError(f"no {name} here.", remedy="Install it.")

    monkeypatch.setattr(doctoring, "open_backend", refuse)
    probe = doctoring.probed("docker")
    assert (probe.available, probe.cause, probe.remedy) == (False, "no docker here.", "Install it.")


def test_sandboxes_are_cleaned_away(docmill: "Docmill", elsewhere: Path) -> None:
    """How many there were is told; none is fine."""
    docmill("sandbox", "clean", at=elsewhere)
    assert docmill("sandbox", "clean", at=elsewhere).err.startswith("Removed ")
    assert "removed" in docmill("sandbox", "clean", "--json", at=elsewhere).json


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_the_server_is_started_and_stopped(docmill: "Docmill", bare: Path) -> None:
    """By hand, where a run's own start isn't early enough; stopping it twice is no mistake."""
    assert docmill("prefect", "status", at=bare).out == "No server runs; a run starts one.\n"
    started = docmill("prefect", "start", at=bare)
    assert started.err.startswith("Ready after ")
    assert started.out.startswith("UI   http://127.0.0.1:")
    status = docmill("prefect", "status", at=bare).out
    assert status.splitlines()[1:] == started.out.splitlines()
    assert docmill("doctor", at=bare).out.count("http://127.0.0.1:") == 1
    assert docmill("prefect", "stop", at=bare).err == "Stopped.\n"
    assert docmill("prefect", "stop", at=bare).err == "There was no server to stop.\n"
    assert docmill("prefect", "stop", "--json", at=bare).json == {"stopped": False}
