"""The two dozen pdfium functions docmill needs, bound by ctypes to the library pypdfium2 ships.

`pypdfium2`'s own bindings are complete and take 40 ms to import, per document. Runs only in the
reader's child process. Knows nothing of words (`words`) or pictures (`raster`).
"""

from __future__ import annotations

import ctypes
import sys
from array import array
from ctypes import c_char_p, c_double, c_float, c_int, c_size_t, c_uint, c_ulong, c_void_p
from itertools import repeat
from math import pi

TYPE_CHECKING = False  # importing `typing` costs more than opening a document
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

PASSWORD = 4
"""`FPDF_ERR_PASSWORD`."""

_SIGNATURES: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "FPDF_InitLibrary": (None, ()),
    "FPDF_LoadMemDocument64": (c_void_p, (c_char_p, c_size_t, c_char_p)),
    "FPDF_GetLastError": (c_ulong, ()),
    "FPDF_GetPageCount": (c_int, (c_void_p,)),
    "FPDF_GetMetaText": (c_ulong, (c_void_p, c_char_p, c_void_p, c_ulong)),
    "FPDF_LoadPage": (c_void_p, (c_void_p, c_int)),
    "FPDF_ClosePage": (None, (c_void_p,)),
    "FPDF_GetPageWidthF": (c_float, (c_void_p,)),
    "FPDF_GetPageHeightF": (c_float, (c_void_p,)),
    "FPDFPage_GetRotation": (c_int, (c_void_p,)),
    "FPDF_PageToDevice": (
        c_int,
        (c_void_p, c_int, c_int, c_int, c_int, c_int, c_double, c_double, c_void_p, c_void_p),
    ),
    "FPDFText_LoadPage": (c_void_p, (c_void_p,)),
    "FPDFText_ClosePage": (None, (c_void_p,)),
    "FPDFText_CountChars": (c_int, (c_void_p,)),
    "FPDFText_GetUnicode": (c_uint, (c_void_p, c_int)),
    "FPDFText_GetLooseCharBox": (c_int, (c_void_p, c_int, c_void_p)),
    "FPDFText_GetCharAngle": (c_float, (c_void_p, c_int)),
    "FPDFText_GetTextObject": (c_void_p, (c_void_p, c_int)),
    "FPDFTextObj_GetTextRenderMode": (c_int, (c_void_p,)),
    "FPDFPage_CountObjects": (c_int, (c_void_p,)),
    "FPDFPage_GetObject": (c_void_p, (c_void_p, c_int)),
    "FPDFPage_GetAnnotCount": (c_int, (c_void_p,)),
    "FPDFPage_GetAnnot": (c_void_p, (c_void_p, c_int)),
    "FPDFPage_CloseAnnot": (None, (c_void_p,)),
    "FPDFAnnot_GetSubtype": (c_int, (c_void_p,)),
    "FPDFAnnot_GetStringValue": (c_ulong, (c_void_p, c_char_p, c_void_p, c_ulong)),
    "FPDFPageObj_GetType": (c_int, (c_void_p,)),
    "FPDFPageObj_GetFillColor": (c_int, (c_void_p,) * 5),
    "FPDFPageObj_GetStrokeColor": (c_int, (c_void_p,) * 5),
    "FPDFPageObj_GetBounds": (c_int, (c_void_p,) * 5),
    "FPDFPageObj_CountMarks": (c_int, (c_void_p,)),
    "FPDFPageObj_GetMark": (c_void_p, (c_void_p, c_ulong)),
    "FPDFPageObjMark_GetName": (c_int, (c_void_p, c_void_p, c_ulong, c_void_p)),
    "FPDFPageObj_GetMatrix": (c_int, (c_void_p, c_void_p)),
    "FPDFPageObj_GetClipPath": (c_void_p, (c_void_p,)),
    "FPDFPageObj_SetIsActive": (c_int, (c_void_p, c_int)),
    "FPDFPath_GetDrawMode": (c_int, (c_void_p, c_void_p, c_void_p)),
    "FPDFClipPath_CountPaths": (c_int, (c_void_p,)),
    "FPDFClipPath_CountPathSegments": (c_int, (c_void_p, c_int)),
    "FPDFClipPath_GetPathSegment": (c_void_p, (c_void_p, c_int, c_int)),
    "FPDFPathSegment_GetPoint": (c_int, (c_void_p, c_void_p, c_void_p)),
    "FPDFFormObj_CountObjects": (c_int, (c_void_p,)),
    "FPDFFormObj_GetObject": (c_void_p, (c_void_p, c_ulong)),
    "FPDFDoc_GetAttachmentCount": (c_int, (c_void_p,)),
    "FPDFDoc_GetAttachment": (c_void_p, (c_void_p, c_int)),
    "FPDFAttachment_GetName": (c_ulong, (c_void_p, c_void_p, c_ulong)),
    "FPDFDoc_GetJavaScriptActionCount": (c_int, (c_void_p,)),
    "FPDF_GetFormType": (c_int, (c_void_p,)),
    "FPDFBitmap_CreateEx": (c_void_p, (c_int, c_int, c_int, c_void_p, c_int)),
    "FPDFBitmap_FillRect": (c_int, (c_void_p, c_int, c_int, c_int, c_int, c_ulong)),
    "FPDF_RenderPageBitmap": (None, (c_void_p, c_void_p, *[c_int] * 6)),
    "FPDFBitmap_Destroy": (None, (c_void_p,)),
}


