"""One numbered place per running sandbox, held by a file lock that dies with its process.

The number gives the sandbox its own user; the file names its cgroups. A file that can be locked
belongs to a run that was killed: what it names is swept. Knows nothing of how a sandbox starts.
"""

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from docmill.errors import PrerequisiteError

FIRST_UID = 1_900_000_000
"""Above the ranges of distributions, systemd and container managers."""
PLACES = 4096
_RUN = Path("/run/docmill")


def default_state(cache: Path) -> Path:
    """Where claims lie: one folder for all runs of this user, so that places don't collide."""
    return _RUN if os.geteuid() == 0 else cache / "sessions"


class Claim:
    """A place held until `release`."""

    def __init__(self, fd: int, path: Path, number: int) -> None:
        self._fd = fd
        self._path = path
        self.number = number
        self.name = f"{number}-{secrets.token_hex(4)}"
        """Unique among all sandboxes there ever were."""

    def uid(self) -> int:
        """A user that no other running sandbox has.

        Raises:
            PrerequisiteError: this process's user namespace doesn't hold such users.
        """
        wanted = FIRST_UID + self.number
        for first, length in _mapped():
            if first <= wanted < first + length:
                return wanted
        for first, length in _mapped():
            if length > PLACES + 1000:  # the top of a container's range is rarely used
                return first + length - 1 - PLACES + self.number
        raise PrerequisiteError(
            "This container's user namespace has too few users for sandboxes.",
            remedy="Run docmill as an ordinary user, or give the container 65536 users",
        )

    def note(self, folders: tuple[Path, ...]) -> None:
        """Write down what has to be removed if this process dies."""
        os.pwrite(self._fd, "\n".join(map(str, folders)).encode(), 0)

    def noted(self) -> tuple[Path, ...]:
        """What was written down by whoever held the place before."""
        text = os.pread(self._fd, 1 << 16, 0).decode("utf-8", "replace")
        return tuple(Path(line) for line in text.splitlines() if line)

    def clear(self) -> None:
        """Forget what was written down; it is gone."""
        os.ftruncate(self._fd, 0)

    def release(self) -> None:
        """Give the place back, the file with it if nothing is left to sweep."""
        if not self.noted():
            with suppress(OSError):
                self._path.unlink()
        os.close(self._fd)


def take(state: Path) -> Claim:
    """A free place; the caller sweeps what its file still names.

    Raises:
        PrerequisiteError: the folder can't be written, or all places are taken.
    """
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(PLACES):
            claim = _try(state / f"{number}.claim", number)
            if claim:
                return claim
    except OSError as error:
        raise PrerequisiteError(
            f"Sandboxes can't be counted in {state}: {error.strerror or error}.",
            remedy=f"Mend the permissions of {state}",
        ) from error
    raise PrerequisiteError(f"{PLACES} sandboxes are running.", remedy="docmill sandbox clean")


def leftovers(state: Path) -> Iterator[Claim]:
    """Places whose holder is dead; the caller sweeps and releases each."""
    for path in sorted(state.glob("*.claim")):
        if path.stem.isdigit():
            with suppress(OSError):
                claim = _try(path, int(path.stem))
                if claim:
                    yield claim


def _try(path: Path, number: int) -> Claim | None:
    """Lock a file; None if somebody holds it or has just removed it."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(fd).st_nlink == 1 and path.stat().st_ino == os.fstat(fd).st_ino:
            return Claim(fd, path, number)
    except OSError:
        pass
    os.close(fd)
    return None


@cache
def _mapped() -> tuple[tuple[int, int], ...]:
    """First user and number of users of each range that exists for this process."""
    try:
        lines = Path("/proc/self/uid_map").read_text().splitlines()
    except OSError:
        return ()
    return tuple((int(first), int(length)) for first, _, length in map(str.split, lines))
