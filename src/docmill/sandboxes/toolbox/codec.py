"""JSON without the `json` package, whose import (`re`, `enum`) would double the start-up time.

Uses the accelerator behind `json` directly and falls back to `json` where it has another form.
"""

from __future__ import annotations

TYPE_CHECKING = False  # the `typing` module alone would cost 10 ms of the start
if TYPE_CHECKING:
    from typing import Any


def _refuse(value: object) -> Any:
    raise ValueError(f"not JSON: {type(value).__name__} {value!r}"[:200])


class _Context:
    """What the scanner reads its settings from."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = staticmethod(_refuse)
    memo: dict[str, str] = {}


def _accelerated() -> tuple[Any, Any]:
    from _json import (  # pyright: ignore[reportMissingModuleSource]
        encode_basestring,
        make_encoder,
        make_scanner,
    )

    context: Any = _Context()

    scan: Any = make_scanner(context)
    encode: Any = make_encoder(
        None, _refuse, encode_basestring, None, ":", ",", False, False, False
    )

    def loads(text: str) -> Any:
        value, end = scan(text, 0)
        if end != len(text):
            raise ValueError("more than one JSON value")
        return value

    def dumps(value: object) -> str:
        return "".join(encode(value, 0))

    if loads(dumps({"a": [1, 2.5, None, "é"]})) != {"a": [1, 2.5, None, "é"]}:
        raise TypeError("another interface")
    return loads, dumps


def _plain() -> tuple[Any, Any]:
    import json

    def dumps(value: object) -> str:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    return json.loads, dumps


class _Found:
    """Looked for when first needed: that is after the start."""

    functions: tuple[Any, Any] | None = None


def prepare() -> tuple[Any, Any]:
    """The functions `loads` and `dumps` of this interpreter."""
    if _Found.functions is None:
        try:
            _Found.functions = _accelerated()
        except (ImportError, TypeError, StopIteration):
            _Found.functions = _plain()
    return _Found.functions


def loads(data: bytes) -> Any:
    """The value of compact JSON text in UTF-8.

    Raises:
        ValueError: it isn't that.
    """
    read, _ = prepare()
    try:
        return read(data.decode())
    except StopIteration:
        raise ValueError("not JSON") from None


def dumps(value: object) -> bytes:
    """Compact JSON in UTF-8; lone surrogates become `?`.

    Raises:
        ValueError: NaN, infinity or a type JSON doesn't have.
    """
    _, write = prepare()
    text: str = write(value)
    return text.encode("utf-8", "replace")