def undeclared(library: Any, name: str, result: Any) -> Any:
    """A function that is called with `c_void_p` and numbers below 2³¹ only, in two thirds of the
    time: there is nothing to be converted.
    """
    function = library[name]  # not the one that `_load` has declared
    function.restype = result
    return function


class UnreadableError(Exception):
    """pdfium refuses the document; `code` is its error number."""

    def __init__(self, code: int) -> None:
        super().__init__(f"pdfium error {code}")
        self.code = code


class Placement:
    """Page space to displayed space: `X = xx·x + xy·y + x0`, `Y = yx·x + yy·y + y0`."""

    def __init__(self, *, xx: float, xy: float, x0: float, yx: float, yy: float, y0: float) -> None:
        self.xx, self.xy, self.x0 = xx, xy, x0
        self.yx, self.yy, self.y0 = yx, yy, y0


class Chars:
    """The text layer of a page, one entry per character in each list, in page space."""

    def __init__(self, codes: list[int], rectangles: array[float]) -> None:
        self.codes = codes
        self.left, self.top = rectangles[0::4], rectangles[1::4]
        self.right, self.bottom = rectangles[2::4], rectangles[3::4]


def _load() -> Any:
    """The shared library, with the signatures declared; found where `pypdfium2_raw` is."""
    for folder in sys.path:
        try:
            library = ctypes.CDLL(f"{folder}/pypdfium2_raw/libpdfium.so")
        except OSError:
            continue
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
        library.FPDF_InitLibrary()
        return library
    raise ImportError("libpdfium.so is nowhere on the path")


class Document:
    """An open document; one per process, so nothing is closed but pages."""

    def __init__(self, data: bytes, password: str | None) -> None:
        """Open.

        Raises:
            UnreadableError: it can't be opened.
        """
        self._lib = _load()
        self._data = data  # pdfium reads from it for as long as the document is open
        secret = None if password is None else password.encode()
        self._doc = self._lib.FPDF_LoadMemDocument64(data, len(data), secret)
        if not self._doc:
            raise UnreadableError(int(self._lib.FPDF_GetLastError()))
        self.pages = int(self._lib.FPDF_GetPageCount(self._doc))

    def title(self) -> str:
        """The title in the document's information, or an empty string."""
        buffer = ctypes.create_string_buffer(1024)
        length = int(self._lib.FPDF_GetMetaText(self._doc, b"Title", buffer, len(buffer)))
        if not 2 < length <= len(buffer):
            return ""
        return buffer.raw[: length - 2].decode("utf-16-le", "replace").strip()

    def attachments(self) -> list[str]:
        """Names of the first 50 embedded files."""
        buffer = ctypes.create_string_buffer(1024)
        names: list[str] = []
        for index in range(min(50, int(self._lib.FPDFDoc_GetAttachmentCount(self._doc)))):
            held = self._lib.FPDFDoc_GetAttachment(self._doc, index)
            length = int(self._lib.FPDFAttachment_GetName(held, buffer, len(buffer))) if held else 0
            whole = 2 < length <= len(buffer)
            names.append(buffer.raw[: length - 2].decode("utf-16-le", "replace") if whole else "")
        return names

    def scripts(self) -> int:
        """How many scripts run when the document is opened."""
        return max(0, int(self._lib.FPDFDoc_GetJavaScriptActionCount(self._doc)))

    def has_form(self) -> bool:
        """Whether it has fields to be filled in."""
        return int(self._lib.FPDF_GetFormType(self._doc)) > 0

    def open_page(self, number: int) -> OpenPage | None:
        """Page `number`, counted from 1; None if pdfium can't load it."""
        handle = self._lib.FPDF_LoadPage(self._doc, number - 1)
        return OpenPage(self._lib, handle) if handle else None


