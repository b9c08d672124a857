"""What a session's log tells about fields it didn't ask for. Events by nature."""

from typing import Literal

from docmill.base import Frozen


class FieldsKept(Frozen):
    """An earlier session on the same document knows some fields; only the others are asked for."""

    type: Literal["docmill.fields_kept"] = "docmill.fields_kept"
    source: str
    """That session."""
    kept: tuple[str, ...]
    """Fields whose values, proofs and marks were taken over."""
    asked: tuple[str, ...]
    """Fields this session asks for; none if fields were only removed or moved."""
