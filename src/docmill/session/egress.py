"""The way out of a session's sandbox, where its environment has one: door, broker and log."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from docmill.egress.broker import Broker
from docmill.sandboxes.base import Sandbox
from docmill.sandboxes.toolbox.door import CERTIFICATES
from docmill.session.journal import Journal


@asynccontextmanager
async def way_out(
    broker: Broker | None, sandbox: Sandbox, journal: Journal
) -> AsyncGenerator[None]:
    """Within this the sandbox's door leads to the broker; without one nothing happens."""
    if broker is None:
        yield
        return
    await sandbox.put(CERTIFICATES, broker.certificates)
    async with broker.serve(sandbox.door(), journal.add):
        yield
