"""Runs a job as a Prefect flow, from the outside: environment first, then prefect, then the event
loop.

The command line calls this; `runner` does the work. Importing this module does not import prefect.
"""

import asyncio
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

from docmill.flow.address import ServerAddress, environment
from docmill.flow.job import Job, RunOutcome


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


def run(job: Job, address: ServerAddress) -> RunOutcome:
    """Run a job to its end. Ctrl-C and SIGTERM end it cleanly; a second Ctrl-C at once.

    Raises:
        PrerequisiteError: Prefect's server refused the run before it began.
        TooManyFailuresError, RunError: what stopped the run; its report has been written all the
            same.
    """
    with prefect_client(address):
        from docmill.flow.runner import run_flow  # noqa: PLC0415

        outcome = asyncio.run(run_flow(job))
    if outcome.error:
        raise outcome.error
    return outcome