class OpenPage:
    """One loaded page; use as a context manager."""

    def __init__(self, lib: Any, handle: int) -> None:
        self.lib = lib
        self.handle = handle
        self.width = float(lib.FPDF_GetPageWidthF(handle))
        self.height = float(lib.FPDF_GetPageHeightF(handle))
        self.turn = int(lib.FPDFPage_GetRotation(handle)) * pi / 2
        """How far the page is turned clockwise for display, in radians."""

    def __enter__(self) -> OpenPage:
        return self

    def __exit__(self, *_: object) -> None:
        self.lib.FPDF_ClosePage(self.handle)

    def placement(self) -> Placement:
        """How page space maps to the page as displayed, in points from its top left."""
        scale, reach = 100, 10000.0
        size = (round(self.width * scale), round(self.height * scale))
        x, y = c_int(), c_int()

        def place(px: float, py: float) -> tuple[float, float]:
            self.lib.FPDF_PageToDevice(
                self.handle, 0, 0, *size, 0, px, py, ctypes.byref(x), ctypes.byref(y)
            )
            return x.value / scale, y.value / scale

        origin, right, up = place(0, 0), place(reach, 0), place(0, reach)
        return Placement(
            xx=(right[0] - origin[0]) / reach,
            xy=(up[0] - origin[0]) / reach,
            x0=origin[0],
            yx=(right[1] - origin[1]) / reach,
            yy=(up[1] - origin[1]) / reach,
            y0=origin[1],
        )

    def text(self, limit: int) -> TextLayer | None:
        """The text layer with at most `limit` characters; None if there is none to be had."""
        handle = self.lib.FPDFText_LoadPage(self.handle)
        return TextLayer(self.lib, handle, limit) if handle else None

    def gray(
        self, width: int, height: int, part: tuple[int, int, int, int] | None = None
    ) -> bytearray:
        """The page, or a part of it, drawn on white, one byte per pixel, rows from the top."""
        gray = 0x08
        return self._drawn((width, height), part or (0, 0, width, height), 1, gray)

    def colours(self, size: tuple[int, int], part: tuple[int, int, int, int]) -> bytearray:
        """A part (left, top, right, bottom) of the page drawn in `size`, three bytes per pixel."""
        return self._drawn(size, part, 3, 0)

    def _drawn(
        self, size: tuple[int, int], part: tuple[int, int, int, int], depth: int, flags: int
    ) -> bytearray:
        left, top, right, bottom = part
        width, height = right - left, bottom - top
        pixels = bytearray(width * height * depth)
        buffer = (ctypes.c_char * len(pixels)).from_buffer(pixels)
        form = {1: 1, 3: 2}[depth]  # FPDFBitmap_Gray, FPDFBitmap_BGR
        bitmap = self.lib.FPDFBitmap_CreateEx(width, height, form, buffer, width * depth)
        if not bitmap:
            raise MemoryError("no bitmap")
        self.lib.FPDFBitmap_FillRect(bitmap, 0, 0, width, height, 0xFFFFFFFF)
        annotations = 0x01
        self.lib.FPDF_RenderPageBitmap(
            bitmap, self.handle, -left, -top, *size, 0, annotations | flags
        )
        self.lib.FPDFBitmap_Destroy(bitmap)
        return pixels


class TextLayer:
    """Characters of a page; use as a context manager."""

    def __init__(self, lib: Any, handle: int, limit: int) -> None:
        self._lib = lib
        self.handle = handle
        self.total = max(0, int(lib.FPDFText_CountChars(handle)))
        self.count = min(self.total, limit)

    def __enter__(self) -> TextLayer:
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.FPDFText_ClosePage(self.handle)

    def chars(self) -> Chars:
        """All characters with their loose boxes, in one pass."""
        count = self.count
        unicode_of: Callable[..., int] = undeclared(self._lib, "FPDFText_GetUnicode", c_uint)
        codes = list(map(unicode_of, repeat(c_void_p(self.handle)), range(count)))
        rectangles = array("f", bytes(16 * count))
        address = rectangles.buffer_info()[0]
        box_of: Callable[..., int] = self._lib.FPDFText_GetLooseCharBox
        places = range(address, address + 16 * count, 16)
        for _ in map(box_of, repeat(self.handle), range(count), places):
            pass
        return Chars(codes, rectangles)

    def objects_at(self, indexes: Iterable[int]) -> list[int | None]:
        """The page objects of characters; None for one that pdfium has made up."""
        object_of: Callable[..., int | None] = undeclared(
            self._lib, "FPDFText_GetTextObject", c_void_p
        )
        return list(map(object_of, repeat(c_void_p(self.handle)), indexes))

    def object_at(self, index: int) -> int:
        """The page object a character belongs to; 0 for one that pdfium has made up."""
        return self._lib.FPDFText_GetTextObject(self.handle, index) or 0

    def angle(self, index: int) -> float:
        """Angle of a character in radians."""
        return float(self._lib.FPDFText_GetCharAngle(self.handle, index))
