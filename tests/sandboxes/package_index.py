"""Wheels made by the test, and an index that serves them on this machine."""

import base64
import hashlib
import io
import ssl
import threading
import zipfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from typing import Any

from docmill.batch.downloads import package_supply
from docmill.sandboxes.building.way import Supply
from docmill.sandboxes.packages import CORE
from docmill.settings import load_settings

QUIET = {"PIP_CONFIG_FILE": "/dev/null"}
"""Leaves the settings of this machine's pip out."""


def wheel(
    name: str, number: str, files: Mapping[str, str], *, needs: tuple[str, ...] = ()
) -> tuple[str, bytes]:
    """File name and bytes of a wheel."""
    info = f"{name}-{number}.dist-info"
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {number}"]
    lines += [f"Requires-Dist: {need}" for need in needs]
    contents = {
        **files,
        f"{info}/METADATA": "\n".join([*lines, ""]),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [f"{path},sha256={_digest(text)},{len(text)}" for path, text in contents.items()]
    contents[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for path, text in contents.items():
            archive.writestr(path, text)
    return f"{name}-{number}-py3-none-any.whl", data.getvalue()


def _digest(text: str) -> str:
    found = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
    return found.rstrip(b"=").decode()


def stand_ins() -> dict[str, bytes]:
    """Empty wheels of what every sandbox has, in the versions docmill has."""
    return dict(wheel(name, version(name), {f"{name}.py": ""}) for name in CORE)


class Index:
    """What the server has seen, and a gate that files may be held back at."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = {**stand_ins(), **files}
        self.asked: list[str] = []
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()
        self.url = ""
        self.login = ""
        """What the header Authorization has to say, if anything."""
        self.files_at = ""
        """Where its pages say that files lie; empty: here."""

    @property
    def environ(self) -> dict[str, str]:
        """Variables that send pip here and nowhere else."""
        return {**QUIET, "PIP_INDEX_URL": f"{self.url}/simple"}

    @property
    def supply(self) -> Supply:
        """Downloads from here and from nowhere else, as on a machine configured so."""
        return package_supply(load_settings(self.environ))

    def answer(self, path: str) -> bytes | None:
        """A page of links, or a file."""
        self.asked.append(path)
        kind, _, name = path.strip("/").partition("/")
        if kind == "files":
            self.waiting.set()
            self.gate.wait(20)
            return self.files.get(name)
        wanted = name.strip("/").replace("-", "_")
        links = [file for file in self.files if file.split("-")[0].lower() == wanted]
        page = "".join(f'<a href="{self.files_at}/files/{file}">{file}</a>' for file in links)
        return f"<html><body>{page}</body></html>".encode() if links else None


@contextmanager
def serving(
    files: Mapping[str, bytes],
    kind: type[Index] = Index,
    *,
    host: str = "127.0.0.1",
    tls: ssl.SSLContext | None = None,
) -> Generator[Index]:
    """An index on a port of its own."""
    index = kind(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("Authorization", "") == index.login
            body = index.answer(self.path) if known else b""
            self.send_response(401 if not known else 404 if body is None else 200)
            kind = "text/html" if self.path.startswith("/simple") else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            try:
                self.wfile.write(body or b"")
            except OSError:  # whoever asked is gone
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
            """Nothing."""

    server = ThreadingHTTPServer((host, 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    index.url = f"http{'s' * bool(tls)}://{host}:{server.server_address[1]}"
    try:
        yield index
    finally:
        index.gate.set()
        server.shutdown()
        thread.join()
        server.server_close()
