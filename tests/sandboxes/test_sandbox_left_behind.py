"""What is left when docmill itself is killed: nothing that runs, and a sweep for the rest.

Also: an ordinary user's sandboxes work like root's.
"""

import asyncio
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

import docmill
from docmill.sandboxes import seccomp
from docmill.sandboxes.base import Packages, SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend
from docmill.sandboxes.claims import FIRST_UID, PLACES
from docmill.sandboxes.identity import Identity
from docmill.sandboxes.layers import LayerStore, default_cache
from docmill.sandboxes.process import Process, end_orphans
from docmill.sandboxes.programs import find_bubblewrap
from docmill.sandboxes.runtime import build_runtime

RUNNER = """
import asyncio
from docmill.sandboxes.base import SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend

async def main():
    limits = SandboxLimits(memory=1 << 28, cpus=1, pids=40, disk=1 << 24, seconds=60, output=9999)
    async with BubblewrapBackend().open(SandboxSpec(limits)) as sandbox:
        await sandbox.call("bash", {"command": "setsid sleep 76543 & disown"}, timeout=20)
        print(*sandbox._group.folders, flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""

USER = """
import asyncio
import sys
from pathlib import Path
from docmill.sandboxes.base import DOCUMENT, SandboxLimits, SandboxSpec
from docmill.sandboxes.bubblewrap import BubblewrapBackend

async def main():
    limits = SandboxLimits(memory=1 << 28, cpus=1, pids=40, disk=1 << 24, seconds=60, output=9999)
    async with BubblewrapBackend(Path(sys.argv[1])).open(SandboxSpec(limits)) as sandbox:
        told = await sandbox.call("bash", {"command": "id -u; cat /proc/1/environ"}, timeout=20)
        await sandbox.put(DOCUMENT, sys.stdin.buffer.read())
        result = await sandbox.call("prepare", {"max_pages": 9}, timeout=20)
        print(told["output"].split()[0], result["words"])
        print(*sorted(f"{e.limit}={e.by}" for e in sandbox.enforced), sep=",")

asyncio.run(main())
"""


def running(word: str) -> list[str]:
    """Process folders with this word among the arguments."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word.encode() in (folder / "cmdline").read_bytes():
                found.append(folder.name)
    return found


async def test_kill_9_leaves_no_process_and_a_sweep_clears_the_rest() -> None:
    """The kernel ends the sandbox with its runner; its cgroups go at the next sweep."""
    runner = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUNNER, stdout=asyncio.subprocess.PIPE
    )
    assert runner.stdout
    line = await asyncio.wait_for(runner.stdout.readline(), 30)
    folders = [Path(word) for word in line.decode().split()]
    assert running("76543")
    runner.send_signal(signal.SIGKILL)
    await runner.wait()
    async with asyncio.timeout(10):
        while running("76543"):  # noqa: ASYNC110  # no event tells of other processes
            await asyncio.sleep(0.01)
    BubblewrapBackend().sweep()
    assert not [folder for folder in folders if folder.exists()]
    assert BubblewrapBackend().sweep() == 0


def half_started(output: int) -> Process:
    """A bubblewrap that has made its child and, most likely, not yet told it to go on."""
    store = LayerStore(default_cache())
    process = Process(
        find_bubblewrap(store).path,
        build_runtime(store, runtime="python3", packages=Packages(), dropped=os.geteuid() == 0),
        SandboxLimits(memory=1 << 28, cpus=1, pids=40, disk=1 << 24, seconds=60, output=output),
        seccomp=seccomp.program(),
        identity=Identity(FIRST_UID + PLACES if os.geteuid() == 0 else None),
        entrances=(),
    )
    select.select([process._info], [], [], 10)  # pyright: ignore[reportPrivateUsage]
    return process


def test_a_start_can_be_given_up_in_its_middle() -> None:
    """The child is ended, too."""
    for _ in range(20):
        process = half_started(4321)
        process.kill()
        process.bury()
    assert not running("\0" + "4321")


async def test_a_start_cut_by_kill_9_is_swept() -> None:
    """A child left waiting for its dead parent is ended; a running sandbox isn't touched."""
    for _ in range(20):
        process = half_started(5432)
        process._process.kill()  # pyright: ignore[reportPrivateUsage]
        process.bury()
    limits = SandboxLimits(memory=1 << 28, cpus=1, pids=40, disk=1 << 24, seconds=60, output=6543)
    async with BubblewrapBackend().open(SandboxSpec(limits)) as sandbox:
        end_orphans()
        async with asyncio.timeout(10):
            while running("\0" + "5432"):  # noqa: ASYNC110  # no event tells of other processes
                await asyncio.sleep(0.01)
        await sandbox.call("ping", {}, timeout=10)
        assert running("\0" + "6543")


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder every user can reach; pytest's own are closed to others."""
    with TemporaryDirectory(prefix="docmill-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_ordinary_user_has_the_same_sandbox(open_folder: Path) -> None:
    """With an interpreter that user can read, mounted in place; the user id inside is the same."""
    python = shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin:/usr/local/bin")
    source = Path(docmill.__file__).parents[1]
    site = next(Path(folder) for folder in sys.path if folder.endswith("site-packages"))
    if python is None:
        pytest.skip("no interpreter of this version outside of root's home")
    home = open_folder / "home"
    home.mkdir()
    os.chown(home, 65534, 65534)
    done = subprocess.run(
        [
            "/usr/bin/setpriv",
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            python,
            "-c",
            USER,
            str(home / "cache"),
        ],
        input=document(open_folder),
        capture_output=True,
        env={"PYTHONPATH": f"{source}:{site}", "PYTHONDONTWRITEBYTECODE": "1", "HOME": str(home)},
        cwd="/",
        timeout=50,
        check=False,
    )
    errors = done.stderr.decode()
    if done.returncode and "No module named" in errors:
        pytest.skip("this checkout can't be read by an ordinary user")
    assert done.returncode == 0, errors
    first, enforced = done.stdout.decode().splitlines()
    assert first == "1000 3"
    assert "disk=tmpfs size" in enforced


def document(folder: Path) -> bytes:
    """A page with three words."""
    from reportlab.pdfgen.canvas import Canvas

    canvas = Canvas(str(folder / "page.pdf"))
    canvas.drawString(50, 100, "Bore 12.5 mm")
    canvas.save()
    return (folder / "page.pdf").read_bytes()
