"""Runs a job as a Prefect flow, from the outside: Prefect in a process of its own, the job in this.

The command line calls this; `runner` does the work over there. Importing this module does not
import prefect.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext

from docmill.flow.address import ServerAddress, environment
from docmill.flow.calls import Meet, packed
from docmill.flow.hosting import host
from docmill.flow.job import Job, RunOutcome
from docmill.flow.prefect_process import FlowSide, PrefectProcess


@contextmanager
def prefect_client(address: ServerAddress) -> Generator[None]:
    """This process as a Prefect client of that server; imports prefect (1.5 CPU-s).

    The environment is put back afterwards: a `PREFECT_API_URL` of ours must not be taken for one of
    the user's.
    """
    before = dict(os.environ)
    os.environ.update(environment(address))
    try:
        seen = "prefect" in sys.modules
        from prefect.context import refresh_global_settings_context  # noqa: PLC0415

        if seen:
            refresh_global_settings_context()
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def meet(process: FlowSide, address: ServerAddress, name: str) -> None:
    """Let a process that was started ahead make itself known to the server, as flow `name`."""
    process.work.sendall(packed(Meet(address, name)))


def run(
    job: Job,
    address: ServerAddress,
    process: FlowSide | None = None,
    *,
    meanwhile: Callable[[], object] | None = None,
    around: AbstractAsyncContextManager[object] | None = None,
) -> RunOutcome:
    """Run a job to its end. Ctrl-C and SIGTERM end it cleanly; a second Ctrl-C at once.

    `process` is one that was started before; it is used up. `meanwhile` is called while Prefect
    and its server get ready for the flow; `around` is held open as long as the job is at work.

    Raises:
        PrerequisiteError: Prefect's server refused the run before it began.
        TooManyFailuresError, RunError: what stopped the run; its report has been written all the
            same.
    """
    with process or PrefectProcess() as prefect:
        outcome = asyncio.run(_host(job, address, prefect, meanwhile, around))
    if outcome.error:
        raise outcome.error
    return outcome


async def _host(
    job: Job,
    address: ServerAddress,
    process: FlowSide,
    meanwhile: Callable[[], object] | None,
    around: AbstractAsyncContextManager[object] | None,
) -> RunOutcome:
    async with around or nullcontext():
        return await host(job, address, process, meanwhile)
