"""The house's own rules, kept by machine: sizes, names of this machine, errors on one page."""

import inspect
import re
import subprocess
from pathlib import Path

import pytest

from docmill import errors

ROOT = Path(__file__).parents[2]
MAX_LINES = 400
HOSTS = re.compile(r"pypi\.org|pythonhosted|registry\.npmjs|deb\.debian\.org|docker\.io/")
HOME = re.compile(r"/root/|/home/[a-z]+/|/work/[a-z]+")


def tracked() -> list[Path]:
    """Files of the repository, also those not committed yet."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / line for line in listing.stdout.splitlines() if (ROOT / line).is_file()]


def test_no_python_file_is_longer_than_400_lines() -> None:
    """When a file hurts, the design wants a new room, not an exception."""
    sizes = {
        path.relative_to(ROOT): path.read_text().count("\n")
        for path in tracked()
        if path.suffix == ".py"
    }
    assert {path: lines for path, lines in sizes.items() if lines > MAX_LINES} == {}


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    """The project installs from whatever index its user has, wherever it lies."""
    found: list[str] = []
    for path in tracked():
        if path.suffix in (".pdf", ".png", ".xlsx") or path == Path(__file__):
            continue
        text = path.read_text(errors="replace")
        found += [f"{path.name}: {match[0]}" for match in HOSTS.finditer(text)]
        found += [f"{path.name}: {match[0]}" for match in HOME.finditer(text)]
    assert found == []


def test_the_error_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    """Whoever reads the first screen of `errors` knows them all."""
    drawn = re.findall(r"(\w+Error)\b", inspect.getdoc(errors) or "")
    classes = [
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, Exception)
    ]
    assert sorted(set(drawn)) == sorted(classes)
