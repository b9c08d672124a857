"""Runs a package manager shut in by bubblewrap: what it needs to read, one folder to write.

It has the network for downloads only; no code of a package runs here. No sandbox for documents:
`bubblewrap` has those.
"""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from docmill.errors import PrerequisiteError
from docmill.sandboxes.programs import remedy_for

SECONDS = 1800.0
_TOP = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_NETWORK = (
    *("/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf"),
    *("/etc/ssl", "/etc/ca-certificates", "/etc/pki", "/etc/crypto-policies"),
)
"""What names and certificates are looked up in."""
_USER = "1000"
WORK = "/work"
"""Its folder inside when nothing else is said."""


class Said(NamedTuple):
    """What a program came to."""

    code: int
    output: str
    complaint: str


@dataclass(frozen=True, slots=True)
class Confinement:
    """What a program sees of the machine besides /usr."""

    bubblewrap: str
    read: Mapping[str, Path] = field(default_factory=dict[str, Path])
    """Path inside → file or folder outside."""
    write: Mapping[str, Path] = field(default_factory=dict[str, Path])
    network: bool = False
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    """All of it; nothing of docmill's own passes."""

    def run(self, command: Sequence[str], *, seconds: float = SECONDS) -> Said:
        """Run a command to its end.

        Raises:
            PrerequisiteError: bubblewrap can't start, or the time is over.
        """
        words = [self.bubblewrap, *self._arguments(), "--", *command]
        try:
            done = subprocess.run(
                words, capture_output=True, timeout=seconds, check=False, env={}, cwd="/",
                stdin=subprocess.DEVNULL,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise PrerequisiteError(
                f"{Path(command[0]).name} took longer than {seconds:g} s.",
                remedy="See that the package index answers, then try again",
            ) from error
        complaint = done.stderr.decode("utf-8", "replace").strip()
        if done.returncode != 0 and complaint.startswith("bwrap:"):
            raise PrerequisiteError(
                f"bubblewrap can't shut a package manager in: {complaint}",
                remedy=remedy_for(complaint),
            )
        return Said(done.returncode, done.stdout.decode("utf-8", "replace"), complaint)

    def _arguments(self) -> list[str]:
        args = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        # Not root inside, so that nothing tries to give files away; outside they are the caller's.
        args += ["--unshare-user", "--uid", _USER, "--gid", _USER]
        args += ["--share-net"] if self.network else []
        args += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
        args += ["--tmpfs", "/tmp", "--dir", WORK]  # noqa: S108  # inside, where nobody else is
        for top in _TOP:
            if Path(top).is_symlink():
                args += ["--symlink", str(Path(top).readlink()), top]
            elif Path(top).is_dir():
                args += ["--ro-bind", top, top]
        for name in _NETWORK if self.network else ():
            args += ["--ro-bind-try", os.path.realpath(name), name]
        args += ["--ro-bind-try", "/etc/alternatives", "/etc/alternatives"]
        args += ["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]
        for inside, outside in self.read.items():
            args += ["--ro-bind", str(outside), inside]
        for inside, outside in self.write.items():
            args += ["--bind", str(outside), inside]
        args += ["--chdir", WORK, "--clearenv"]
        for name, value in {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **self.environ}.items():
            args += ["--setenv", name, value]
        return args
