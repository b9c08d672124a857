"""Places that fail, files that change, names that lead elsewhere: nothing is lost, and told."""

import asyncio
import errno
import http.client
import resource
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest
from tests.buckets import Bucket, S3Server, forget_clients, use_server
from tests.watch.conftest import MakePost

from docmill.documents.sources import list_files
from docmill.documents.stores import advice, open_store
from docmill.errors import PrerequisiteError
from docmill.watch.fetching import fetch

SLOW_DOWN = b"""<?xml version="1.0"?><Error><Code>SlowDown</Code>
<Message>Please reduce your request rate.</Message></Error>"""

DENIED = b"""<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>No.</Message></Error>"""


class Busy(BaseHTTPRequestHandler):
    """Passes requests on to the real server, unless it asks for fewer."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """One request, of whatever method."""
        length = int(self.headers.get("Content-Length") or 0)
        content = self.rfile.read(length)
        gate = cast("Gate", self.server)
        if gate.protects and self.command == "DELETE" and self.path.endswith(gate.protects):
            self._answer(403, {}, DENIED)
            return
        if gate.refuses:
            gate.refuse()
            self._answer(503, {}, SLOW_DOWN)
            return
        connection = http.client.HTTPConnection(*gate.behind)
        connection.request(self.command, self.path, body=content, headers=dict(self.headers))
        answer = connection.getresponse()
        self._answer(answer.status, dict(answer.headers), answer.read())
        connection.close()

    def do_PUT(self) -> None:
        """As any other."""
        self.do_GET()

    def do_HEAD(self) -> None:
        """As any other."""
        self.do_GET()

    def do_DELETE(self) -> None:
        """As any other."""
        self.do_GET()

    def _answer(self, status: int, headers: dict[str, str], content: bytes) -> None:
        self.send_response(status)
        length = headers.pop("Content-Length", str(len(content)))
        for name, value in headers.items():
            if name.lower() not in ("transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", length if self.command == "HEAD" else str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nobody reads it."""


class Gate(ThreadingHTTPServer):
    """In front of a server."""

    def __init__(self, behind: tuple[str, int]) -> None:
        super().__init__(("127.0.0.1", 0), Busy)
        self.behind = behind
        self.refuses = False
        self.protects = ""
        """End of a key that nobody may remove."""
        self.refused_often = threading.Event()
        self._refused = 0

    def refuse(self) -> None:
        """Count."""
        self._refused += 1
        if self._refused >= 6:
            self.refused_often.set()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


@pytest.fixture
def gate(s3_server: S3Server) -> Iterator[Gate]:
    """In front of rclone."""
    host, _, port = s3_server.url.removeprefix("http://").partition(":")
    gate = Gate((host, int(port)))
    # Leaves no thread behind for a connection that is kept open.
    gate.daemon_threads = True
    thread = threading.Thread(target=gate.serve_forever, args=(0.05,))
    thread.start()
    yield gate
    gate.shutdown()
    thread.join()
    gate.server_close()


