"""The few calls to a Docker Engine that sandboxes need; the only door to its Python client.

Blocking: call it in threads. What the engine refuses comes out as `EngineError`, what keeps any
sandbox from being had as `PrerequisiteError`. Knows neither limits nor images by content.
"""

import json
import os
import socket
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from docmill.errors import PrerequisiteError

OLDEST_API = (1, 41)
"""Of Engine 20.10, the first with cgroup v2."""
SECONDS = 60.0
"""How long the engine may take for one answer."""
REMOVALS, REMOVAL_SECONDS = 20, 0.1
"""How often, and after what pause, a container is removed that is just ending."""
_ATTACH = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}


class EngineError(Exception):
    """The engine refused one request; `status` is its HTTP status."""

    def __init__(self, message: str, status: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.status = status


class Image(NamedTuple):
    """An image the engine has."""

    id: str
    """The hash of its content."""
    labels: Mapping[str, str]
    size: int = 0
    """Bytes, with those of what it was put on top of."""
    created: float = 0.0
    """In seconds since 1970; 0: not told."""


class Listed(NamedTuple):
    """A container as a list shows it."""

    id: str
    labels: Mapping[str, str]
    running: bool


class State(NamedTuple):
    """How a container is doing."""

    pid: int
    """On the engine's machine; 0 if it doesn't run."""
    out_of_memory: bool
    exit_code: int
    error: str


class Engine:
    """A connection to an engine."""

    def __init__(self) -> None:
        """Connect to where `DOCKER_HOST` points, by default the socket at its usual place.

        Raises:
            PrerequisiteError: nobody answers there, it can't be spoken to, or it is too old.
        """
        import docker  # noqa: PLC0415  # a third of a second, for this backend only
        from docker.utils import kwargs_from_env  # noqa: PLC0415

        module: Any = docker
        options: Any = kwargs_from_env()
        self.address = str(options.get("base_url") or "unix:///var/run/docker.sock")
        if options.get("tls") or self.address.startswith(("https://", "ssh://")):
            raise _unattachable(self.address)
        with self._reaching():
            if self.is_local:
                _knock(self._path)
            self._client: Any = module.APIClient(
                **options, version="auto", timeout=SECONDS, max_pool_size=8
            )
            told = self._client.version()
        self.version = str(told.get("Version", ""))
        self.is_podman = "Podman" in str(told.get("Components"))
        """Whether it is Podman, which speaks Docker's API with an accent."""
        api = str(told.get("ApiVersion", "0"))
        if tuple(int(part) for part in api.split(".")) < OLDEST_API:
            self.close()
            raise PrerequisiteError(
                f"The Docker Engine at {self.address} is {self.version}, which is too old.",
                remedy="Install Docker Engine 20.10 or newer",
            )

    @property
    def is_local(self) -> bool:
        """Whether the engine sees this machine's files."""
        return self.address.startswith(("unix://", "http+unix://"))

    @property
    def _path(self) -> str:
        return "/" + self.address.partition("://")[2].lstrip("/")

    def close(self) -> None:
        """Close all connections but those handed out."""
        self._client.close()

    @contextmanager
    def _reaching(self) -> Generator[None]:
        """Turn failures to reach an engine into refusals with their remedy."""
        from docker.errors import DockerException  # noqa: PLC0415
        from requests.exceptions import RequestException  # noqa: PLC0415

        try:
            yield
        except (DockerException, RequestException, OSError, ValueError) as error:
            raise _unreachable(self.address, str(error)) from error

    @contextmanager
    def _asking(self) -> Generator[None]:
        """Turn what the client raises into `EngineError`."""
        from docker.errors import APIError, DockerException  # noqa: PLC0415
        from requests.exceptions import RequestException  # noqa: PLC0415

        try:
            yield
        except APIError as error:
            failure: Any = error
            text = str(failure.explanation or failure)
            raise EngineError(text, int(failure.status_code or 0)) from error
        except (DockerException, RequestException, OSError) as error:
            raise EngineError(f"The Docker Engine at {self.address}: {error}") from error

    def info(self) -> Mapping[str, Any]:
        """What the engine tells of itself."""
        with self._asking():
            return self._client.info()

    def image(self, name: str) -> Image | None:
        """An image by its name; None if the engine has none."""
        try:
            with self._asking():
                found = self._client.inspect_image(name)
        except EngineError as error:
            if error.status == 404:
                return None
            raise
        return Image(str(found["Id"]), found["Config"].get("Labels") or {})

    def import_image(
        self, tar: IO[bytes], repository: str, tag: str, *, labels: Mapping[str, str]
    ) -> None:
        """Make an image of a root file system."""
        changes = [f'LABEL "{name}"="{value}"' for name, value in labels.items()]
        with self._asking():
            told = self._client.import_image_from_data(
                tar, repository=repository, tag=tag, changes=changes
            )
            if '"error"' in str(told):
                raise EngineError(str(told).strip()[-500:])
            if self.is_podman:  # 4.3 calls it `latest`
                self._client.tag(_imported(str(told)), repository, tag)

    def build_image(self, context: IO[bytes], name: str, *, labels: Mapping[str, str]) -> None:
        """Make an image of a tar archive with a Dockerfile."""
        with self._asking():
            told = self._client.build(
                fileobj=context, custom_context=True, tag=name, labels=dict(labels), rm=True
            )
            failures = [line for line in told if b'"error"' in line]
        if failures:
            raise EngineError(failures[0].decode("utf-8", "replace").strip()[-500:])

    def remove_image(self, name: str) -> None:
        """Remove an image that no container uses.

        Raises:
            EngineError: one does, or there is none of that name.
        """
        with self._asking():
            self._client.remove_image(name)

    def images(self, label: str) -> tuple[Image, ...]:
        """All images with this label, `name` or `name=value`; the latest first."""
        with self._asking():
            found: list[dict[str, Any]] = self._client.images(filters={"label": label})
        found.sort(key=lambda one: -int(one.get("Created") or 0))
        return tuple(
            Image(
                str(one["Id"]),
                one.get("Labels") or {},
                int(one.get("Size") or 0),
                float(one.get("Created") or 0),
            )
            for one in found
        )

    def is_used(self, image: str) -> bool:
        """Whether a container is made of an image, running or not."""
        with self._asking():
            return bool(self._client.containers(all=True, filters={"ancestor": image}))

    def create(self, config: Mapping[str, Any], name: str) -> str:
        """Make a container of the API's own description of one; returns its id."""
        with self._asking():
            return str(self._client.create_container_from_config(dict(config), name)["Id"])

    def attach(self, container: str) -> socket.socket:
        """A socket to the standard streams; what comes out of it is multiplexed (`streams`).

        Attach before the start: nothing is missed then.
        """
        with self._asking():
            stream: Any = self._client.attach_socket(container, params=_ATTACH)
            own = socket.socket(fileno=os.dup(stream.fileno()))
            response: Any = getattr(stream, "_response", stream)
            response.close()
        return own

    def start(self, container: str) -> None:
        """Start it."""
        with self._asking():
            self._client.start(container)

    def state(self, container: str) -> State:
        """How it is doing."""
        with self._asking():
            found = self._client.inspect_container(container)["State"]
        return State(
            pid=int(found.get("Pid") or 0),
            out_of_memory=bool(found.get("OOMKilled")),
            exit_code=int(found.get("ExitCode") or 0),
            error=str(found.get("Error") or ""),
        )

    def remove(self, container: str) -> None:
        """End it and remove it; no error if it is gone or somebody else is at it."""
        for left in reversed(range(REMOVALS)):
            try:
                with self._asking():
                    self._client.remove_container(container, v=True, force=True)
            except EngineError as error:
                if error.status in (404, 409):
                    return
                # Podman stumbles over a container that ends by itself meanwhile.
                if not (left and self.is_podman and "state improper" in error.message):
                    raise
                time.sleep(REMOVAL_SECONDS)
            else:
                return

    def containers(self, labels: Sequence[str]) -> tuple[Listed, ...]:
        """All containers with these labels (`name` or `name=value`), running or not."""
        with self._asking():
            found = self._client.containers(all=True, filters={"label": list(labels)})
        return tuple(
            Listed(str(one["Id"]), one.get("Labels") or {}, one.get("State") == "running")
            for one in found
        )


def _imported(told: str) -> str:
    """The id of the image that was imported, of the engine's lines of JSON."""
    found = [json.loads(line).get("status", "") for line in told.splitlines() if line.strip()]
    return str(found[-1])


def _knock(path: str) -> None:
    """Connect once: the client leaves its socket open where that fails.

    Raises:
        OSError: nobody answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as end:
        end.settimeout(SECONDS)
        end.connect(path)


def _unattachable(address: str) -> PrerequisiteError:
    """An engine whose streams only its own client could decrypt."""
    return PrerequisiteError(
        f"docmill doesn't speak to a Docker Engine over TLS or ssh, as DOCKER_HOST={address} asks.",
        remedy="Forward its socket: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, then "
        "set DOCKER_HOST=unix:///tmp/docker.sock and unset DOCKER_TLS_VERIFY",
    )


def _unreachable(address: str, cause: str) -> PrerequisiteError:
    """Why an engine can't be reached, and what mends it."""
    path = Path(address.partition("://")[2])
    if "Permission denied" in cause or "PermissionError" in cause:
        return PrerequisiteError(
            f"The Docker Engine's socket {path} may not be used by this user.",
            remedy="Add the user to its group: usermod -aG docker $USER, then log in again",
        )
    if address.startswith(("unix://", "http+unix://")) and not path.exists():
        return PrerequisiteError(
            f"No Docker Engine runs here: there is no {path}.",
            remedy="apt-get install docker.io && systemctl start docker, "
            "or point DOCKER_HOST to an engine",
        )
    return PrerequisiteError(
        f"The Docker Engine at {address} doesn't answer: {cause[:300]}",
        remedy="Start it (systemctl start docker), or mend DOCKER_HOST",
    )
