"""Tables on paper: columns by width, cells with several lines, a header repeated on each page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from paper import BLACK, Align, Colour, Sheet

Grid = Literal["all", "rows", "frame", "none"]


@dataclass(frozen=True)
class Style:
    """How a table looks."""

    size: float = 8.5
    grid: Grid = "all"
    head_fill: Colour | None = (0.9, 0.91, 0.93)
    head_colour: Colour = BLACK
    pad: float = 4
    row_gap: float = 3.5
    zebra: Colour | None = None
    bold_head: bool = True


@dataclass(frozen=True)
class Table:
    """Where a table stands and how wide its columns are; `align` has one letter per column."""

    x: float
    widths: Sequence[float]
    align: str
    style: Style = Style()
    bottom: float = 770
    """A row that would end below this goes to the next page."""

    def draw(
        self,
        sheet: Sheet,
        y: float,
        rows: Sequence[Sequence[str]],
        *,
        head: Sequence[str] | None = None,
        new_page: Callable[[], float] | None = None,
    ) -> float:
        """Draw head and rows from `y` downwards; returns the y below the table.

        `new_page` starts a page and returns the y to go on at; the head is repeated there.
        """
        if head:
            y = self._row(sheet, y, head, head=True)
        for index, row in enumerate(rows):
            if new_page and y + self.height(row) > self.bottom:
                y = new_page()
                if head:
                    y = self._row(sheet, y, head, head=True)
            y = self._row(sheet, y, row, shade=bool(index % 2))
        return y

    def height(self, row: Sequence[str]) -> float:
        """Height in points this row takes."""
        lines = max(cell.count("\n") + 1 for cell in row)
        return lines * self.style.size * 1.2 + 2 * self.style.row_gap

    def _row(
        self, sheet: Sheet, y: float, row: Sequence[str], *, head: bool = False, shade: bool = False
    ) -> float:
        style, height = self.style, self.height(row)
        fill = style.head_fill if head else style.zebra if shade else None
        if fill:
            sheet.box(self.x, y, sum(self.widths), height, fill=fill, edge=None)
        x = self.x
        for cell, width, align in zip(row, self.widths, self.align, strict=True):
            self._cell(sheet, (x, y, width), cell, align=align, head=head)
            if style.grid == "all":
                sheet.box(x, y, width, height, edge=0.5)
            x += width
        if style.grid == "rows" or (head and style.grid == "none"):
            sheet.line(self.x, y + height, x, y + height, width=0.8 if head else 0.3)
        elif style.grid == "frame":
            sheet.line(self.x, y, self.x, y + height)
            sheet.line(x, y, x, y + height)
            sheet.line(self.x, y + height, x, y + height, width=0.6)
        return y + height

    def _cell(
        self, sheet: Sheet, place: tuple[float, float, float], cell: str, *, align: str, head: bool
    ) -> None:
        x, y, width = place
        style = self.style
        side: Align = "r" if align == "r" else "c" if align == "c" else "l"
        at = {"l": x + style.pad, "r": x + width - style.pad, "c": x + width / 2}[side]
        base = y + style.row_gap + style.size * 0.9
        for line in cell.split("\n"):
            colour = style.head_colour if head else BLACK
            sheet.text(
                at, base, line, style.size, bold=head and style.bold_head, align=side, colour=colour
            )
            base += style.size * 1.2
