"""The run's side of a flow: does what Prefect's process asks of the job, and passes on Ctrl-C.

The job stays in this process, with its store, sandboxes and models; Prefect's process has only the
picture of it. Imports no prefect.
"""

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable, Generator
from typing import Any

from docmill.errors import DocmillError, RunError
from docmill.flow.address import ServerAddress
from docmill.flow.calls import Answer, Ask, Begin, Ended, Forget, Stop, packed, receive
from docmill.flow.job import Job, RunOutcome, ShardedJob
from docmill.flow.prefect_process import FlowSide

INTERRUPTED = "The run was interrupted."


class JobError(Exception):
    """Stands, in Prefect's process, for an error of the job that only the run itself knows."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(number, text)
        self.number = number


class Host:
    """A job at the service of Prefect's process."""

    def __init__(self, job: Job, writer: asyncio.StreamWriter) -> None:
        self._job = job
        self._writer = writer
        self._calls: dict[int, asyncio.Task[Any]] = {}
        self._errors: dict[int, BaseException] = {}
        self._stopped = False

    def stop(self) -> None:
        """End the run early: nothing more is begun."""
        self._stopped = True
        self._writer.write(packed(Stop(INTERRUPTED)))

    async def serve(self, reader: asyncio.StreamReader) -> RunOutcome:
        """Answer calls until the run has ended.

        Raises:
            DocmillError: what the run ended with; or whatever else the job raised.
        """
        try:
            while True:
                match await receive(reader):
                    case Ask() as ask:
                        self._begin(ask)
                    case Forget(number):
                        if number in self._calls:
                            self._calls[number].cancel()
                    case Ended(outcome, error):
                        if outcome:
                            return outcome
                        raise self._original(error)
                    case _:
                        raise RunError("Prefect's process ended.", remedy="Run again.")
        finally:
            for call in self._calls.values():
                call.cancel()
            await asyncio.gather(*self._calls.values(), return_exceptions=True)

    async def serve_quick(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer the calls of methods that are no coroutines, one after the other."""
        while isinstance(ask := await receive(reader), Ask):
            try:
                result = getattr(self._job, ask.method)(*ask.arguments, **ask.keywords)
                answer = Answer(ask.number, result)
            except (DocmillError, OSError) as error:
                answer = Answer(ask.number, error=error)
            writer.write(packed(answer))

    def _begin(self, ask: Ask) -> None:
        if self._stopped and ask.method == "process":
            self._writer.write(packed(Answer(ask.number, cancelled=True)))
            return
        work = getattr(self._job, ask.method)(*ask.arguments, **ask.keywords)
        call: asyncio.Task[Any] = asyncio.create_task(work)
        self._calls[ask.number] = call
        call.add_done_callback(functools.partial(self._answer, ask.number))

    def _answer(self, number: int, done: asyncio.Task[Any]) -> None:
        del self._calls[number]
        if done.cancelled():
            answer = Answer(number, cancelled=True)
        elif error := done.exception():
            answer = Answer(number, error=self._portable(number, error))
        else:
            answer = Answer(number, done.result())
        self._writer.write(packed(answer))

    def _portable(self, number: int, error: BaseException) -> BaseException:
        """What Prefect's process has to tell apart goes there as it is, the rest under a number."""
        if isinstance(error, (DocmillError, OSError)):
            return error
        self._errors[number] = error
        return JobError(number, f"{type(error).__name__}: {error}")

    def _original(self, error: BaseException | None) -> BaseException:
        if isinstance(error, JobError):
            return self._errors.get(error.number, error)
        return error or asyncio.CancelledError()


async def host(
    job: Job,
    address: ServerAddress,
    process: FlowSide,
    meanwhile: Callable[[], object] | None = None,
) -> RunOutcome:
    """Let Prefect's process run the job; the first Ctrl-C or SIGTERM ends it cleanly.

    `meanwhile` is called while the flow is being started over there.

    Raises:
        PrerequisiteError: Prefect's server refused the run before it began.
        RunError: Prefect's process was lost.
    """
    reader, writer = await asyncio.open_connection(sock=process.work)
    quick = await asyncio.open_connection(sock=process.quick)
    hosted = Host(job, writer)
    writer.write(
        packed(
            Begin(
                address=address,
                name=job.name,
                run_id=job.run_id,
                concurrency=job.concurrency,
                retries=job.retries,
                failure_threshold=job.failure_threshold,
                sharded=isinstance(job, ShardedJob),
            )
        )
    )
    answering = asyncio.create_task(hosted.serve_quick(*quick))
    try:
        with stop_on_signals(hosted.stop):
            if meanwhile:
                meanwhile()
            return await hosted.serve(reader)
    finally:
        answering.cancel()
        await asyncio.wait({answering})
        for each in (writer, quick[1]):
            each.close()


@contextlib.contextmanager
def stop_on_signals(stop: Callable[[], None]) -> Generator[None]:
    """The first Ctrl-C or SIGTERM calls `stop`; the second one is not held back."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGINT, signal.SIGTERM)

    def on_signal() -> None:
        release()
        stop()

    def release() -> None:
        for number in signals:
            loop.remove_signal_handler(number)

    # Outside the main thread nobody can be interrupted.
    with contextlib.suppress(ValueError, RuntimeError):
        for number in signals:
            loop.add_signal_handler(number, on_signal)
    try:
        yield
    finally:
        release()
