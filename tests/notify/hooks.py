"""A receiver of webhooks on loopback: says what it was told to say, and remembers what came."""

import json
import threading
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Receiver:
    """What it answers, the last of it for ever, and the requests it got."""

    answers: list[tuple[int, dict[str, str]]] = field(default_factory=lambda: [(204, {})])
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list[Any])
    address: str = ""

    @property
    def notices(self) -> list[Any]:
        """The bodies."""
        return [json.loads(body) for _, body in self.got]


@contextmanager
def receiver(*answers: tuple[int, dict[str, str]]) -> Generator[Receiver]:
    """One that is there until the block is left."""
    made = Receiver()
    made.answers = list(answers) or made.answers

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            """Take what comes."""
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append((dict(self.headers), body))
            status, headers = made.answers[min(len(made.got), len(made.answers)) - 1]
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name above
            """Say nothing."""

    service = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.address = f"http://127.0.0.1:{service.server_port}/hook"
    thread = threading.Thread(target=service.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield made
    finally:
        service.shutdown()
        service.server_close()
        thread.join()
