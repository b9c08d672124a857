"""What attacks try to reach: files with a secret, a process that holds it, services that tell it.

Everything is made for one round of attacks, lies in folders of its own and is gone afterwards. The
secret is known to scripts by its hash only: who prints it has found it.
"""

import asyncio
import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docmill.sandboxes.selfcheck.services import PREFIX, serve

_HOUR = 3600
_VICTIM = "import sys; sys.stdin.read()"
"""Does nothing until whoever started it is gone."""


@dataclass(frozen=True, slots=True)
class Bait:
    """The bait of one round."""

    secret: str
    folder: Path
    """Temporary folder, world-readable, with the file `secret`; controls run and write here."""
    copies: tuple[Path, ...]
    """Files with the secret in other places an attacker would look."""
    victim: int
    """A process of this user with the secret among its arguments and in its environment."""
    services: dict[str, Any]
    """Kind of service → where it answers every caller with the secret."""

    def facts(self, *, inside: bool) -> str:
        """What a script is told, as JSON."""
        return json.dumps(
            {
                "inside": inside,
                "digest": hashlib.sha256(self.secret.encode()).hexdigest(),
                "folder": str(self.folder),
                "secrets": [str(path) for path in (self.folder / "secret", *self.copies)],
                "code": __file__,
                "victim": self.victim,
                "targets": [1, self.victim] if inside else [self.victim],
                **self.services,
            }
        )


@asynccontextmanager
async def lay(workspace: Path) -> AsyncGenerator[Bait]:
    """Lay out bait, also in the user's home and in `workspace` where they can be written."""
    secret = f"bait-{secrets.token_hex(16)}"
    async with AsyncExitStack() as stack:
        folder = stack.enter_context(_folder(Path(tempfile.gettempdir()), secret))
        assert folder is not None
        copies = [
            stack.enter_context(_folder(place, secret))
            for place in (*_home(), workspace, _runtime_folder())
        ]
        found = [copy for copy in copies if copy]
        victim = await stack.enter_async_context(_victim(secret, folder))
        services = await serve(stack, secret, found[-1] if found else folder)
        yield Bait(secret, folder, tuple(copy / "secret" for copy in found), victim, services)


def _home() -> tuple[Path, ...]:
    """The user's home; none for a user whom nobody has entered."""
    with suppress(RuntimeError):
        return (Path.home(),)
    return ()


def _runtime_folder() -> Path:
    """Where services of this user keep their sockets."""
    own = Path(f"/run/user/{os.geteuid()}")
    return own if os.geteuid() and own.is_dir() else Path("/run")


@contextmanager
def _folder(place: Path, secret: str) -> Generator[Path | None]:
    """A folder with the secret in a file; None where it can't be made."""
    folder = None
    with suppress(OSError):
        _sweep(place)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        folder.chmod(0o755)
        (folder / "secret").write_text(secret)
    try:
        yield folder
    finally:
        if folder:
            _remove(folder)


def _sweep(place: Path) -> None:
    """Remove what checks that were killed have left; none takes an hour."""
    for left in place.glob(f"{PREFIX}*"):
        found = left.lstat()
        if found.st_uid == os.geteuid() and found.st_mtime < time.time() - _HOUR:
            _remove(left)


def _remove(folder: Path) -> None:
    """Folders nested by attacks are deeper than Python's own stack."""
    subprocess.run(["rm", "-rf", "--", str(folder)], check=False, capture_output=True)


@asynccontextmanager
async def _victim(secret: str, folder: Path) -> AsyncGenerator[int]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", "-c", _VICTIM, secret),
        stdin=asyncio.subprocess.PIPE,
        env={"DOCMILL_SELFCHECK": secret},
        cwd=folder,
        start_new_session=True,
    )
    try:
        yield process.pid
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if process.stdin:
            process.stdin.close()
