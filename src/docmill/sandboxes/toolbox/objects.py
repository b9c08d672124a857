"""What a page is painted with: each text's ink, and what lies over and under it.

Neighbours: `hidden` asks about words; `pdfium` holds the functions. Only reads; what is really to
be seen is decided by pixels, not here.
"""

from __future__ import annotations

from ctypes import addressof, c_float, c_uint, c_ulong, c_void_p, create_string_buffer
from itertools import repeat

from .pdfium import undeclared

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from ctypes import Array

    from .pdfium import OpenPage

    Get = Callable[..., int]

    Box = tuple[float, float, float, float]
    Colour = tuple[int, ...]
    Matrix = tuple[float, float, float, float, float, float]

MAX_OBJECTS = 60_000
"""Of one page; what has more is looked at by pixels, word for word."""
MAX_AREAS = 5_000
"""Filled areas and pictures of one page, likewise."""
MAX_DEPTH = 8
MAX_CLIPS = 8
CORNERS = 5
"""Points of a rectangle's path."""
FAR = 1e9
SAME = 0.01
"""Points."""
SMALLEST = 3.0
"""Points; what is lower or narrower covers no word."""
EDGE = 0.2
"""Of a word's height: what reaches into its box no further than this touches no letter."""
BAND = 16.0
"""Height of the strips of the page in which areas are looked up."""
_TEXT, _IMAGE, _FORM = 1, 3, 5
_INVISIBLE = frozenset((3, 7))
_STROKED = frozenset((1, 5))


BLACK = (0, 0, 0, 255)
WHITE = (255, 255, 255, 255)
ALIKE = 48
"""Largest difference of a channel at which ink may be lost on what is under it."""
FAINT = 26
"""Of 255: opacity below which ink may not be seen."""


def stands_out(ink: Colour, ground: Colour | None) -> bool:
    """Whether ink surely stands out from what is under it; on a picture nobody knows before."""
    if ground is None or ground[3] < 255 or ink[3] < FAINT:
        return False
    return max(abs(a - b) for a, b in zip(ink[:3], ground[:3], strict=True)) >= ALIKE


def _is_rectangle(xs: list[float], ys: list[float]) -> bool:
    """Whether a path has the corners of an upright rectangle: no edge is slanted."""
    if not 4 <= len(xs) <= CORNERS:
        return False
    return all(
        abs(xs[n] - xs[n - 1]) < SAME or abs(ys[n] - ys[n - 1]) < SAME for n in range(len(xs))
    )


class Ink:
    """How a text is painted."""

    def __init__(
        self, invisible: bool, colour: Colour, *, clip: Box | None, optional: bool
    ) -> None:
        self.invisible = invisible
        self.colour = colour
        """Red, green, blue and opacity, 0 to 255."""
        self.clip = clip
        """What a clip leaves to be seen; None where there is none, pdfium forgets idle ones."""
        self.optional = optional
        """Whether it may stand on a layer that can be switched off."""
        self.plain = not (invisible or clip or optional) and stands_out(colour, WHITE)
        """Whether it is seen wherever nothing is over or under it."""


class Area:
    """A filled area, picture or gradient."""

    def __init__(self, order: int, box: Box, colour: Colour | None) -> None:
        self.order = order
        self.box = box
        """In displayed space."""
        self.colour = colour
        """None for what has no single colour."""


class Around:
    """What lies under a word, the visible grounds of its parts, and whether anything is over it."""

    def __init__(self, grounds: list[Colour | None], *, covered: bool) -> None:
        self.grounds = grounds
        self.covered = covered


NOTHING = Around([WHITE], covered=False)