def test_a_store_that_asks_for_fewer_requests_gets_fewer(
    gate: Gate, bucket: Bucket, post: MakePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told once, waits longer each time, says when it goes well again, and loses nothing."""
    bucket.put("incoming/a", b"1")
    use_server(gate.url, monkeypatch)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    watching = post(path=f"{bucket.address}/incoming/", poll_seconds=0.2)
    gate.refuses = True

    async def until_it_is_done() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(watching.watcher().watch(stop))
        await asyncio.to_thread(gate.refused_often.wait)
        gate.refuses = False
        await watching.heard.an_end.wait()
        stop.set()
        await task

    asyncio.run(until_it_is_done())
    (failure,) = watching.heard.failures
    assert "reduce your request rate" in str(failure)
    assert "nothing is to be done" in str(failure)
    assert watching.heard.mends == [f"{bucket.address}/incoming/"]
    assert watching.ran.contents == [b"1"]


def test_a_bucket_that_is_not_there_says_what_to_do(bucket: Bucket, post: MakePost) -> None:
    """A round over it ends with the reason, not as if nothing had been dropped."""
    watching = post(path="s3://nobody-has-this/incoming/")
    watching.once()
    (failure,) = watching.heard.failures
    assert isinstance(failure, PrerequisiteError)
    assert "does not exist" in failure.message
    assert "Make the bucket" in failure.remedy


def test_a_bucket_that_vanishes_is_waited_for(bucket: Bucket, post: MakePost) -> None:
    """What is dropped once it is there again is read, what had been read isn't."""
    watching = post(path=f"{bucket.address}/incoming/")
    bucket.put("incoming/a", b"1")
    watching.once()
    store, name = open_store(bucket.address)
    store.rm(name, recursive=True)
    watching.once()
    (failure,) = watching.heard.failures
    assert "Make the bucket" in str(failure)
    store.mkdir(name)
    bucket.put("incoming/a", b"1")
    bucket.put("incoming/b", b"2")
    watching.once()
    assert watching.ran.contents == [b"1", b"2"]


def test_a_marker_that_cannot_be_removed_ends_nothing(
    gate: Gate, bucket: Bucket, post: MakePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is told; the drop has been read, and isn't again."""
    for name in ("a", "_READY"):
        bucket.put(f"incoming/{name}", name.encode())
    use_server(gate.url, monkeypatch)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    gate.protects = "_READY"
    watching = post(path=f"{bucket.address}/incoming/", ready="_READY")
    watching.once()
    (failure,) = watching.heard.failures
    assert isinstance(failure, PermissionError)
    assert watching.ran.contents == [b"a"]
    gate.protects = ""
    watching.once()
    assert watching.ran.contents == [b"a"]


def test_a_store_that_refuses_the_key_says_what_to_do(
    bucket: Bucket, post: MakePost, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the credentials need leave for is named; the secret isn't."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong-secret")
    forget_clients()
    watching = post(path=f"{bucket.address}/incoming/")
    watching.once()
    (failure,) = watching.heard.failures
    assert "list, read, write and delete" in str(failure)
    assert "wrong-secret" not in str(failure)


def test_a_folder_that_vanishes_is_waited_for(tmp_path: Path, post: MakePost) -> None:
    """Once it is there again, what was dropped into it is read."""
    incoming = tmp_path / "lab/incoming"
    watching = post(path=str(incoming))

    async def until_it_is_done() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(watching.watcher().watch(stop))
        await watching.heard.a_failure.wait()
        incoming.mkdir(parents=True)
        (incoming / "a").write_bytes(b"1")
        await watching.heard.an_end.wait()
        stop.set()
        await task

    asyncio.run(until_it_is_done())
    assert watching.ran.contents == [b"1"]
    assert str(incoming) in watching.heard.mends


NAMES = (
    "a b.pdf",
    "Prüfbericht.pdf",
    "報告書.pdf",
    "a%20b.pdf",
    "a+b&c=d.pdf",
    "#1?.pdf",
    "x::y.pdf",
)


def test_names_may_be_anything_a_bucket_allows(bucket: Bucket, post: MakePost) -> None:
    """Blanks, other scripts, what URLs and fsspec give a meaning, a broken line: all are read once
    and keep names that can be told apart."""
    names = [*NAMES, "box/new\nline.pdf"]
    for name in names:
        bucket.put(f"incoming/{name}", name.encode())
    watching = post(path=f"{bucket.address}/incoming/")
    watching.once()
    assert sorted(watching.ran.contents) == sorted(name.encode() for name in names)
    assert bucket.names("incoming") == []
    assert len(bucket.names("done")) == len(names)
    assert not any("\n" in name for name in bucket.names("done"))


def test_a_large_drop_becomes_several_runs(tmp_path: Path, post: MakePost) -> None:
    """None has more documents than `largest`, and together they have all."""
    incoming = tmp_path / "lab/incoming"
    incoming.mkdir(parents=True)
    for number in range(7):
        (incoming / f"f{number}").write_bytes(str(number).encode())
    watching = post(path=str(incoming), largest=3)
    watching.once()
    assert [len(names) for names in watching.ran.drops] == [3, 3, 1]
    assert len(watching.ran.contents) == 7


def test_a_file_that_was_written_to_since_it_was_listed_waits(tmp_path: Path) -> None:
    """What is copied is what was seen at rest; the others are left for the next look."""
    for name in ("still", "written", "gone"):
        (tmp_path / name).write_bytes(b"1")
    files = list_files(str(tmp_path), tmp_path).candidates
    (tmp_path / "written").write_bytes(b"22")
    (tmp_path / "gone").unlink()
    fetched = fetch(tmp_path / "drops", "d", files, owner="w", max_bytes=100)
    assert [file.name for file in fetched.files] == ["still"]


def test_an_object_that_was_overwritten_since_it_was_listed_waits(
    bucket: Bucket, tmp_path: Path
) -> None:
    """In a bucket its ETag tells, even if it is no longer than before."""
    bucket.put("incoming/a", b"1")
    files = list_files(f"{bucket.address}/incoming", tmp_path).candidates
    bucket.put("incoming/a", b"2")
    assert fetch(tmp_path / "drops", "d", files, owner="w", max_bytes=100).files == ()


@contextmanager
def files_no_larger_than(size: int) -> Generator[None]:
    """As on a disk that is full: a larger file can't be written."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_no_half_copies(tmp_path: Path) -> None:
    """The error says what to do; what was dropped stays where it is."""
    (tmp_path / "large").write_bytes(b"x" * 9000)
    files = list_files(str(tmp_path), tmp_path).candidates
    with files_no_larger_than(5000), pytest.raises(OSError, match="too large"):
        fetch(tmp_path / "drops", "d", files, owner="w", max_bytes=100_000)
    assert list((tmp_path / "drops").iterdir()) == []
    full = OSError(errno.ENOSPC, "No space left on device")
    assert "docmill runs prune" in advice(full)
