"""A real S3 server over the wire: rclone's `serve s3` over a folder, and buckets in it.

Fixtures for whoever needs one: `from tests.buckets import bucket, s3_server` in a conftest.
"""

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from docmill.documents.stores import open_store

PROGRAM = Path(sys.executable).with_name("rclone")
KEY, SECRET = "docmill-tests", "not-a-secret"


@dataclass(frozen=True, slots=True)
class S3Server:
    """Buckets are the folders in its folder."""

    url: str
    folder: Path


@dataclass(frozen=True, slots=True)
class Bucket:
    """One of them, of one test."""

    name: str
    folder: Path
    """What is in it, to look at: the server doesn't notice what is written behind its back."""

    @property
    def address(self) -> str:
        """`s3://NAME`"""
        return f"s3://{self.name}"

    def put(self, name: str, content: bytes) -> None:
        """Write an object as any client does."""
        open_store(f"{self.address}/{name}")[0].pipe_file(f"{self.name}/{name}", content)

    def names(self, prefix: str = "") -> list[str]:
        """Keys below a prefix, relative to it."""
        base = self.folder / prefix
        return sorted(p.relative_to(base).as_posix() for p in base.rglob("*") if p.is_file())


def free_port() -> int:
    """One that nobody has at the moment."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as caller:
        return caller.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A server for the whole session. A fixture that asks for a bucket only later has to name this
    one among its arguments: what is started during a test has to end with it."""
    folder, port = tmp_path_factory.mktemp("s3"), free_port()
    home = tmp_path_factory.mktemp("rclone")
    serve = [str(PROGRAM), "serve", "s3", "--addr", f"127.0.0.1:{port}"]
    serve += ["--auth-key", f"{KEY},{SECRET}", str(folder)]
    with (home / "log").open("w") as log:
        process = subprocess.Popen(
            serve, env={"HOME": str(home), "PATH": os.environ["PATH"]}, stdout=log, stderr=log
        )
    try:
        while not answers(port):
            assert process.poll() is None, (home / "log").read_text()
            time.sleep(0.02)
        yield S3Server(f"http://127.0.0.1:{port}", folder)
    finally:
        process.terminate()
        process.wait()


def use_server(url: str, patch: pytest.MonkeyPatch) -> None:
    """Clients of this process and of its children talk to that server from here on."""
    forget_clients()
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        patch.delenv(name)
    patch.setenv("AWS_ACCESS_KEY_ID", KEY)
    patch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    patch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    patch.setenv("AWS_ENDPOINT_URL", url)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def forget_clients() -> None:
    """Close s3fs's connections; it keeps a client per set of options for the process's life."""
    s3fs = sys.modules.get("s3fs")
    if s3fs is None:
        return
    kind: Any = s3fs.S3FileSystem
    for each in list(kind._cache.values()):
        if each._s3 is not None:
            closing = each._s3.__aexit__(None, None, None)
            asyncio.run_coroutine_threadsafe(closing, each.loop).result(10)
            each._s3 = None
    kind.clear_instance_cache()


@pytest.fixture
def bucket(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[Bucket]:
    """An empty bucket; the AWS variables of the environment lead to it."""
    name = f"b{abs(hash(request.node.nodeid)):x}"
    folder = s3_server.folder / name
    use_server(s3_server.url, monkeypatch)
    open_store(f"s3://{name}")[0].mkdir(name)
    yield Bucket(name, folder)
    forget_clients()
    shutil.rmtree(folder, ignore_errors=True)
