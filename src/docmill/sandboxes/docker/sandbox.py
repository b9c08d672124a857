"""A session's sandbox in a container that was started before.

`container` starts and removes, `running` does what every sandbox does. Never used twice.
"""

import asyncio

from docmill.sandboxes.base import Enforced
from docmill.sandboxes.docker import limits
from docmill.sandboxes.docker.container import START_SECONDS, Container
from docmill.sandboxes.docker.streams import OutputProtocol, Streams
from docmill.sandboxes.doors import receive_door
from docmill.sandboxes.running import RunningSandbox


class DockerSandbox(RunningSandbox):
    """A running sandbox; made by `DockerBackend.open`.

    It ends with its stream: when that is closed process 1 leaves, and all others with it.
    """

    def __init__(self, container: Container) -> None:
        super().__init__(container.form.limits)
        self._container = container
        self._streams = Streams()
        self.enforced: tuple[Enforced, ...] = ()
        """The limits in force, as read back."""

    async def start(self) -> None:
        """Take the container over: its hello, its limits, its door.

        Raises:
            SandboxError: it has died meanwhile.
            PrerequisiteError: a limit isn't in force.
        """
        assert self._container.socket is not None
        if self._container.form.door:
            with await asyncio.to_thread(self._container.take_door) as connection:
                self._door = await receive_door(connection, START_SECONDS)
        told = await self._channel.open(
            self._container.socket,
            START_SECONDS,
            protocol=lambda reader: OutputProtocol(reader, self._streams),
        )
        limits.require(told, self._limits)
        self.enforced = limits.read_back(told, self._limits)
        self._begin_time()

    def _out_of_memory(self) -> bool:
        return self._container.state().out_of_memory

    def _bury(self) -> None:
        self._container.remove()
