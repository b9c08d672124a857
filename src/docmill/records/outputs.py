"""Files an agent leaves beside its record: named here, kept in the blobs, linked by the report."""

from docmill.base import Frozen


class OutputFile(Frozen):
    """One file as it was taken out of the sandbox."""

    name: str
    """Its path in the agent's `outputs` folder, as the agent called it."""
    file: str
    """What it is called beside the report: plain, unique in its document, and of a kind that no
    browser runs."""
    size: int
    """Bytes."""
    sha256: str
    """Also the name of its blob."""


class RefusedOutput(Frozen):
    """Something in the folder that was not taken."""

    name: str
    reason: str
    """A few words: `a link`, `more than 20 files`."""
