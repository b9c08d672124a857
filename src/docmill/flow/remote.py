"""The program of Prefect's process: imports prefect, waits for a job, runs it as a flow.

The job itself stays in the run's process (`hosting`); `RemoteJob` stands for it here. Without that
process there is nothing left to do, so its end is this one's.
"""

import asyncio
import contextlib
import itertools
import os
import signal
import socket
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from docmill.errors import DocmillError, SessionError
from docmill.flow.address import environment
from docmill.flow.calls import (
    Answer,
    Ask,
    Begin,
    Ended,
    Forget,
    Meet,
    Message,
    Stop,
    packed,
    receive,
    receive_now,
)
from docmill.flow.dealing import Control
from docmill.flow.hosting import JobError
from docmill.flow.job import Ingested, Job, Published, RunEnd, RunOutcome
from docmill.flow.launch import prefect_client
from docmill.flow.runner import greet, run_flow
from docmill.plan import PlannedDocument
from docmill.records.results import DocumentStatus


class RemoteJob:
    """Implements `Job`: every method is a call to the run's process."""

    def __init__(self, begin: Begin, writer: asyncio.StreamWriter, quick: socket.socket) -> None:
        self.name = begin.name
        self.run_id = begin.run_id
        self.concurrency = begin.concurrency
        self.retries = begin.retries
        self.failure_threshold = begin.failure_threshold
        self._writer = writer
        self._quick = quick
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}

    async def ingest(self) -> Ingested:
        return await self._ask("ingest")

    async def process(self, document: PlannedDocument, *, attempt: int) -> dict[str, Any]:
        return await self._ask("process", document, attempt=attempt)

    def reuse(self, document: PlannedDocument) -> DocumentStatus:
        return self._ask_now("reuse", document)

    def settle_failure(
        self, document: PlannedDocument, error: SessionError, *, attempts: int
    ) -> DocumentStatus:
        return self._ask_now("settle_failure", document, error, attempts=attempts)

    def settle_cancelled(self, document: PlannedDocument) -> None:
        self._ask_now("settle_cancelled", document)

    async def judge(self) -> dict[str, Any]:
        return await self._ask("judge")

    async def report(self, end: RunEnd) -> Published:
        return await self._ask("report", end)

    def orchestrated(self, flow_run_id: str, url: str) -> None:
        self._ask_now("orchestrated", flow_run_id, url)

    def take(self, answer: Answer) -> None:
        """An answer has come: whoever asked goes on."""
        waiting = self._waiting.pop(answer.number)
        if waiting.done():
            return
        if answer.cancelled:
            waiting.cancel()
        elif answer.error:
            waiting.set_exception(answer.error)
        else:
            waiting.set_result(answer.result)

    async def _ask(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        self._writer.write(packed(Ask(number, method, arguments, keywords)))
        try:
            return await asyncio.shield(answer)
        except asyncio.CancelledError:
            if not answer.done():
                self._writer.write(packed(Forget(number)))
            # What is done is done, even if nobody wanted it any more.
            return await answer

    def _ask_now(self, method: str, *arguments: Any, **keywords: Any) -> Any:
        self._quick.sendall(packed(Ask(0, method, arguments, keywords)))
        answer = receive_now(self._quick)
        if not isinstance(answer, Answer):
            alone()
        if answer.error:
            raise answer.error
        return answer.result


class RemoteShardedJob(RemoteJob):
    """Implements `ShardedJob`."""

    async def next_shard(self) -> str | None:
        return await self._ask("next_shard")

    async def shard_over(self, shard: str, message: str) -> None:
        await self._ask("shard_over", shard, message)

    async def dismiss(self) -> None:
        await self._ask("dismiss")


def alone() -> NoReturn:
    """End at once: the run's process is gone, and nobody is left to tell anything."""
    os._exit(1)


Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Runner = Callable[[Job, Control], Awaitable[RunOutcome]]


async def converse(begin: Begin, work: Streams, quick: socket.socket, runner: Runner) -> None:
    """Run the job, and say what came of it."""
    reader, writer = work
    kind = RemoteShardedJob if begin.sharded else RemoteJob
    job, control = kind(begin, writer, quick), Control()
    listening = asyncio.create_task(listen(reader, job, control))
    flow = asyncio.ensure_future(runner(job, control))
    try:
        await asyncio.wait({flow})
    except asyncio.CancelledError:
        # Whoever runs this process ends it: the run is closed first.
        control.stop("The run was cancelled in Prefect.")
        await asyncio.wait({flow})
    listening.cancel()
    writer.write(packed(_ended(flow)))
    await writer.drain()
    writer.close()
    await writer.wait_closed()


async def listen(reader: asyncio.StreamReader, job: RemoteJob, control: Control) -> None:
    """Take what the run's process says, until it is gone."""
    while message := await receive(reader):
        if isinstance(message, Answer):
            job.take(message)
        elif isinstance(message, Stop):
            control.stop(message.reason)
    alone()


def _ended(flow: asyncio.Future[Any]) -> Message:
    if flow.cancelled():
        return Ended()
    error = flow.exception()
    if error is None:
        return Ended(outcome=flow.result())
    if not isinstance(error, (DocmillError, OSError, JobError)):
        error = RuntimeError("".join(traceback.format_exception(error)))
    return Ended(error=error)


async def _run(begin: Begin, work: socket.socket, quick: socket.socket) -> None:
    await converse(begin, await asyncio.open_connection(sock=work), quick, run_flow)


def main() -> None:
    """Wait for the job and run it; the sockets' handles are the two arguments."""
    # Who ends the run tells its process, and that one us.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    work, quick = (socket.socket(fileno=int(handle)) for handle in sys.argv[1:])
    with work, quick, contextlib.ExitStack() as clients:
        known: dict[str, str] = {}
        message = receive_now(work)
        if isinstance(message, Meet):
            clients.enter_context(prefect_client(message.address))
            known = environment(message.address)
            asyncio.run(greet(message.name))
            message = receive_now(work)
        if isinstance(message, Begin):
            if environment(message.address) != known:
                clients.enter_context(prefect_client(message.address))
            asyncio.run(_run(message, work, quick))


if __name__ == "__main__":
    main()
