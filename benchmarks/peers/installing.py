"""The peers, each in a virtual environment of its own below the user's cache.

An environment that is complete is used again; one that can't be had makes its row say why.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

CACHE = Path.home() / ".cache/docmill/bench"
READY = ".ready"
SECONDS = 600


class Peer(NamedTuple):
    """A program to compare with."""

    label: str
    script: str
    """File in scripts/."""
    requirements: tuple[str, ...]
    submit: str
    """What it calls the tool by which the model hands in the record."""


PEERS = (
    Peer("DocETL 0.3.0", "docetl_loop.py", ("docetl==0.3.0", "litellm==1.83.0"), "send_output"),
    Peer(
        "inspect_ai 0.3.285",
        "inspect_ai_loop.py",
        ("inspect-ai==0.3.285", "anthropic==2.12.0"),
        "submit_record",
    ),
    Peer(
        "pydantic-ai 2.62.0",
        "pydantic_ai_loop.py",
        ("pydantic-ai-slim[anthropic]==2.62.0", "anthropic==2.12.0"),
        "final_result",
    ),
)


class SkippedError(Exception):
    """A peer can't be had here; the text says why."""


def install(peer: Peer) -> Path:
    """The peer's interpreter.

    Raises:
        SkippedError: it can't be installed.
    """
    home = CACHE / "-".join((*peer.requirements, f"py{sys.version_info.minor}"))
    python = home / "bin/python"
    if (home / READY).exists():
        return python
    shutil.rmtree(home, ignore_errors=True)
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        raise SkippedError("uv is not installed")
    _run([uv, "venv", "--quiet", "--python", sys.executable, str(home)])
    install_all = [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python)]
    _run([*install_all, *peer.requirements])
    (home / READY).touch()
    return python


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
    except subprocess.TimeoutExpired as error:
        raise SkippedError(f"not installed within {SECONDS} s") from error
    if done.returncode:
        raise SkippedError((done.stderr.strip() or "can't be installed").splitlines()[0])
