"""Reaching an engine: what is said where there is none, and which of its containers are orphans."""

import http.server
import os
import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from docmill.errors import PrerequisiteError
from docmill.sandboxes.docker import DockerBackend, owners
from docmill.sandboxes.docker.container import is_mapped, refusal
from docmill.sandboxes.docker.engine import Engine, EngineError, Listed
from docmill.sandboxes.opening import open_backend


@contextmanager
def answering(body: bytes) -> Generator[str]:
    """A server that gives the same answer to everything, as the address of an engine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"tcp://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def test_without_an_engine_the_remedy_is_to_have_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never bubblewrap in its place."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    with pytest.raises(PrerequisiteError, match="No Docker Engine runs here") as caught:
        open_backend("docker")
    assert "docker.io" in caught.value.remedy
    assert "DOCKER_HOST" in caught.value.remedy


def test_a_socket_nobody_listens_on_is_an_engine_to_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a crashed engine leaves."""
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(tmp_path / "docker.sock"))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    probe = DockerBackend().probe()
    assert not probe.available
    assert "doesn't answer" in probe.cause
    assert "systemctl start docker" in probe.remedy


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_socket_of_others_names_the_group_to_join(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The usual first meeting of an ordinary user with Docker."""
    path = tmp_path / "docker.sock"
    monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
    with socket.socket(socket.AF_UNIX) as end:
        end.bind(str(path))
        end.listen()
        path.chmod(0o600)
        os.seteuid(65534)
        try:
            with pytest.raises(PrerequisiteError, match="may not be used") as caught:
                Engine()
        finally:
            os.seteuid(0)
    assert "usermod -aG docker" in caught.value.remedy


def test_something_else_at_the_address_is_no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A web server, a proxy."""
    with answering(b"<html>") as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(PrerequisiteError, match="doesn't answer"):
            Engine()


def test_an_engine_that_is_too_old_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits could not be had from it."""
    with answering(b'{"ApiVersion": "1.40", "Version": "19.03.5"}') as address:
        monkeypatch.setenv("DOCKER_HOST", address)
        with pytest.raises(PrerequisiteError, match=r"19\.03\.5, which is too old"):
            Engine()


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("write /var/lib/docker/x: no space left on device", "docker system prune"),
        ("Unknown runtime specified runsc", "daemon.json"),
        ("something new", "docker info"),
    ],
)
def test_refusals_carry_what_mends_them(text: str, remedy: str) -> None:
    """As far as they are known."""
    found = refusal(EngineError(text, 500))
    assert text in found.message
    assert remedy in found.remedy


def test_engines_with_users_of_their_own_are_known() -> None:
    """There high numbers of users don't exist."""
    assert is_mapped(["name=seccomp,profile=default", "name=rootless"])
    assert is_mapped(["name=userns"])
    assert not is_mapped(["name=apparmor", "name=seccomp,profile=default"])


def container(owner: str, *, running: bool = True) -> Listed:
    """A container with this label."""
    return Listed("c0ffee", {owners.OWNER: owner}, running)


def test_orphans_are_containers_of_dead_processes_of_this_machine() -> None:
    """A process number that was given to another process since counts as dead."""
    own = owners.labels({})[owners.OWNER]
    place, pid, started = own.split(" ")
    assert not owners.is_orphan(container(own))
    assert owners.is_orphan(container(f"{place} {pid} {int(started) + 1}"))
    assert owners.is_orphan(container(f"{place} 4194304 1"))


def test_containers_of_other_machines_are_theirs_while_they_run() -> None:
    """An engine may serve many; what has ended is nobody's, for nothing is used twice."""
    other = "4f6c5f0e-0000-0000-0000-000000000000:4026531836 1 1"
    assert not owners.is_orphan(container(other))
    assert owners.is_orphan(container(other, running=False))
    assert owners.is_orphan(container("", running=False))
    assert not owners.is_orphan(container("garbage"))


@pytest.mark.parametrize("address", ["ssh://engine.example", "https://127.0.0.1:2376"])
def test_an_engine_over_tls_or_ssh_is_refused_with_a_way_to_reach_it(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its streams could be read by its own client only; a forwarded socket can be attached to."""
    monkeypatch.setenv("DOCKER_HOST", address)
    with pytest.raises(PrerequisiteError, match="TLS or ssh") as caught:
        Engine()
    assert "ssh -nNT -L" in caught.value.remedy
