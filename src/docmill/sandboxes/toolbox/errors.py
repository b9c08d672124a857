"""What an operation may fail with; the server turns it into an error answer."""


class OpError(Exception):
    """`code` is `tool` (the caller can act on it) or names a limit of the sandbox, like `disk`."""

    def __init__(self, message: str, code: str = "tool") -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def from_os(error: OSError, path: str) -> OpError:
    """The same in words; a full disk keeps its own code."""
    from errno import EDQUOT, ENOSPC

    if error.errno in (ENOSPC, EDQUOT):
        return OpError(f"{path}: the sandbox's disk is full", "disk")
    return OpError(f"{path}: {error.strerror or error}")
