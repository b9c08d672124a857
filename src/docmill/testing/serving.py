"""`ScriptedServer`: a server on 127.0.0.1 that speaks the Messages API and keeps to a script.

Neighbours: `wire` is HTTP, `application` the endpoints, `script` what is answered, `log` what was.
`process` and `server` are for a server that has to outlive its client.
"""

import asyncio
import threading
from collections.abc import Sequence
from types import TracebackType

from docmill.testing.application import Application, Options
from docmill.testing.log import Entry
from docmill.testing.script import Block, Policy, Step, Steps
from docmill.testing.wire import Connection


class ScriptedServer:
    """Answers the Messages API by a list of steps, taken in order, or by a policy.

    `async with` serves on the running loop, `with` in a thread of its own. Leaving the block fails
    if a call wasn't in the list, if steps are left over, or if the policy raised.
    """

    def __init__(
        self,
        script: Sequence[Step | Sequence[Block]] | Policy,
        *,
        key: str = "test",
        latency: float = 0.0,
        models: Sequence[str] = (),
        port: int = 0,
        max_body: int = Options().max_body,
        cache_minimum: int = 0,
        batch_polls: int = 1,
        batch_seconds: float = 0.0,
    ) -> None:
        """The options are those of `application.Options`; `port` 0 takes any that is free."""
        policy = script if callable(script) else Steps(script)
        options = Options(
            key, latency, tuple(models), max_body, cache_minimum, batch_polls, batch_seconds
        )
        self._app = Application(policy, options)
        self._policy = policy
        self._port = port
        self._max_body = max_body
        self._peers: set[Connection] = set()
        self._server: asyncio.Server | None = None
        self._thread: threading.Thread | None = None
        self._stop: asyncio.Event | None = None
        self._failure: OSError | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def base_url(self) -> str:
        """Where it listens: what an endpoint's `base_url` has to be."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def log(self) -> tuple[Entry, ...]:
        """What it was asked and gave, in order of arrival."""
        return tuple(self._app.log.entries)

    @property
    def totals(self) -> dict[str, int]:
        """Answers it gave and their tokens, by their names in the API."""
        return self._app.log.totals

    def check(self) -> None:
        """Whether all went by the script so far.

        Raises:
            AssertionError: a call wasn't in the script, or steps are left over.
        """
        if self._app.trouble:
            raise AssertionError("; ".join(self._app.trouble))
        if isinstance(self._policy, Steps) and self._policy.left:
            raise AssertionError(f"{self._policy.left} steps of the script were never asked for")

    async def start(self) -> None:
        """Listen on the running loop."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._app, self._peers, max_body=self._max_body),
            "127.0.0.1",
            self._port,
        )
        self._port = self._server.sockets[0].getsockname()[1]
        self._app.base_url = self.base_url

    async def stop(self) -> None:
        """Close the port and every connection; whoever waits for an answer gets none."""
        assert self._server is not None
        self._server.close()
        await asyncio.gather(*(peer.abort() for peer in list(self._peers)))
        await self._server.wait_closed()

    async def __aenter__(self) -> "ScriptedServer":
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
        if kind is None:
            self.check()

    def __enter__(self) -> "ScriptedServer":
        ready = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready)), name="scripted-server"
        )
        self._thread.start()
        ready.wait()
        if self._server is None:
            self._thread.join()
            raise OSError(f"port {self._port} can't be listened on") from self._failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._loop is not None
        assert self._stop is not None
        assert self._thread is not None
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()
        if kind is None:
            self.check()

    async def _serve(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        try:
            await self.start()
        except OSError as error:
            self._failure = error
            return
        finally:
            ready.set()
        await self._stop.wait()
        await self.stop()
