"""Flags from inside the sandbox: validated, capped, weighed by the pipeline's `documents.hostile`.

Neighbours: `document` asks for them, `marking` ties them to values, `batch.status` counts them.
What comes from the sandbox may be forged by the document it parsed: it is data to be shown.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast, get_args

from docmill.documents.layout import Page
from docmill.errors import DocumentError
from docmill.records.flags import REMARKS, Flag, FlagKind, FlagSeverity, Topic
from docmill.records.values import Box
from docmill.spec.hostile import Hostile

MAX_FLAGS = 250
MAX_BOXES = 8
EXCERPT = 80
MAX_COUNT = 1_000_000
SHOWN = 3
KINDS: dict[str, FlagKind] = {kind: kind for kind in get_args(FlagKind)}
CODES: dict[Topic, str] = {
    "hidden_text": "document_hidden_text",
    "instructions": "document_instructions",
    "text_layer": "document_text_layer",
    "active_content": "document_active_content",
    "structure": "document_structure",
}
REMEDY = "Look at the file by hand; `documents.hostile.{topic}: flag` reads it and flags it."


def read_flags(found: object, pages: Sequence[Page], hostile: Hostile) -> tuple[Flag, ...]:
    """The flags of an answer of the sandbox; what has no form is left out, as is what is too much.

    `hostile` decides what they mean; a topic that is refused has the severity `warning`.
    """
    if not isinstance(found, list):
        return ()
    entries = cast("list[object]", found)[:MAX_FLAGS]
    flags = (_flag(entry, pages, hostile) for entry in entries)
    return tuple(flag for flag in flags if flag is not None)


def refuse(flags: Iterable[Flag], hostile: Hostile) -> None:
    """Stop at what the pipeline doesn't want to be read at all.

    Raises:
        DocumentError: a flag falls under a topic that is set to `refuse`.
    """
    for topic, code in CODES.items():
        if hostile.response(topic) != "refuse":
            continue
        hits = [f for f in flags if f.topic == topic and f.severity == "warning"]
        if hits:
            shown = "; ".join(flag.sentence for flag in hits[:SHOWN])
            more = f"; and {len(hits) - SHOWN} more" if len(hits) > SHOWN else ""
            raise DocumentError(
                f"The pipeline refuses such documents (`documents.hostile.{topic}`): "
                f"{shown}{more}.",
                code=code,
                remedy=REMEDY.format(topic=topic),
            )


def severity(kind: FlagKind, hostile: Hostile) -> FlagSeverity:
    """What a kind of flag means to this pipeline."""
    if kind in REMARKS or hostile.response(Flag(kind=kind).topic) == "note":
        return "info"
    return "warning"


def _flag(entry: object, pages: Sequence[Page], hostile: Hostile) -> Flag | None:
    if not isinstance(entry, Mapping):
        return None
    data = cast("Mapping[str, Any]", entry)
    named = data.get("kind")
    kind = KINDS.get(named) if isinstance(named, str) else None
    if kind is None:
        return None
    page, count, boxes = data.get("page", 0), data.get("count", 1), data.get("boxes", ())
    whole = isinstance(page, int) and 0 <= page <= len(pages)
    if not (whole and isinstance(count, int) and 0 < count <= MAX_COUNT):
        return None
    return Flag(
        kind=kind,
        page=page,
        boxes=_boxes(boxes) if page else (),
        excerpt=_excerpt(data.get("excerpt", "")),
        count=count,
        severity=severity(kind, hostile),
    )


def _boxes(found: object) -> tuple[Box, ...]:
    boxes: list[Box] = []
    for sides in cast("list[object]", found)[:MAX_BOXES] if isinstance(found, list) else ():
        numbers = cast("list[object]", sides) if isinstance(sides, list) else []
        finite = [float(side) for side in numbers if isinstance(side, (int, float))]
        if len(finite) == 4 and all(abs(side) < 1e6 for side in finite):
            boxes.append((finite[0], finite[1], finite[2], finite[3]))
    return tuple(boxes)


def _excerpt(found: object) -> str:
    text = found if isinstance(found, str) else ""
    shown = "".join(sign if sign.isprintable() else "\ufffd" for sign in text)
    return shown[:EXCERPT]
