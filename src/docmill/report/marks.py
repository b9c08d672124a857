"""Status marks: the word, the tone and the icon of every status, verdict and finding.

Colour is never the only signal: each mark is shown with its word and its icon.
"""

from typing import Literal, NamedTuple

Tone = Literal["good", "bad", "warn", "unsure", "mute"]


class Mark(NamedTuple):
    """How a status looks; `icon` names a symbol of the HTML template."""

    word: str
    tone: Tone
    icon: str
    rank: int
    """Order of gravity, the gravest 0."""


MARKS: dict[str, Mark] = {
    "unfinished": Mark("unfinished", "bad", "stop", 0),
    "failed": Mark("failed", "bad", "stop", 0),
    "invalid": Mark("invalid", "bad", "stop", 1),
    "limit": Mark("limit", "bad", "stop", 2),
    "cancelled": Mark("cancelled", "mute", "stop", 3),
    "fail": Mark("fail", "bad", "cross", 4),
    "flagged": Mark("flagged", "warn", "flag", 5),
    "suspicious": Mark("suspicious", "warn", "flag", 5),
    "marginal": Mark("marginal", "warn", "wave", 6),
    "ambiguous": Mark("ambiguous", "unsure", "fork", 7),
    "unverified": Mark("unverified", "unsure", "query", 8),
    "missing": Mark("missing", "mute", "empty", 9),
    "not_comparable": Mark("not comparable", "mute", "unequal", 10),
    "info": Mark("info", "mute", "query", 11),
    "pass": Mark("pass", "good", "check", 12),
    "ok": Mark("ok", "good", "check", 13),
    "verified": Mark("verified", "good", "check", 14),
}
