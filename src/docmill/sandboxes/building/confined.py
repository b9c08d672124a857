"""Runs a package manager shut in by bubblewrap: what it needs to read, one folder to write.

Downloads have a `way` out, through a door made inside; there is no other network. No code of a
package runs here. No sandbox for documents: `bubblewrap` has those.
"""

import socket
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from docmill.errors import PrerequisiteError, SandboxError
from docmill.sandboxes.base import PROXY_PORT
from docmill.sandboxes.building.way import Way
from docmill.sandboxes.doors import take_door
from docmill.sandboxes.interpreters import own_interpreter
from docmill.sandboxes.programs import remedy_for
from docmill.sandboxes.toolbox import door as door_program

SECONDS = 1800.0
_TOP = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")
_CERTIFICATES = ("/etc/ssl", "/etc/ca-certificates", "/etc/pki", "/etc/crypto-policies")
TOOLS = "/opt/way"
"""Where programs of docmill's lie inside."""
PROXY = f"http://127.0.0.1:{PROXY_PORT}"
"""The door, as programs inside are told of it."""
BUNDLE = f"{TOOLS}/certificates.pem"
"""Where the authorities lie that `Way.certificates` names."""
_DOOR_SECONDS = 60.0
_MAKE_DOOR = (
    f"import os, sys; sys.path.insert(0, {TOOLS!r}); import door; fd = int(sys.argv[1]); "
    f"door.hand_over(fd, {PROXY_PORT}); os.close(fd); os.execv(sys.argv[2], sys.argv[2:])"
)
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
    texts: Mapping[str, str] = field(default_factory=dict[str, str])
    """Path inside → what a file there says."""
    way: Way | None = None
    """Where downloads go; None: nowhere."""
    environ: Mapping[str, str] = field(default_factory=dict[str, str])
    """All of it; nothing of docmill's own passes."""

    def run(self, command: Sequence[str], *, seconds: float = SECONDS) -> Said:
        """Run a command to its end.

        Raises:
            PrerequisiteError: bubblewrap can't start, or the time is over.
        """
        try:
            with TemporaryDirectory(prefix="docmill-settings-") as folder:
                words = [self.bubblewrap, *self._arguments(Path(folder)), "--"]
                done = self._run(words, command, seconds)
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

    def _run(
        self, words: Sequence[str], command: Sequence[str], seconds: float
    ) -> subprocess.CompletedProcess[bytes]:
        if self.way is None:
            return subprocess.run(
                [*words, *command], capture_output=True, timeout=seconds, check=False, env={},
                cwd="/", stdin=subprocess.DEVNULL,
            )  # fmt: skip
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                number = str(theirs.fileno())
                process = subprocess.Popen(
                    [*words, *python_inside(), "-c", _MAKE_DOOR, number, *command],
                    stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                    env={}, cwd="/", pass_fds=[theirs.fileno()],
                )  # fmt: skip
            with process, _ending(process), self._let_out(self.way, ours):
                output, complaint = process.communicate(timeout=seconds)
        return subprocess.CompletedProcess(command, process.returncode, output, complaint)

    @staticmethod
    @contextmanager
    def _let_out(way: Way, channel: socket.socket) -> Generator[None]:
        """Within this the door that comes through the channel leads out."""
        try:
            door = take_door(channel, _DOOR_SECONDS)
        except SandboxError:
            yield  # it has ended; what it printed says why
            return
        with door, way.serve(door):
            yield

    def _arguments(self, folder: Path) -> list[str]:
        args = ["--unshare-all", "--die-with-parent", "--new-session", "--cap-drop", "ALL"]
        # Not root inside, so that nothing tries to give files away; outside they are the caller's.
        args += ["--unshare-user", "--uid", _USER, "--gid", _USER]
        args += ["--ro-bind", "/usr", "/usr", "--proc", "/proc", "--dev", "/dev"]
        args += ["--tmpfs", "/tmp", "--dir", WORK]  # noqa: S108  # inside, where nobody else is
        for top in _TOP:
            if Path(top).is_symlink():
                args += ["--symlink", str(Path(top).readlink()), top]
            elif Path(top).is_dir():
                args += ["--ro-bind", top, top]
        for name in ("/etc/alternatives", "/etc/ld.so.cache"):
            args += ["--ro-bind-try", name, name]
        for inside, outside in {**self._for_the_door(), **self.read}.items():
            args += ["--ro-bind", str(outside), inside]
        for inside, outside in self.write.items():
            args += ["--bind", str(outside), inside]
        for number, (inside, text) in enumerate(self._texts().items()):
            (folder / str(number)).write_text(text)
            args += ["--ro-bind", str(folder / str(number)), inside]
        args += ["--chdir", WORK, "--clearenv"]
        for name, value in self._environment().items():
            args += ["--setenv", name, value]
        return args

    def _for_the_door(self) -> dict[str, Path]:
        """What has to be there to make a door and to go through it."""
        if self.way is None:
            return {}
        found = {f"{TOOLS}/door.py": Path(door_program.__file__)}
        found |= {name: Path(name) for name in _CERTIFICATES if Path(name).exists()}
        prefix = own_interpreter().prefix
        return found if prefix.is_relative_to("/usr") else {**found, str(prefix): prefix}

    def _texts(self) -> dict[str, str]:
        certificates = self.way.certificates if self.way else ""
        return {**self.texts, **({BUNDLE: certificates} if certificates else {})}

    def _environment(self) -> dict[str, str]:
        environ = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", **self.environ}
        if self.way is not None:
            environ |= dict.fromkeys(("http_proxy", "https_proxy"), PROXY)
            environ |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY"), PROXY)
            if self.way.certificates:
                environ |= {"SSL_CERT_FILE": BUNDLE}
        return environ


def python_inside() -> list[str]:
    """docmill's own Python, bare, as the first words of a command."""
    own = own_interpreter()
    return [str(own.executable), "-I", "-S"]


@contextmanager
def _ending(process: subprocess.Popen[bytes]) -> Generator[None]:
    """Whatever goes wrong within this, the process has ended after it."""
    try:
        yield
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        raise
