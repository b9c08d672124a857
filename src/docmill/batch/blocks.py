"""The Secret blocks of Prefect that a pipeline's secrets are in, read once for a run.

`flow.errands` reads them, `egress.vault` asks. They are kept in this process's memory only.
"""

from collections.abc import Iterable

from docmill.flow import server
from docmill.flow.address import ServerSettings
from docmill.flow.errands import read_secrets
from docmill.spec.pipeline import Pipeline
from docmill.spec.vault import SecretSource


class SecretBlocks:
    """Implements `egress.vault.Lookup`; waits for Prefect's server at the first question."""

    def __init__(self, settings: ServerSettings, names: Iterable[str] = ()) -> None:
        self._settings = settings
        self._names = tuple(names)
        """All that will be asked for."""
        self._found: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """The text in a block.

        Raises:
            PrerequisiteError: the server is away, or a block can't be had.
        """
        if name not in self._found:
            names = (*self._names, name)
            self._found |= read_secrets(server.ensure(self._settings), names)
        return self._found[name]


def block_names(pipeline: Pipeline) -> tuple[str, ...]:
    """The Secret blocks that a pipeline names."""
    sources: list[SecretSource] = list(pipeline.vault.values())
    sources += [notice.secret for notice in pipeline.notify if notice.secret is not None]
    return tuple(source.prefect_secret for source in sources if source.prefect_secret is not None)
