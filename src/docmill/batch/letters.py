"""What coordinator and shard write to each other, as JSON: a document, and what came of it.

A document's location below the workspace is told relative to it: on another machine the workspace
may lie elsewhere. `store.shards` keeps the letters and reads none.
"""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from docmill import errors
from docmill.errors import DocmillError, RunError, SessionError
from docmill.plan import PlannedDocument

_INSIDE = "workspace:"
_DOCUMENT = TypeAdapter(PlannedDocument)


class Answer(NamedTuple):
    """What a shard says of a document it has carried out."""

    session: str = ""
    attempt: int = 1
    error: DocmillError | None = None
    """Why there is none."""


def document_text(document: PlannedDocument, root: Path) -> str:
    """A document, for a workspace that may lie elsewhere."""
    location = document.location
    if Path(location).is_absolute() and Path(location).is_relative_to(root):
        location = _INSIDE + str(Path(location).relative_to(root))
    return _DOCUMENT.dump_json(replace(document, location=location)).decode()


def read_document_text(text: str, root: Path) -> PlannedDocument:
    """The document, as this workspace has it."""
    document = _DOCUMENT.validate_json(text)
    if not document.location.startswith(_INSIDE):
        return document
    return replace(document, location=str(root / document.location.removeprefix(_INSIDE)))


def answer_text(answer: Answer) -> str:
    """What came of a document."""
    data: dict[str, Any] = {"session": answer.session, "attempt": answer.attempt}
    error = answer.error
    if error is not None:
        data["error"] = {"message": error.message, "remedy": error.remedy}
        if isinstance(error, SessionError):
            data["error"] |= {
                "kind": type(error).__name__,
                "code": error.code,
                "retryable": error.retryable,
                "resumable": error.resumable,
            }
    return json.dumps(data)


def read_answer_text(text: str) -> Answer:
    """The answer; an error is again of the kind that it was."""
    data: dict[str, Any] = json.loads(text)
    said: dict[str, Any] | None = data.get("error")
    error = None if said is None else _error(said)
    return Answer(str(data["session"]), int(data["attempt"]), error)


def _error(said: dict[str, Any]) -> DocmillError:
    said = dict(said)
    message = str(said.pop("message"))
    kind = said.pop("kind", None)
    if kind is None:
        return RunError(message, **said)
    named = getattr(errors, str(kind), SessionError)
    return (named if issubclass(named, SessionError) else SessionError)(message, **said)
