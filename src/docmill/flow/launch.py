"""Runs a job as a Prefect flow, from the outside: environment first, then prefect, then the event
loop.

The command line calls this; `runner` does the work. Importing this module does not import prefect.
"""

import asyncio
import os
import sys

from docmill.flow.address import ServerAddress, environment
from docmill.flow.job import Job, RunOutcome


def prepare_client(address: ServerAddress) -> None:
    """Set the process up as a Prefect client of this server; imports prefect (1.5 CPU-s)."""
    os.environ.update(environment(address))
    seen = "prefect" in sys.modules
    from prefect.context import refresh_global_settings_context  # noqa: PLC0415

    if seen:
        refresh_global_settings_context()


def run(job: Job, address: ServerAddress) -> RunOutcome:
    """Run a job to its end. Ctrl-C and SIGTERM end it cleanly; a second Ctrl-C at once.

    Raises:
        PrerequisiteError: Prefect's server refused the run before it began.
        TooManyFailuresError, RunError: what stopped the run; `outcome` on it is the RunOutcome.
    """
    prepare_client(address)
    from docmill.flow.runner import run_flow  # noqa: PLC0415

    outcome = asyncio.run(run_flow(job))
    if outcome.error:
        raise outcome.error
    return outcome
