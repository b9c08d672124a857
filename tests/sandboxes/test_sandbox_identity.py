"""The user a sandbox runs as outside, when docmill is root."""

import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from docmill.sandboxes.identity import Identity

UID = 1_900_004_000
STATUS = ["/bin/cat", "/proc/self/status"]


def status_of(text: str) -> dict[str, str]:
    """Fields of /proc/PID/status."""
    return {
        name: value.strip() for name, _, value in (line.partition(":") for line in text.split("\n"))
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("known", [True, False], ids=["own calls", "by Popen"])
def test_what_is_started_is_that_user_for_good(
    known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real, effective, saved and file system user; no groups; no capability, no way back."""
    if not known:
        monkeypatch.setattr("docmill.sandboxes.identity._CALLS", {})
    with Identity(UID).assumed() as options:
        done = subprocess.run(STATUS, check=True, capture_output=True, text=True, **options)
    status = status_of(done.stdout)
    assert status["Uid"].split() == status["Gid"].split() == [str(UID)] * 4
    assert status["Groups"] == ""
    assert {status[name].strip("0") for name in ("CapInh", "CapPrm", "CapEff", "CapAmb")} == {""}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_docmill_stays_who_it_is() -> None:
    """After the block this thread is as before; other threads have never changed."""
    before = status_of(Path("/proc/thread-self/status").read_text())
    assumed = threading.Event()
    seen: list[str] = []

    def look() -> None:
        assumed.wait(10)
        seen.append(status_of(Path("/proc/thread-self/status").read_text())["Uid"])

    other = threading.Thread(target=look)
    other.start()
    with suppress(RuntimeError), Identity(UID).assumed():
        assumed.set()
        other.join()
        raise RuntimeError
    after = status_of(Path("/proc/thread-self/status").read_text())
    for name in ("Uid", "Gid", "Groups", "CapPrm", "CapEff"):
        assert after[name] == before[name]
    assert seen == [before["Uid"]]


def test_an_ordinary_user_stays_it() -> None:
    """There is nobody else to become."""
    with Identity(None).assumed() as options:
        assert options == {}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_without_an_entry_has_the_environments_home(tmp_path: Path) -> None:
    """Containers often run under a number that no list of users has."""
    program = (
        "import os; from docmill.sandboxes.layers import default_cache; "
        f"os.setuid({UID}); print(default_cache())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.strip() == str(tmp_path / ".cache" / "docmill"), done.stderr
