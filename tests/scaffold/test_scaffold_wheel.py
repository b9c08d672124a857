"""The wheel, installed elsewhere, does what the checkout does."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from docmill.scaffold import PARTS

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not UV.exists(), reason="uv is not installed beside this Python"),
]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    call(UV, "build", "--quiet", "--offline", "--wheel", "--no-build-isolation",
         "--python", sys.executable, "--out-dir", folder, ROOT)  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


def call(*command: str | Path, at: Path = ROOT, accept: tuple[int, ...] = (0,)) -> str:
    """Run a command; its stdout."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "UV_CACHE_DIR", "LANG")
            if name in os.environ}  # fmt: skip
    done = subprocess.run(
        [str(part) for part in command],
        cwd=at, env=kept, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in accept, done.stderr
    return done.stdout


def test_the_wheel_holds_code_and_workspace_and_nothing_else(wheel: Path) -> None:
    """No tests, no scripts that made the samples, no state of runs."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    places = {name.split("/")[0] for name in names}
    assert {place.partition("-")[0] for place in places} == {"docmill"}
    shipped = [name.removeprefix("docmill/_workspace/") for name in names if "/_workspace/" in name]
    assert {part for part in PARTS if any(name.startswith(part) for name in shipped)} == set(PARTS)
    assert not [name for name in shipped if name.endswith((".py", ".pyc", ".db"))]
    assert not [name for name in names if "/tests/" in name or "__pycache__" in name]


def readme_table() -> list[str]:
    """What the README shows of a run's output."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = text.partition("```\ndocument ")[2].partition("```")[0]
    return ("document " + block).splitlines()


def outcomes(workspace: Path) -> dict[str, Any]:
    """Status, values and verdicts of each document of the newest report."""
    path = workspace / "reports" / "spec-check" / "latest" / "report.json"
    return {
        entry["document"]["name"]: (entry["status"], entry["record"], entry["verdicts"])
        for entry in json.loads(path.read_text())["documents"]
    }


def test_installed_elsewhere_it_gives_the_same_result(
    wheel: Path, tmp_path: Path, prefect_folder: Path
) -> None:
    """`docmill init demo && cd demo && docmill run spec-check`, from a wheel and from the checkout.

    The new environment borrows the dependencies of this one; docmill itself comes from the wheel.
    The checkout's run, to compare with, has no server and no expectations of its own: they take
    longer than the run.
    """
    environment = tmp_path / "venv"
    call(UV, "venv", "--quiet", "--offline", "--python", sys.executable, environment)
    python = environment / "bin" / "python"
    call(UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", python, wheel)
    site = next(Path(sys.prefix).glob("lib/python*/site-packages"))
    target = next(environment.glob("lib/python*/site-packages"))
    for package in site.iterdir():
        if "docmill" not in package.name and not (target / package.name).exists():
            (target / package.name).symlink_to(package)
    where = call(python, "-c", "import docmill; print(docmill.__file__)", at=tmp_path).strip()
    assert Path(where).is_relative_to(environment)
    command = environment / "bin" / "docmill"
    call(command, "init", "wheel", at=tmp_path)
    told = call(command, "run", "spec-check", at=tmp_path / "wheel", accept=(1,))
    assert [line for line in readme_table() if line not in told.replace("\xa0", " ")] == []
    call(command, "prefect", "stop", at=tmp_path / "wheel")
    command = Path(sys.executable).with_name("docmill")
    checkout = tmp_path / "checkout"
    call(command, "init", "checkout", at=tmp_path)
    (checkout / ".docmill").mkdir()
    (checkout / ".docmill" / "prefect").symlink_to(prefect_folder)
    call(command, "run", "spec-check", "-c", "expectations=[]", at=checkout, accept=(1,))
    found = outcomes(tmp_path / "wheel")
    assert found == outcomes(checkout)
    assert len(found) > 20
