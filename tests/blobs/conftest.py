"""A real S3 server, and the blobs of two machines that share them."""

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol

import fsspec  # pyright: ignore[reportMissingTypeStubs]
import pytest

from docmill.blobs import BlobStore, Shared

RCLONE = Path(sys.executable).with_name("rclone")
KEYS = ("docmill", "s3cret-0123456789")


class Bucket(NamedTuple):
    """A bucket of the server."""

    address: str
    folder: Path
    """Where the server has its objects."""


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder whose folders are the buckets of a server; the environment leads to it."""
    root = tmp_path_factory.mktemp("s3")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = ["--addr", f"127.0.0.1:{port}", "--auth-key", ",".join(KEYS), "--config", os.devnull]
    server = subprocess.Popen(
        [RCLONE, "serve", "s3", *options, str(root)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
        environment.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
        environment.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        environment.setenv("AWS_EC2_METADATA_DISABLED", "true")
        try:
            while not _answers(port):
                assert server.poll() is None, "rclone has ended"
                time.sleep(0.05)
            yield root
        finally:
            server.kill()
            server.wait()
            _forget()


@pytest.fixture
def bucket(s3: Path) -> Bucket:
    """A new one."""
    name = f"b{secrets.token_hex(6)}"
    fsspec.filesystem("s3").mkdir(name)  # pyright: ignore[reportUnknownMemberType]
    return Bucket(f"s3://{name}/state/blobs", s3 / name)


class Machine(Protocol):
    """Makes the blobs of one more machine."""

    def __call__(self, *, clock: Callable[[], float] = time.time) -> BlobStore:
        """`clock` is the machine's."""
        ...


@pytest.fixture(params=["folder", "bucket"])
def machine(request: pytest.FixtureRequest, s3: Path, tmp_path: Path) -> Machine:
    """In a folder that all machines see, or in a bucket."""
    del s3  # started before the test, whose children are looked after
    address = "" if request.param == "folder" else request.getfixturevalue("bucket").address

    def make(*, clock: Callable[[], float] = time.time) -> BlobStore:
        if not address:
            return BlobStore(tmp_path / "blobs", clock=clock)
        return BlobStore(tmp_path / secrets.token_hex(4), shared=Shared(address), clock=clock)

    return make


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _forget() -> None:
    """File systems are kept by fsspec, with the server's address in them."""
    module = sys.modules.get("s3fs")
    if module is not None:
        module.S3FileSystem.clear_instance_cache()
