"""What a pipeline does about documents that are not what they seem: `documents.hostile`."""

from typing import Literal

from docmill.base import Frozen

Response = Literal["note", "flag", "refuse"]
"""`note` tells of it, `flag` makes the document `flagged`, `refuse` ends it `failed` unread."""


class Hostile(Frozen):
    """What to do about each kind of hostile content; a refused document costs nothing."""

    hidden_text: Response = "flag"
    """Words nobody sees on the printed page. Models aren't shown them, but with `note`."""
    instructions: Response = "flag"
    """Text that speaks to a language model instead of to a reader."""
    text_layer: Literal["note", "flag"] = "flag"
    """Words of the text layer that OCR reads differently; found where `ocr` is on."""
    active_content: Response = "note"
    """Scripts, actions, embedded files, forms, comments."""
    structure: Response = "note"
    """Files that are something else besides a PDF."""

    def response(self, topic: str) -> Response:
        """What to do about a topic, by the name of its key."""
        found: Response = getattr(self, topic)
        return found