class PageObjects:
    """The objects of a page in the order they are painted."""

    def __init__(self, page: OpenPage, *, layers: bool) -> None:
        self._layers = layers
        self._lib = page.lib
        self._numbers: Array[c_uint] = (c_uint * 4)()
        self._floats: Array[c_float] = (c_float * 6)()
        self._places = tuple(addressof(self._numbers) + 4 * n for n in range(4))
        self._sides = tuple(addressof(self._floats) + 4 * n for n in range(6))
        m = page.placement()
        self._orders: dict[int, int] = {}
        self.inks: dict[int, Ink] = {}
        """By text object, as far as `ink` was asked."""
        self._shared: dict[tuple[int, Colour, Box | None, bool], Ink] = {}
        self._bands: dict[int, list[Area]] = {}
        self._frames: dict[int, Matrix] = {}
        """Where texts in forms are placed."""
        self._count = self._areas = 0
        self.pictures = 0.0
        """Square points that pictures cover, overlaps counted twice."""
        lib, handle = page.lib, page.handle
        number = min(int(lib.FPDFPage_CountObjects(handle)), MAX_OBJECTS + 1)
        self._placement: Matrix = (m.xx, m.yx, m.xy, m.yy, m.x0, m.y0)
        get: Get = undeclared(lib, "FPDFPage_GetObject", c_void_p)
        self._add(handle, get, number, self._placement, 0)
        self.complete = self._count <= MAX_OBJECTS and self._areas <= MAX_AREAS
        """False if there was too much to look at each."""

    def _add(self, holder: int, get: Get, number: int, within: Matrix, depth: int) -> None:
        """Take in the objects of a page, or of a form that `within` places in displayed space."""
        start = self._count
        number = min(number, MAX_OBJECTS + 1 - start)
        # Drawings have tens of thousands of objects, most of them lines: no loop of ours over them.
        mode_of: Callable[..., int] = self._lib.FPDFPath_GetDrawMode
        items = list(map(get, repeat(c_void_p(holder)), range(number)))
        modes = (c_uint * max(number, 1))()
        places = range(addressof(modes), addressof(modes) + 4 * number, 4)
        paths = list(map(mode_of, items, places, repeat(self._places[1])))
        filled = modes[:number]
        for index in [n for n in range(number) if filled[n] or not paths[n]]:
            self._count = start + index + 1
            if self._count > MAX_OBJECTS:
                return
            if paths[index]:
                self._add_area(items[index], within, is_path=True)
            else:
                self._add_other(items[index], within, depth)
                start = self._count - index - 1  # behind what a form holds
        self._count = start + number

    def _add_other(self, item: int, within: Matrix, depth: int) -> None:
        """Take in what is no path."""
        kind = self._lib.FPDFPageObj_GetType(item)
        if kind == _TEXT:
            self._orders[item] = self._count
            if depth:
                self._frames[item] = within
        elif kind == _FORM and depth < MAX_DEPTH:
            inside = int(self._lib.FPDFFormObj_CountObjects(item))
            placed = self._placed(item, within)
            self._add(item, self._lib.FPDFFormObj_GetObject, inside, placed, depth + 1)
        else:
            self._add_area(item, within, is_path=False)
            if kind == _IMAGE:
                x0, y0, x1, y1 = self._box(item, within) or (0.0, 0.0, 0.0, 0.0)
                self.pictures += (x1 - x0) * (y1 - y0)

    def _add_area(self, item: int, within: Matrix, *, is_path: bool) -> None:
        box = self._box(item, within)
        if box is None or box[2] - box[0] < SMALLEST or box[3] - box[1] < SMALLEST:
            return
        colour = self._colour(item, stroked=False) if is_path else None
        self._areas += 1
        if self._areas > MAX_AREAS:
            return
        area = Area(self._count, box, colour)
        for band in range(int(max(box[1], 0.0) // BAND), int(min(box[3], 2e4) // BAND) + 1):
            self._bands.setdefault(band, []).append(area)

    def _placed(self, form: int, within: Matrix) -> Matrix:
        """How what is in a form is placed in displayed space."""
        if not self._lib.FPDFPageObj_GetMatrix(form, self._sides[0]):
            return within
        a, b, c, d, e, f = self._floats
        p, q, r, s, t, u = within
        return (
            a * p + b * r, a * q + b * s, c * p + d * r,
            c * q + d * s, e * p + f * r + t, e * q + f * s + u,
        )  # fmt: skip

    def _box(self, item: int, within: Matrix) -> Box | None:
        """Where an object lies, in displayed space."""
        if not self._lib.FPDFPageObj_GetBounds(item, *self._sides[:4]):
            return None
        left, bottom, right, top, _, _ = self._floats
        a, b, c, d, e, f = within
        corners = ((left, bottom), (left, top), (right, bottom), (right, top))
        xs = [a * x + c * y + e for x, y in corners]
        ys = [b * x + d * y + f for x, y in corners]
        return min(xs), min(ys), max(xs), max(ys)

    def _colour(self, item: int, *, stroked: bool) -> Colour:
        lib, places = self._lib, self._places
        ask = lib.FPDFPageObj_GetStrokeColor if stroked else lib.FPDFPageObj_GetFillColor
        return tuple(self._numbers) if ask(item, *places) else BLACK

    def ink(self, text: int) -> Ink:
        """How a text object is painted; remembered, for a line is one object and many words."""
        lib = self._lib
        mode = lib.FPDFTextObj_GetTextRenderMode(text)
        path = lib.FPDFPageObj_GetClipPath(text)
        paths = lib.FPDFClipPath_CountPaths(path) if path else 0
        clip = self._clip(text, path, paths) if paths > 0 else None
        colour = self._colour(text, stroked=mode in _STROKED)
        optional = self._layers and (text in self._frames or self._is_optional(text))
        known = self._shared.get((mode, colour, clip, optional))
        if known is None:
            known = Ink(mode in _INVISIBLE, colour, clip=clip, optional=optional)
            self._shared[mode, colour, clip, optional] = known
        self.inks[text] = known
        return known

    def _is_optional(self, text: int) -> bool:
        """Whether a text is marked as belonging to a layer."""
        lib, name, size = self._lib, create_string_buffer(16), c_ulong()
        for index in range(lib.FPDFPageObj_CountMarks(text)):
            mark = lib.FPDFPageObj_GetMark(text, index)
            lib.FPDFPageObjMark_GetName(mark, name, len(name), addressof(size))
            if name.raw.startswith(b"O\0C\0\0\0"):
                return True
        return False

    def _clip(self, text: int, path: int, paths: int) -> Box:
        """What a clip leaves, in displayed space; nothing where it is more than rectangles."""
        lib, (x, y, *_) = self._lib, self._sides
        a, b, c, d, e, f = self._frames.get(text, self._placement)
        box = (-FAR, -FAR, FAR, FAR)
        for index in range(min(paths, MAX_CLIPS)):
            xs: list[float] = []
            ys: list[float] = []
            for number in range(min(lib.FPDFClipPath_CountPathSegments(path, index), CORNERS + 1)):
                segment = lib.FPDFClipPath_GetPathSegment(path, index, number)
                if lib.FPDFPathSegment_GetPoint(segment, x, y):
                    px, py = self._floats[0], self._floats[1]
                    xs.append(a * px + c * py + e)
                    ys.append(b * px + d * py + f)
            if paths > MAX_CLIPS or not _is_rectangle(xs, ys):
                return 0.0, 0.0, 0.0, 0.0
            left, top, right, low = box
            box = (max(left, min(xs)), max(top, min(ys)), min(right, max(xs)), min(low, max(ys)))
        return box

    def around(self, text: int, box: Box) -> Around:
        """What is painted before and after a text where a word of it stands."""
        x0, y0, x1, y1 = box
        areas = self._bands.get(int((y0 + y1) / 2 // BAND))
        if areas is None:
            return NOTHING
        order = self._orders.get(text, 0)
        edge = EDGE * (y1 - y0)
        left, top, right, low = x0 + edge, y0 + edge, x1 - edge, y1 - edge
        grounds: list[Colour | None] = []
        covered, whole = False, False
        for area in areas:
            a0, b0, a1, b1 = area.box
            if a0 > right or a1 < left or b0 > low or b1 < top:
                continue
            if area.order > order:
                covered = True
            elif a0 <= left and a1 >= right and b0 <= top and b1 >= low:
                grounds, whole = [area.colour], True
            else:
                grounds.append(area.colour)
        if not (grounds or covered):
            return NOTHING
        return Around(grounds if whole else [WHITE, *grounds], covered=covered)

    def activate(self, texts: set[int], *, active: bool) -> None:
        """Whether these texts are painted."""
        for text in texts:
            self._lib.FPDFPageObj_SetIsActive(text, int(active))
