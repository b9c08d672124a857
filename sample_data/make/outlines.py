"""Letters as outlines: contours of glyphs read from the TrueType font that reportlab brings along.

Reads what Vera.ttf needs (simple glyphs, cmap format 4), no more.
"""

import struct
from collections.abc import Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

Point = tuple[float, float]
_STEPS = 4  # straight pieces per curve


def _font_file() -> bytes:
    spec = find_spec("reportlab")
    assert spec
    assert spec.origin
    return (Path(spec.origin).parent / "fonts" / "Vera.ttf").read_bytes()


class Outlines:
    """The font Vera, ready to give the contours of a line of text."""

    def __init__(self) -> None:
        self._data = _font_file()
        count = struct.unpack_from(">H", self._data, 4)[0]
        self._tables: dict[bytes, int] = {}
        for index in range(count):
            tag, _, offset, _ = struct.unpack_from(">4sIII", self._data, 12 + 16 * index)
            self._tables[tag] = offset
        head = self._tables[b"head"]
        self._em = int(struct.unpack_from(">H", self._data, head + 18)[0])
        self._long = bool(struct.unpack_from(">h", self._data, head + 50)[0])
        self._advances = int(struct.unpack_from(">H", self._data, self._tables[b"hhea"] + 34)[0])
        self._glyphs = self._character_map()

    def line(self, text: str, x: float, y: float, size: float) -> Iterator[list[list[Point]]]:
        """Contours of each letter, on a page whose y runs downwards, baseline at `y`."""
        scale = size / self._em
        for letter in text:
            glyph = self._glyphs.get(ord(letter), 0)
            contours = self._contours(glyph)
            if contours:
                yield [[(x + px * scale, y - py * scale) for px, py in ring] for ring in contours]
            x += self._advance(glyph) * scale

    def _advance(self, glyph: int) -> int:
        index = min(glyph, self._advances - 1)
        return int(struct.unpack_from(">H", self._data, self._tables[b"hmtx"] + 4 * index)[0])

    def _character_map(self) -> dict[int, int]:
        start = self._tables[b"cmap"]
        count = struct.unpack_from(">H", self._data, start + 2)[0]
        for index in range(count):
            offset = start + struct.unpack_from(">I", self._data, start + 8 + 8 * index)[0]
            if struct.unpack_from(">H", self._data, offset)[0] == 4:
                return self._segments(offset)
        raise ValueError("Vera.ttf has no cmap of format 4")

    def _segments(self, offset: int) -> dict[int, int]:
        count = struct.unpack_from(">H", self._data, offset + 6)[0] // 2
        glyphs: dict[int, int] = {}
        for index in range(count):
            at = offset + 14 + 2 * index
            end = struct.unpack_from(">H", self._data, at)[0]
            start = struct.unpack_from(">H", self._data, at + 2 + 2 * count)[0]
            delta = struct.unpack_from(">H", self._data, at + 2 + 4 * count)[0]
            place = at + 2 + 6 * count
            jump = struct.unpack_from(">H", self._data, place)[0]
            for code in range(start, min(end, 0x2FF) + 1):
                if jump:
                    value = struct.unpack_from(">H", self._data, place + jump + 2 * (code - start))[
                        0
                    ]
                    glyphs[code] = (value + delta) % 65536 if value else 0
                else:
                    glyphs[code] = (code + delta) % 65536
        return glyphs

    def _contours(self, glyph: int) -> list[list[Point]]:
        loca = self._tables[b"loca"]
        if self._long:
            start, end = struct.unpack_from(">II", self._data, loca + 4 * glyph)
        else:
            start, end = (2 * n for n in struct.unpack_from(">HH", self._data, loca + 2 * glyph))
        at = self._tables[b"glyf"] + start
        rings = struct.unpack_from(">h", self._data, at)[0] if end > start else 0
        if rings <= 0:  # a blank, or a glyph composed of others, which we don't use
            return []
        ends = struct.unpack_from(f">{rings}H", self._data, at + 10)
        at += 10 + 2 * rings
        at += 2 + struct.unpack_from(">H", self._data, at)[0]
        points = self._points(at, ends[-1] + 1)
        bounds = [0, *(end + 1 for end in ends)]
        return [_flatten(points[a:b]) for a, b in pairwise(bounds)]

    def _points(self, at: int, count: int) -> list[tuple[float, float, bool]]:
        flags: list[int] = []
        while len(flags) < count:
            flag = self._data[at]
            at += 1
            repeat = 1
            if flag & 8:
                repeat += self._data[at]
                at += 1
            flags += [flag] * repeat
        xs, at = self._coordinates(at, flags, short=2, same=16)
        ys, at = self._coordinates(at, flags, short=4, same=32)
        return [(x, y, bool(flag & 1)) for x, y, flag in zip(xs, ys, flags, strict=True)]

    def _coordinates(
        self, at: int, flags: list[int], *, short: int, same: int
    ) -> tuple[list[float], int]:
        values: list[float] = []
        value = 0
        for flag in flags:
            if flag & short:
                value += self._data[at] if flag & same else -self._data[at]
                at += 1
            elif not flag & same:
                value += int(struct.unpack_from(">h", self._data, at)[0])
                at += 2
            values.append(value)
        return values, at


def _flatten(ring: list[tuple[float, float, bool]]) -> list[Point]:
    """A ring of on-curve and control points as a polygon."""
    full: list[tuple[float, float, bool]] = []
    for point, following in zip(ring, [*ring[1:], ring[0]], strict=True):
        full.append(point)
        if not point[2] and not following[2]:
            full.append(((point[0] + following[0]) / 2, (point[1] + following[1]) / 2, True))
    first = next(index for index, point in enumerate(full) if point[2])
    full = [*full[first:], *full[:first], full[first]]
    out: list[Point] = []
    for index, (x, y, on) in enumerate(full):
        if on:
            out.append((x, y))
            continue
        (ax, ay), (bx, by) = out[-1], full[index + 1][:2]
        for step in range(1, _STEPS):
            t = step / _STEPS
            u = 1 - t
            out.append(
                (u * u * ax + 2 * u * t * x + t * t * bx, u * u * ay + 2 * u * t * y + t * t * by)
            )
    return out
