"""Every error docmill raises on purpose, by audience.

DocmillError
├── SpecError            the author of the YAML: every mistake of all files at once
├── PrerequisiteError    the operator: something this machine lacks, and the command that mends it
├── ToolError            the model: goes back into the conversation as an error result
├── RunError             whoever started the run: busy, not found, gone too far
│   ├── RunBusyError
│   ├── RunNotFoundError
│   └── TooManyFailuresError
└── SessionError         one document: becomes its status, never ends the run
    ├── DocumentError    the document itself can't be used
    ├── SandboxError     the sandbox was lost or refused
    ├── ModelError       the model gave no usable answer
    ├── OutputInvalidError  the record never passed validation
    └── LimitError       a limit of the spec was reached
"""

from collections.abc import Sequence
from typing import NamedTuple

EXIT_OK = 0
EXIT_UNFINISHED = 1
EXIT_SPEC = 2
EXIT_PREREQUISITE = 3
EXIT_LIMIT = 4


class KeyProblem(NamedTuple):
    """One mistake found by its place in the data; `spec.load` finds file, line and column."""

    path: tuple[str | int, ...]
    message: str
    remedy: str = ""


class DocmillError(Exception):
    """Base of all; `message` is one plain sentence, `remedy` the next command or edit."""

    exit_code = EXIT_UNFINISHED

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message}\n{self.remedy}" if self.remedy else self.message


class Problem(NamedTuple):
    """One mistake in a file of the workspace; `line` and `column` count from 1, 0 where unknown."""

    file: str
    line: int
    column: int
    key: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        text = f"{place} {self.key} — {self.message}" if self.key else f"{place} — {self.message}"
        return f"{text} — {self.remedy}" if self.remedy else text


class SpecError(DocmillError):
    """The workspace's files have mistakes; `problems` holds all of them."""

    exit_code = EXIT_SPEC

    def __init__(
        self, problems: Sequence[Problem], *, remedy: str = "Check again: docmill validate"
    ) -> None:
        self.problems = tuple(problems)
        count = len(self.problems)
        noun = "problem" if count == 1 else "problems"
        lines = "\n".join(str(problem) for problem in self.problems)
        super().__init__(
            f"{lines}\n{count} {noun}. Nothing was run, nothing was spent.",
            remedy=remedy,
        )


class PrerequisiteError(DocmillError):
    """Something this machine lacks; raised before anything is spent."""

    exit_code = EXIT_PREREQUISITE


class ToolError(DocmillError):
    """A tool call that failed for a reason the model can act on."""


class RunError(DocmillError):
    """A run that can't be started, found or finished."""


class RunBusyError(RunError):
    """Another live process is running this pipeline."""

    exit_code = EXIT_PREREQUISITE


class RunNotFoundError(RunError):
    """No stored run or document has this name."""


class TooManyFailuresError(RunError):
    """The pipeline's failure threshold was crossed; the remaining documents were cancelled."""


class SessionError(DocmillError):
    """Ends one document's session; `code` is stable and stands in the report."""

    code = "session_failed"
    retryable = False
    resumable = False
    """Whether a later run may go on with the session where it stands."""

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        remedy: str = "",
        retryable: bool | None = None,
        resumable: bool | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        if code:
            self.code = code
        if retryable is not None:
            self.retryable = retryable
        if resumable is not None:
            self.resumable = resumable


class DocumentError(SessionError):
    """The document can't be used: empty, encrypted, corrupt, too large, without text."""

    code = "document_unusable"


class SandboxError(SessionError):
    """The sandbox was lost or cut by a limit; a fresh one may help unless a limit was the cause."""

    code = "sandbox_lost"
    retryable = True


class ModelError(SessionError):
    """The model refused, could not be reached or gave an answer that can't be used."""

    code = "model_failed"


class OutputInvalidError(SessionError):
    """The record was still invalid after every repair the pipeline allows."""

    code = "record_invalid"


class LimitError(SessionError):
    """A limit of the pipeline was reached; the message names the limit, its value and the use."""

    code = "limit_reached"
    resumable = True
    exit_code = EXIT_LIMIT
