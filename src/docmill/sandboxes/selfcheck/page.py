"""The tables of attacks in `docs/security.md`, written out of the list itself.

`python -m docmill.sandboxes.selfcheck.page docs/security.md` renews them; a test compares. The rest
of that page is written by hand.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from docmill.sandboxes.selfcheck.base import Room
from docmill.sandboxes.selfcheck.catalog import ROOMS

BEGIN = (
    "<!-- attacks: written by `python -m docmill.sandboxes.selfcheck.page docs/security.md` -->\n"
)
END = "<!-- end of attacks -->\n"


def tables(rooms: Sequence[Room] = ROOMS) -> str:
    """A table for each room."""
    return "\n".join(map(_table, rooms))


def renewed(page: str) -> str:
    """The page with the tables of today.

    Raises:
        ValueError: it has no place for them.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page has no place for the attacks")
    return f"{before}{BEGIN}\n{tables()}\n{END}{after}"


def _table(room: Room) -> str:
    rows = [
        f"| `{each.name}` | {each.tries} | {each.held_by} | {each.gives} |" for each in room.attacks
    ]
    head = ("| attack | what it does | held by | what it would give |", "|---|---|---|---|")
    return "\n".join((f"### {room.name}", "", *head, *rows, ""))


def main(file: str) -> None:
    """Renew a page in place."""
    path = Path(file)
    path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
