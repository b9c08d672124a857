"""Pictures and ink: small PNG files, and whether something is to be seen in a box."""

import struct
import zlib

from hypothesis import given
from hypothesis import strategies as st

from docmill.sandboxes.toolbox import raster


def pixels_of(png: bytes) -> tuple[int, int, list[int]]:
    """Width, height and gray levels (0-15) of a PNG as `raster` writes them."""
    width, height, depth, kind = struct.unpack(">IIBB", png[16:26])
    assert (depth, kind) == (4, 0)
    length = struct.unpack(">I", png[33:37])[0]
    lines = zlib.decompress(png[41 : 41 + length])
    stride = (width + 1) // 2
    levels: list[int] = []
    for y in range(height):
        row = lines[y * (stride + 1) + 1 : (y + 1) * (stride + 1)]
        both = [half for byte in row for half in (byte >> 4, byte & 15)]
        levels += both[:width]
    return width, height, levels


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_a_png_holds_the_pixels_in_sixteen_levels(
    width: int, height: int, data: st.DataObject
) -> None:
    """Odd and even widths alike."""
    pixels = data.draw(st.binary(min_size=width * height, max_size=width * height))
    png = raster.png(pixels, width, height)
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert pixels_of(png) == (width, height, [value // 16 for value in pixels])


def test_ink_is_what_stands_out_from_the_background() -> None:
    """Black on white and white on black count; an empty box and a black bar don't."""
    white_page = bytearray(b"\xff" * 100)
    assert raster.ink(white_page, 10, 10, (0, 0, 10, 10)) == 0.0
    white_page[0:20] = bytes(20)
    assert raster.ink(white_page, 10, 10, (0, 0, 10, 10)) == 0.2
    assert raster.ink(white_page, 10, 10, (0, 0, 10, 2)) == 0.0
    inverted = bytes(255 - value for value in white_page)
    assert raster.ink(inverted, 10, 10, (0, 0, 10, 10)) == 0.2


def test_there_is_no_ink_outside_the_page() -> None:
    """A box beyond the edge is cut; one wholly outside or turned over is empty."""
    page = bytes(50) + b"\xff" * 50
    assert raster.ink(page, 10, 10, (-5, 4, 99, 6)) == 0.5
    assert raster.ink(page, 10, 10, (20, 20, 30, 30)) == 0.0
    assert raster.ink(page, 10, 10, (5, 5, 1, 1)) == 0.0
