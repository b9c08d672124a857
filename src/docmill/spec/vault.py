"""Credentials of a pipeline: where each secret is found, and the hosts it may go to.

The secret itself stands in no file of the workspace; `egress.vault` finds it when a run starts.
"""

from typing import Annotated

from pydantic import Field

from docmill.base import Frozen

SOURCES = ("env", "file", "keyring", "prefect_secret")


class SecretSource(Frozen):
    """Where a secret is found; one of these."""

    env: str | None = None
    """Name of the environment variable that holds the secret."""
    file: str | None = None
    """File that holds it, relative to the workspace or absolute."""
    keyring: str | None = None
    """`SERVICE/USER` in the machine's keyring; needs `pip install docmill[keyring]`."""
    prefect_secret: str | None = None
    """Name of a `Secret` block on the Prefect server that the run uses."""

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that are named; one of them it has to be."""
        return tuple(name for name in SOURCES if getattr(self, name) is not None)


class VaultEntry(SecretSource):
    """A secret that requests to its hosts get on their way, unseen by the sandbox."""

    hosts: Annotated[tuple[str, ...], Field(min_length=1)]
    """The only hosts it is for, among those the environment allows; port 443 unless given."""
    header: str = "Authorization"
    """Header that carries it."""
    prefix: str = ""
    """What stands before it in the header, such as `Bearer `."""
