"""Pictures of pages: gray pixels to small PNG files, and how much ink lies in a box.

Knows nothing of PDF; `pdfium` draws. PNG after the W3C recommendation, gray, four bits.
"""

from __future__ import annotations

import zlib

LEVELS = 16
CONTRAST = 40
"""Of 255: a pixel farther than this from a box's background counts as ink."""

_HIGH = bytes((v // 16) << 4 for v in range(256))
_LOW = bytes(v // 16 for v in range(256))


def png(pixels: bytes | bytearray, width: int, height: int) -> bytes:
    """A PNG with 16 gray levels; two pixels a byte, so the file is small and quick to make."""
    if width % 2:
        rows = (pixels[i : i + width] + b"\xff" for i in range(0, width * height, width))
        pixels = b"".join(rows)
    high = int.from_bytes(pixels[0::2].translate(_HIGH), "big")
    low = int.from_bytes(pixels[1::2].translate(_LOW), "big")
    stride = (width + 1) // 2
    packed = (high | low).to_bytes(stride * height, "big")
    lines = b"".join(b"\0" + packed[i : i + stride] for i in range(0, len(packed), stride))
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x04\0\0\0\0"
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(lines, 6))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data).to_bytes(4, "big")
    return len(data).to_bytes(4, "big") + kind + data + check


def ink(
    pixels: bytes | bytearray, width: int, height: int, box: tuple[int, int, int, int]
) -> float:
    """Share of a box's pixels that stand out from its background, the most common gray.

    So white on black counts as ink, and text under a black bar doesn't. 0 outside the page.
    """
    x0, y0, x1, y1 = (max(0, v) for v in box)
    x1, y1 = min(x1, width), min(y1, height)
    if x0 >= x1 or y0 >= y1:
        return 0.0
    inside = b"".join(bytes(pixels[y * width + x0 : y * width + x1]) for y in range(y0, y1))
    background = max(range(256), key=[inside.count(v) for v in range(256)].__getitem__)
    dull = bytes(v for v in range(256) if abs(v - background) <= CONTRAST)
    return len(inside.translate(None, dull)) / len(inside)


def differs(
    one: bytes | bytearray,
    other: bytes | bytearray,
    width: int,
    box: tuple[int, int, int, int],
    *,
    least: int,
    share: float,
) -> bool:
    """Whether a share of a box's pixels differs by `least` in a channel of two coloured pictures.

    The box lies within the pictures, which are `width` pixels wide. Ends as soon as it is sure.
    """
    x0, y0, x1, y1 = box
    missing = share * (x1 - x0) * (y1 - y0)
    for y in range(y0, y1):
        start, end = 3 * (y * width + x0), 3 * (y * width + x1)
        a, b = one[start:end], other[start:end]
        if a != b:
            apart = [abs(p - q) >= least for p, q in zip(a, b, strict=True)]
            missing -= sum(map(any, zip(apart[0::3], apart[1::3], apart[2::3], strict=True)))
            if missing <= 0:
                return True
    return False
