"""One container from its start to its end: made, attached to, started, its toolbox awake.

Blocking throughout, as the engine's client is; `pool` and `sandbox` call it in threads. Doesn't
talk to the toolbox.
"""

import select
import shutil
import socket
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from docmill.errors import PrerequisiteError
from docmill.sandboxes import claims
from docmill.sandboxes.docker import form, owners
from docmill.sandboxes.docker.engine import Engine, EngineError, State
from docmill.sandboxes.docker.form import Form
from docmill.sandboxes.docker.streams import Streams

START_SECONDS = 60.0
"""How long a container may take to say hello on a busy machine."""
_SMALL_UIDS = 20_000
"""First user where the engine maps users, and high ones don't exist."""
PREFIX = "docmill"


class Container:
    """A container that has said hello; nothing has been sent to it yet."""

    def __init__(self, engine: Engine, claim: claims.Claim, made: Form) -> None:
        self._engine = engine
        self._claim = claim
        self.form = made
        self._id = ""
        self._folder: Path | None = None
        self.socket: socket.socket | None = None
        self._doorbell: socket.socket | None = None
        self.since = 0.0
        """When it was ready, on the monotonic clock."""

    def start(self, *, mapped: bool) -> None:
        """Make it, attach to it, start it, and wait until the toolbox has said something.

        `mapped`: the engine has users of its own, and few of them.

        Raises:
            PrerequisiteError: the engine refuses, or the toolbox doesn't come up.
        """
        if self._engine.is_podman and self.form.oci_runtime:
            raise _one_runtime(self.form.oci_runtime)
        uid = _SMALL_UIDS + self._claim.number if mapped else claims.FIRST_UID + self._claim.number
        door = self._open_door(uid) if self.form.door else None
        labels = owners.labels(dict(self.form.labels))
        body = form.config(self.form, uid=uid, labels=labels, door=door)
        try:
            self._id = self._engine.create(body, f"{PREFIX}-{self._claim.name}")
            self.socket = self._engine.attach(self._id)
            self._engine.start(self._id)
        except EngineError as error:
            raise refusal(error) from error
        ready, _, _ = select.select([self.socket], [], [], START_SECONDS)
        if not ready or self._has_only_complained():
            raise self._silence()
        self.since = time.monotonic()

    def _silence(self) -> PrerequisiteError:
        """What it means that the toolbox hasn't said hello."""
        return PrerequisiteError(
            f"A container was started, but its toolbox didn't come up: {self._complaint()}",
            remedy="Build the sandbox's image afresh: docker image rm "
            f"{self.form.image}, then run again",
        )

    def _open_door(self, uid: int) -> Path:
        """A folder with a socket on which the toolbox hands over its door.

        Raises:
            PrerequisiteError: the engine doesn't see this machine's files.
        """
        if not self._engine.is_local:
            raise PrerequisiteError(
                "Docker sandboxes with network access need an engine on this machine; "
                f"this one is at {self._engine.address}.",
                remedy="Unset DOCKER_HOST, or use networking: limited without allowed_hosts",
            )
        self._folder = Path(tempfile.mkdtemp(prefix="docmill-door-"))
        self._folder.chmod(0o711)
        self._doorbell = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._doorbell.bind(str(self._folder / "socket"))
        (self._folder / "socket").chmod(0o777)
        self._doorbell.listen(1)
        return self._folder

    def take_door(self) -> socket.socket:
        """The connection on which the toolbox has sent its door; call it once."""
        assert self._doorbell is not None
        self._doorbell.settimeout(START_SECONDS)
        return self._doorbell.accept()[0]

    def _has_only_complained(self) -> bool:
        """Whether what it has said first is the end, or words of an error."""
        assert self.socket is not None
        self.socket.settimeout(START_SECONDS)
        first = self.socket.recv(1, socket.MSG_PEEK)
        return first != b"\x01"

    def _complaint(self) -> str:
        """What it wrote to its error stream, or what the engine says of its end."""
        assert self.socket is not None
        streams = Streams()
        with suppress(OSError, ValueError):
            self.socket.settimeout(1.0)
            while data := self.socket.recv(4096):
                streams.feed(data)
        text = streams.errors.decode("utf-8", "replace").strip()
        return text[-500:] or f"it ended with code {self.state().exit_code}"

    def state(self) -> State:
        """How the container is doing; as if it had never been where the engine doesn't know."""
        try:
            return self._engine.state(self._id)
        except EngineError as error:
            return State(0, out_of_memory=False, exit_code=-1, error=error.message)

    def remove(self) -> None:
        """End everything in it and remove every trace."""
        try:
            if self._id:
                self._engine.remove(self._id)
        except EngineError:
            pass  # its owner's label is there for a sweep
        finally:
            for end in (self.socket, self._doorbell):
                if end is not None:
                    end.close()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
            self._claim.release()


def _one_runtime(name: str) -> PrerequisiteError:
    """Podman's service passes over the runtime it is asked for."""
    return PrerequisiteError(
        f"Podman's service has one OCI runtime for all containers; it can't be told to use {name}.",
        remedy=f'Set runtime = "{name}" in containers.conf, start the service again, and leave out '
        "oci_runtime in the environment",
    )


def refusal(error: EngineError) -> PrerequisiteError:
    """What an engine's refusal means, and what mends it."""
    text = error.message
    if "no space" in text.lower():
        return PrerequisiteError(
            f"The Docker Engine has no space for a container: {text[-300:]}",
            remedy="Make room: docker system prune",
        )
    if "untime" in text and ("unknown" in text.lower() or "not found" in text.lower()):
        return PrerequisiteError(
            f"The Docker Engine doesn't know the OCI runtime asked for: {text[-300:]}",
            remedy="Register it in /etc/docker/daemon.json under `runtimes`, or leave out "
            "oci_runtime in the environment",
        )
    return PrerequisiteError(
        f"The Docker Engine can't start a sandbox: {text[-500:]}",
        remedy="See what the engine lacks: docker info",
    )


def is_mapped(info: object) -> bool:
    """Whether an engine's containers have users of their own (rootless, userns-remap)."""
    return "rootless" in str(info) or "name=userns" in str(info)
